"""Which members' telephones ring for which callers of one PBX: what nobody stores, since it is over in seconds.

    AgentCalled       begins to ring                      (again and again: he rings since the first)
    AgentRingNoAnswer does not ring any more              (not picked up, or busy)
    AgentConnect      somebody picked up: nobody rings for that caller; with ringall the others hear of it only here
    the caller's end, his leaving the queue               likewise

Pure and bounded. After a gap nothing rings: the next round of the queue tells anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from daemon.calls.events import (
    AgentCalled,
    AgentConnected,
    AgentNotReached,
    CallerAbandoned,
    CallerLeft,
    Event,
    HungUp,
)

MOST: Final = 20_000  # telephones that ring at once; beyond, the oldest are forgotten

ENDING: Final = (AgentConnected, CallerAbandoned, CallerLeft, HungUp)


@dataclass(frozen=True, slots=True)
class Rung:
    """A member's telephone rings for a caller, since `at`."""

    at: float
    uniqueid: str
    queue: str
    interface: str
    member: str
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """What begins to ring, and what does not ring any more."""

    began: tuple[Rung, ...] = ()
    ended: tuple[Rung, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.began or self.ended)


NOTHING: Final = Change()


class Bells:
    """All that rings on one PBX."""

    def __init__(self) -> None:
        self._rings: dict[str, dict[str, Rung]] = {}  # by the caller's uniqueid, then by interface
        self._count = 0

    def feed(self, event: Event) -> Change:
        """What an event changes. Never raises; what says nothing new changes nothing."""
        if isinstance(event, AgentCalled):
            return self._begin(event)
        if isinstance(event, AgentNotReached):
            return self._end(event.uniqueid, event.interface)
        if isinstance(event, ENDING):
            return self._end(event.uniqueid)
        return NOTHING

    def clear(self) -> Change:
        """Nothing is known any more."""
        ended = tuple(rung for rings in self._rings.values() for rung in rings.values())
        self._rings.clear()
        self._count = 0
        return Change(ended=ended)

    def _begin(self, event: AgentCalled) -> Change:
        rings = self._rings.setdefault(event.uniqueid, {})
        if event.interface in rings:
            return NOTHING
        rung = Rung(event.at, event.uniqueid, event.queue, event.interface, event.member, event.number, event.name)
        rings[event.interface] = rung
        self._count += 1
        return Change(began=(rung,), ended=tuple(self._forget_oldest()))

    def _forget_oldest(self) -> Iterable[Rung]:
        while self._count > MOST:
            yield from self._end(next(iter(self._rings))).ended

    def _end(self, uniqueid: str, interface: str | None = None) -> Change:
        rings = self._rings.get(uniqueid)
        if rings is None:
            return NOTHING
        ended = tuple(rings.values()) if interface is None else tuple(filter(None, (rings.pop(interface, None),)))
        if interface is None or not rings:
            del self._rings[uniqueid]
        self._count -= len(ended)
        return Change(ended=ended)
