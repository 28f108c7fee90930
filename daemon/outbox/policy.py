"""PURE. What becomes of a parcel after an answer, and when an endpoint is left alone for a while.

    answer      what it says                                      the parcel              the endpoint's circuit
    TAKEN       it is there                                       delivered               closes
    LATER       the endpoint lives, and took this one not yet     tried again, or parked  closes
    DOWN        the endpoint can't: no connection, no answer in   tried again, or parked  opens after some in a row,
                time, an error of its own                                                 at once where it named a time
    REFUSED     it will never take this one                       parked                  closes

A parcel is tried again after a pause that doubles, with jitter, or when the endpoint said (Retry-After), whichever is
later; after `Rules.attempts` it is parked. While a circuit is open its endpoint is not asked at all, so that waiting
costs no attempts; then one parcel tries whether it is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LONGEST_WISH: Final = timedelta(days=1)
"""An endpoint that wants to be left alone for longer is asked after this."""
OPENS_AFTER: Final = 5
LONGEST_REST: Final = timedelta(minutes=5)


class Kind(StrEnum):
    """What an answer means; see the top of this file."""

    TAKEN = "taken"
    LATER = "later"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. `code`: one word, such as 200, 550, timeout. `text`: its beginning, for people.

    `retry_after`: how long the endpoint wants to be left alone.
    """

    kind: Kind
    code: str
    text: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How patient we are."""

    attempts: int = 20
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is done."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It is tried again then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is parked: somebody must look at it."""

    why: str


Decision = Delivered | Retry | GiveUp


def decide(answer: Answer, attempts: int, at: datetime, rules: Rules, random: float) -> Decision:
    """What becomes of a parcel. `attempts` counts this one; `random` is in [0, 1)."""
    if answer.kind is Kind.TAKEN:
        return Delivered()
    if answer.kind is Kind.REFUSED:
        return GiveUp("refused")
    if attempts >= rules.attempts:
        return GiveUp("attempts")
    wished = min(answer.retry_after or timedelta(), LONGEST_WISH)
    return Retry(at + max(wished, pause(rules.first_pause, rules.longest_pause, attempts) * (0.5 + random / 2)))


def pause(first: timedelta, longest: timedelta, attempts: int) -> timedelta:
    """The pause after so many attempts (1: the first), without jitter."""
    doubled: int = 2 ** min(attempts - 1, 30)
    return min(longest, first * doubled)


@dataclass(frozen=True, slots=True)
class Circuit:
    """How an endpoint stands. `failures` in a row; `rests` in a row; `open_until` None: it is closed."""

    failures: int = 0
    rests: int = 0
    open_until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the endpoint counts as down."""
        return self.open_until is not None

    def slots(self, at: datetime, most: int) -> int:
        """How many parcels may be under way to it at once: `most`, none while it rests, one to see if it is back."""
        if self.open_until is None:
            return most
        return 1 if at >= self.open_until else 0

    def after(self, answer: Answer, at: datetime, rules: Rules) -> Circuit:
        """How it stands after an answer."""
        if answer.kind is not Kind.DOWN:
            return Circuit()
        failures = self.failures + 1
        if not self.is_open and failures < OPENS_AFTER and answer.retry_after is None:
            return Circuit(failures)
        if self.open_until is not None and at < self.open_until:  # it was under way when the circuit opened
            return Circuit(failures, self.rests, self.open_until)
        wished = min(answer.retry_after or timedelta(), LONGEST_WISH)
        rest = pause(rules.first_pause, min(LONGEST_REST, rules.longest_pause), self.rests + 1)
        return Circuit(failures, self.rests + 1, at + max(wished, rest))
