"""When is a call missed, and why.

A stint is judged when it ends, the call when its channel ends:

- He talked to an agent in some stint and was not put back into a queue afterwards: `answered`.
- He talked, was put back, and that later stint ended without an agent: `after_talk`.
- He never talked to an agent: the reason of his last stint (or refusal). A bridge with anybody after that stint
  means that somebody took him: `moved`.

The reason of a stint is QUEUESTATUS where Asterisk set it for this stint; else `abandoned` if his own far end hung up
before he left; else `cut_off` if his channel ended in the same moment; else `key` if he left without an abandon,
else `moved`. Source: apps/app_queue.c, queue_exec(), record_abandoned(), leave_queue().
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from daemon.calls.call import Call, Exit, Stint

AFTER_TALK: Final = "after_talk"
REASONS: Final = (*(exit_.value for exit_ in Exit if exit_ is not Exit.ANSWERED), AFTER_TALK)
MISSED_BY_DEFAULT: Final = frozenset({"abandoned", "cut_off", "lost", "timeout", "empty", "full"})
SAME_MOMENT: Final = 1.0  # seconds between leaving the queue and the channel's end that make it one happening

STATUS: Final = {
    "TIMEOUT": Exit.TIMEOUT,
    "FULL": Exit.FULL,
    "JOINEMPTY": Exit.EMPTY,
    "LEAVEEMPTY": Exit.EMPTY,
    "JOINUNAVAIL": Exit.EMPTY,
    "LEAVEUNAVAIL": Exit.EMPTY,
    "UNKNOWN": Exit.EMPTY,
    "WITHDRAW": Exit.WITHDRAWN,
}
"""QUEUESTATUS -> how the stint ended. CONTINUE is set after a talk and says nothing here."""

_TAKEN: Final = frozenset({Exit.MOVED, Exit.KEY, Exit.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a call came to: `answered` or a reason, the queue whose policy decides, and seconds waited."""

    reason: str
    queue: str
    wait: float
    provisional: bool = False

    def missed(self, counted: Collection[str] = MISSED_BY_DEFAULT) -> bool:
        """Whether this counts as missed where `counted` are the reasons that do."""
        return self.reason in counted


def stint_exit(stint: Stint, *, taken: bool, ended_at: float | None = None, hangup_at: float | None = None) -> Exit:
    """How a stint ended that has left its queue and for which Asterisk gave no QUEUESTATUS."""
    if taken:
        return Exit.MOVED
    if stint.hangup_first:
        return Exit.ABANDONED
    if not stint.abandon_seen:
        return Exit.KEY
    at_once = ended_at is not None and hangup_at is None and ended_at - (stint.left_at or ended_at) <= SAME_MOMENT
    return Exit.CUT_OFF if at_once else Exit.MOVED


def judge(call: Call) -> Verdict | None:
    """The verdict on an ended call; None when it never reached a queue."""
    if not call.stints:
        return None
    last = call.stints[-1]
    reason = last.exit or Exit.LOST
    if reason is not Exit.ANSWERED and call.taken:
        reason = Exit.MOVED
    named = next((stint.queue for stint in reversed(call.stints) if stint.queue), "")
    talked = any(stint.exit is Exit.ANSWERED for stint in call.stints)
    if talked and reason is not Exit.ANSWERED:
        word = Exit.ANSWERED.value if reason in _TAKEN else AFTER_TALK
    else:
        word = reason.value
    return Verdict(word, last.queue or named, call.wait, last.provisional)
