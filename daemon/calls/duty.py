"""How an agent stands with his queues, and what his wrap-up asks of the PBX; pure.

A seat is his membership of one queue of one PBX. The reason of a pause is what Asterisk was told: an id of the
configured reasons, WRAP_UP where we paused him after a call, or anything that a telephone's dialplan said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from daemon.calls.members import Member

WRAP_UP: Final = "wrap-up"


class Stand(StrEnum):
    """How he stands, over all his seats."""

    OUT = "out"
    READY = "ready"
    BUSY = "busy"
    AWAY = "away"
    PAUSED = "paused"
    WRAP_UP = "wrap_up"


@dataclass(frozen=True, slots=True)
class Seat:
    """A membership."""

    pbx: str
    member: Member

    @property
    def place(self) -> tuple[str, str, str]:
        """What tells it from all others."""
        return self.pbx, self.member.queue, self.member.interface

    @property
    def wraps_up(self) -> bool:
        """Whether it is paused after a call."""
        return self.member.paused and self.member.reason == WRAP_UP


def stand(seats: Collection[Seat]) -> Stand:
    """He is paused when all his seats are; his own pause is said before wrap-up. Away: his telephone is not there."""
    if not seats:
        return Stand.OUT
    if any(seat.member.busy for seat in seats):
        return Stand.BUSY
    active = [seat for seat in seats if not seat.member.paused]
    if active:
        return Stand.READY if any(seat.member.reachable for seat in active) else Stand.AWAY
    return Stand.WRAP_UP if all(seat.wraps_up for seat in seats) else Stand.PAUSED


def pause_of(seats: Iterable[Seat]) -> Member | None:
    """The pause that is shown: his own before wrap-up, then the oldest. None: he is not paused in every queue."""
    members = [seat.member for seat in seats]
    if not members or not all(member.paused for member in members):
        return None
    return min(members, key=lambda member: (member.reason == WRAP_UP, member.paused_at, member.queue))


@dataclass(frozen=True, slots=True)
class Steps:
    """What a wrap-up asks for now. `given_up`: somebody ended its pause on the telephone or on the PBX."""

    pause: tuple[Seat, ...] = ()
    resume: tuple[Seat, ...] = ()
    given_up: bool = False


def steps(
    seats: Collection[Seat], *, owed: bool, asked: Set[tuple[str, str, str]], seen: Set[tuple[str, str, str]]
) -> Steps:
    """What is to be done about an agent who owes a result, or no more.

    `asked`: seats that were asked to pause for it; `seen`: those of them that Asterisk said were paused for it since.
    Nobody is paused twice for one wrap-up, and only a pause that is called WRAP_UP is ever ended.
    """
    if not owed:
        return Steps(resume=tuple(seat for seat in seats if seat.wraps_up))
    if any(seat.place in seen and not seat.member.paused for seat in seats):
        return Steps(resume=tuple(seat for seat in seats if seat.wraps_up), given_up=True)
    return Steps(pause=tuple(seat for seat in seats if not seat.member.paused and seat.place not in asked))
