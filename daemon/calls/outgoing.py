"""What becomes of a call that we ask an Asterisk to place: the agent's telephone first, then the number.

Originate lets us name the agent's channel (header ChannelId, Asterisk 12 and later) and the action (ActionID). Both
get the same mark, so that everything Asterisk says of it can be told from other calls. Sources: main/manager.c
(action_originate, fast_originate), main/pbx.c (pbx_outgoing_exec), main/dial.c, apps/app_dial.c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from daemon.calls.events import HungUp, NumberNotReached, NumberReached, OriginateAnswered

MARK: Final = "workorderd-"
"""With what the Uniqueid of our own channels begins."""


class Phase(StrEnum):
    """How far it is."""

    AGENT_RINGS = "agent_rings"
    RINGS = "rings"
    TALKS = "talks"
    OVER = "over"


Outcome = Literal["", "answered", "busy", "no_answer", "failed", "cancelled", "not_taken", "unreachable", "unknown"]
"""What came of it: the number `answered`, was `busy`, gave `no_answer`, could not be reached (`failed`), or the agent
put down before (`cancelled`); the agent did not take it up at his own telephone (`not_taken`), or that could not be
reached (`unreachable`); the link was lost meanwhile (`unknown`). "": not known yet.
"""

OutgoingEvent = OriginateAnswered | NumberReached | NumberNotReached | HungUp

_NOT_TAKEN: Final = frozenset({1, 3, 5})  # AST_CONTROL_HANGUP, RINGING (time is over), BUSY: include/asterisk/frame.h
_BY_STATUS: Final[dict[str, Outcome]] = {"BUSY": "busy", "NOANSWER": "no_answer", "CANCEL": "cancelled"}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call of ours; `tried` is what its last try came to, while another may follow."""

    phase: Phase = Phase.AGENT_RINGS
    outcome: Outcome = ""
    tried: Outcome = ""


def ours(uniqueid: str) -> bool:
    """Whether this channel is one that we asked for."""
    return uniqueid.startswith(MARK)


def after(call: Outgoing, event: OutgoingEvent) -> Outgoing:
    """The call after an event of its own channel; what makes no sense any more changes nothing."""
    if call.phase is Phase.OVER:
        return call
    match event:
        case OriginateAnswered(answered=True):
            return replace(call, phase=Phase.RINGS) if call.phase is Phase.AGENT_RINGS else call
        case OriginateAnswered(reason=reason):
            return over(call, "not_taken" if reason in _NOT_TAKEN else "unreachable")
        case NumberReached():
            return replace(call, phase=Phase.TALKS, outcome="answered")
        case NumberNotReached(status=status):
            return call if call.phase is Phase.TALKS else replace(call, tried=_BY_STATUS.get(status, "failed"))
        case HungUp():
            return _put_down(call)


def over(call: Outgoing, outcome: Outcome) -> Outgoing:
    """It ended so, unless it had ended before."""
    return call if call.phase is Phase.OVER else replace(call, phase=Phase.OVER, outcome=call.outcome or outcome)


def _put_down(call: Outgoing) -> Outgoing:
    """Before it was taken up, OriginateAnswered says why."""
    return call if call.phase is Phase.AGENT_RINGS else over(call, call.tried or "failed")
