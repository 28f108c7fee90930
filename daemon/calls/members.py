"""The members of a PBX's queues: who is logged in and could be reached now.

A member can be reached when his device is registered and he is not paused: idle, talking or ringing, but not unknown,
invalid or unavailable (Asterisk's device states: include/asterisk/devicestate.h). Pure; after a gap nobody is, until
QueueStatus tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from daemon.calls.events import MemberGone, MemberSeen

REACHABLE: Final = frozenset({1, 2, 3, 6, 7, 8})  # not in use, in use, busy, ringing, ringing and in use, on hold


class Member(NamedTuple):
    """A member of a queue, by the interface that is called and his name there."""

    queue: str
    interface: str
    member: str


class Members:
    """Those of one PBX who can be reached."""

    def __init__(self) -> None:
        self.reachable: frozenset[Member] = frozenset()

    def feed(self, event: MemberSeen | MemberGone) -> bool:
        """Whether the event changes who can be reached."""
        known = {each for each in self.reachable if (each.queue, each.interface) == (event.queue, event.interface)}
        now = {_member(event)} if isinstance(event, MemberSeen) and _can_be_reached(event) else set()
        if known == now:
            return False
        self.reachable = self.reachable - known | now
        return True

    def replace(self, seen: Iterable[MemberSeen]) -> bool:
        """All members, as a snapshot has them; whether that changes who can be reached."""
        before, self.reachable = self.reachable, frozenset(_member(each) for each in seen if _can_be_reached(each))
        return before != self.reachable

    def clear(self) -> bool:
        """Nothing is known any more; whether somebody could be reached before."""
        return self.replace(())


def _member(event: MemberSeen) -> Member:
    return Member(event.queue, event.interface, event.member)


def _can_be_reached(event: MemberSeen) -> bool:
    return event.status in REACHABLE and not event.paused
