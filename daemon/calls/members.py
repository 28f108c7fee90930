"""The members of a PBX's queues: who is logged in, who is paused and why, who could be reached now.

A member can be reached when his device is registered and he is not paused: idle, talking or ringing, but not unknown,
invalid or unavailable (Asterisk's device states: include/asterisk/devicestate.h). Pure; after a gap nobody is known,
until QueueStatus tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from daemon.calls.events import MemberGone, MemberSeen

REACHABLE: Final = frozenset({1, 2, 3, 6, 7, 8})  # not in use, in use, busy, ringing, ringing and in use, on hold
BUSY: Final = frozenset({2, 3, 7, 8})


class Member(NamedTuple):
    """A member of a queue, by the interface that is called and his name there; the rest as in `MemberSeen`."""

    queue: str
    interface: str
    member: str
    status: int = 1
    paused: bool = False
    dynamic: bool = False
    reason: str = ""
    paused_at: float = 0.0
    in_call: bool = False

    @property
    def reachable(self) -> bool:
        """Whether a call could be offered to him now, or when he is done with the one that he has."""
        return self.status in REACHABLE and not self.paused

    @property
    def busy(self) -> bool:
        """Whether he talks to somebody."""
        return self.in_call or self.status in BUSY


class Members:
    """Those of one PBX."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Member] = {}
        self._told = False

    @property
    def all(self) -> frozenset[Member]:
        """Every member that is known."""
        return frozenset(self._known.values())

    def feed(self, event: MemberSeen | MemberGone) -> bool:
        """Whether the event changes anything."""
        place = (event.queue, event.interface)
        if isinstance(event, MemberGone):
            return self._known.pop(place, None) is not None
        member = _member(event, self._known.get(place))
        if self._known.get(place) == member:
            return False
        self._known[place] = member
        return True

    def replace(self, seen: Iterable[MemberSeen]) -> bool:
        """All members, as a snapshot has them; whether that changes anything, or is the first that is told."""
        before, told = self._known, self._told
        self._known = {(each.queue, each.interface): _member(each, None) for each in seen}
        self._told = True
        return not told or before != self._known

    def clear(self) -> None:
        """Nothing is known any more."""
        self._known, self._told = {}, False


def _member(event: MemberSeen, before: Member | None) -> Member:
    """Where the PBX does not tell since when he is paused, it is since this event, or what was known before."""
    paused_at = event.paused_at
    if event.paused and not paused_at:
        paused_at = before.paused_at if before and before.paused and before.reason == event.reason else event.at
    return Member(
        event.queue,
        event.interface,
        event.member,
        event.status,
        event.paused,
        event.dynamic,
        event.reason,
        paused_at,
        event.in_call,
    )
