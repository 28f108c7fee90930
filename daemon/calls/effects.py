"""What we want done about a call. These must arrive: they are written in the transaction of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.calls.call import Call
from daemon.calls.verdict import Verdict


@dataclass(frozen=True, slots=True)
class CallKept:
    """Keep the call as it stands, so that a restart finds it again; the last one of a batch is enough."""

    call: Call


@dataclass(frozen=True, slots=True)
class CallJudged:
    """The call is over; `revised` when queue_log corrected a provisional verdict."""

    call: Call
    verdict: Verdict
    revised: bool = False


@dataclass(frozen=True, slots=True)
class CallerReached:
    """Somebody of ours talks with this number: his own call was answered in `queue`, or we called him back."""

    at: float
    number: str
    interface: str
    member: str
    caller: str
    uniqueid: str
    how: Literal["own_call", "call_back"]
    queue: str = ""


Effect = CallKept | CallJudged | CallerReached
