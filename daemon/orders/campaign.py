"""An entry of a campaign's list: a number that is to be called, and how far that has come.

    waiting ──take──► taken ──result──► done          somebody was reached, and that was it
       ▲                │         ├───► tried         to be called again at a time: a call back, or nobody was reached
       │◄──give back────┤         └───► unreachable   nobody was reached, as often as the campaign tries it
                        └─give back───► tried         it was called before

An agent has one entry at a time. Who is gone does not keep it: after `hold` it may be given to another. Until then, and
as long as no other has taken it, he still says what his call came to, and may say something else within the window of
results. What nobody shall call any more is withdrawn; what is over may be put back to the start. Whoever is called back
by somebody in particular waits for him.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from daemon.errors import RefusedError
from daemon.orders.hours import Hours
from daemon.orders.results import Choice, Result


class State(StrEnum):
    """How far it has come."""

    WAITING = "waiting"
    TAKEN = "taken"
    TRIED = "tried"
    DONE = "done"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"


class Deed(StrEnum):
    """What is done with an entry."""

    TAKE = "take"
    GIVE_BACK = "give_back"
    SAY = "say"
    WITHDRAW = "withdraw"
    PUT_BACK = "put_back"
    RESERVE = "reserve"


TRANSITIONS: Final[Mapping[Deed, frozenset[State]]] = {
    Deed.TAKE: frozenset({State.WAITING, State.TRIED}),
    Deed.GIVE_BACK: frozenset({State.TAKEN}),
    Deed.SAY: frozenset({State.TAKEN, State.WAITING, State.TRIED, State.DONE, State.UNREACHABLE}),
    Deed.WITHDRAW: frozenset({State.WAITING, State.TRIED, State.DONE, State.UNREACHABLE}),
    Deed.PUT_BACK: frozenset({State.TRIED, State.DONE, State.UNREACHABLE, State.WITHDRAWN}),
    Deed.RESERVE: frozenset({State.WAITING, State.TRIED}),
}
"""Where an entry must stand."""

NOT_REACHED: Final = "not_reached"
"""The result that every campaign has: nobody was reached, and one tries again."""


class EntryError(RefusedError):
    """The entry does not stand where this can be done; `trouble`: elsewhere, not_yours, too_late, closed."""

    def __init__(self, trouble: str, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class CallingTerms:
    """How a campaign calls: when, how often where nobody is reached, how long after, and how long an entry is held."""

    hours: Hours | None = None
    attempts: int = 5
    retry: timedelta = timedelta(hours=2)
    hold: timedelta = timedelta(minutes=15)

    def open_at(self, at: datetime) -> bool:
        """Whether calls are made at this time."""
        return self.hours is None or self.hours.open_at(at.timestamp())


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry. `for_agent`: who alone may take it, None: anyone. `agent`: who took it last.

    `taken_at` stays until he has said what came of it, also where the entry went back meanwhile. `next_at`: not before.
    """

    state: State = State.WAITING
    attempts: int = 0
    next_at: datetime | None = None
    for_agent: int | None = None
    agent: int | None = None
    taken_at: datetime | None = None
    last_result: str = ""


def offered(results: Sequence[Result]) -> tuple[Result, ...]:
    """What a call of the campaign may come to: what is configured, and that nobody was reached."""
    known = any(each.identity == NOT_REACHED for each in results)
    return tuple(results) if known else (*results, Result(NOT_REACHED))


def is_due(entry: Entry, agent: int, at: datetime) -> bool:
    """Whether this agent may take it now."""
    mine = entry.for_agent in {None, agent}
    return entry.state in TRANSITIONS[Deed.TAKE] and mine and (entry.next_at is None or entry.next_at <= at)


def take(entry: Entry, agent: int, at: datetime) -> Entry:
    """An agent is to call it. Raises EntryError."""
    _require(entry, Deed.TAKE)
    if not is_due(entry, agent, at):
        raise EntryError("not_yours", "another agent calls it, or not now")
    return replace(entry, state=State.TAKEN, agent=agent, taken_at=at)


def give_back(entry: Entry, *, lapsed: bool = False) -> Entry:
    """He does not call it; `lapsed`: it was held for too long, and he may still say what came of it."""
    _require(entry, Deed.GIVE_BACK)
    state = State.TRIED if entry.attempts else State.WAITING
    return replace(entry, state=state) if lapsed else replace(entry, state=state, agent=None, taken_at=None)


def is_change(entry: Entry) -> bool:
    """Whether a result that comes now is another word on the attempt before, and no new attempt."""
    return entry.taken_at is None


def say(entry: Entry, agent: int, choice: Choice, terms: CallingTerms, at: datetime) -> Entry:
    """What his call came to. Raises EntryError: withdrawn, or another has it."""
    _require(entry, Deed.SAY)
    if entry.agent != agent or (is_change(entry) and not entry.attempts):
        raise EntryError("not_yours", "who took this entry last says what came of it")
    attempts = entry.attempts if is_change(entry) else entry.attempts + 1
    after = replace(entry, attempts=attempts, taken_at=None, last_result=choice.result, next_at=None)
    if choice.callback_at is not None:
        whose = agent if choice.callback_for == "me" else None
        return replace(after, state=State.TRIED, next_at=choice.callback_at, for_agent=whose)
    if choice.result != NOT_REACHED:
        return replace(after, state=State.DONE)
    if attempts >= terms.attempts:
        return replace(after, state=State.UNREACHABLE)
    return replace(after, state=State.TRIED, next_at=at + terms.retry)


def withdraw(entry: Entry) -> Entry:
    """Nobody shall call it any more. Raises EntryError while somebody has it."""
    _require(entry, Deed.WITHDRAW)
    return replace(entry, state=State.WITHDRAWN, next_at=None, taken_at=None)


def put_back(entry: Entry) -> Entry:
    """It begins anew, for anyone. Raises EntryError."""
    _require(entry, Deed.PUT_BACK)
    return Entry(last_result=entry.last_result)


def reserve(entry: Entry, agent: int | None) -> Entry:
    """This agent alone calls it; None: anyone. Where that makes no difference any more it stays as it is."""
    return replace(entry, for_agent=agent) if entry.state in TRANSITIONS[Deed.RESERVE] else entry


def _require(entry: Entry, deed: Deed) -> None:
    if entry.state not in TRANSITIONS[deed]:
        raise EntryError("elsewhere", f"the entry is {entry.state.value}: this can't be done with it now")
