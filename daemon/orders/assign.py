"""Who gets an order that enters a group: the group's rule for its template.

manual               nobody; the group admin assigns it
agent_number_order   the next agent by number after the one who was last: 1000, then 1001, ... and round again
fewest_unfinished    the agent with the fewest unfinished orders of this group; of equals the lowest number

Scope `online` takes those who are online, `all` everybody of the group; who has reached the cap gets none. With
`last_agent_first` the agent who spoke with this caller last goes before the mode, if he may get it at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Mode = Literal["manual", "agent_number_order", "fewest_unfinished"]
Scope = Literal["online", "all"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How orders of one template are assigned in one group; `last_number`: of the agent who was last in the round."""

    mode: Mode = "manual"
    scope: Scope = "online"
    verify: bool = False
    last_agent_first: bool = False
    cap: int | None = None
    last_number: str = ""

    @property
    def automatic(self) -> bool:
        """Whether orders wait for this rule, and not for the group admin."""
        return self.mode != "manual"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent of the group; `unfinished` counts his open orders of this group."""

    id: int
    number: str
    online: bool
    unfinished: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it; `in_turn`: the round goes on after him."""

    agent: Candidate
    in_turn: bool


def choose(rule: Rule, group: Iterable[Candidate], last_spoke: int | None = None) -> Choice | None:
    """Who gets the order; None while nobody may, then it waits. `last_spoke`: who talked with the caller last."""
    able = sorted((each for each in group if _may(rule, each)), key=lambda each: _rank(each.number))
    if not able or not rule.automatic:
        return None
    if rule.last_agent_first:
        known = next((each for each in able if each.id == last_spoke), None)
        if known:
            return Choice(known, in_turn=False)
    if rule.mode == "fewest_unfinished":
        return Choice(min(able, key=lambda each: each.unfinished), in_turn=False)
    after = (each for each in able if _rank(each.number) > _rank(rule.last_number))
    return Choice(next(after, able[0]), in_turn=True)


def _may(rule: Rule, agent: Candidate) -> bool:
    return (rule.scope == "all" or agent.online) and (rule.cap is None or agent.unfinished < rule.cap)


def _rank(number: str) -> tuple[int, str]:
    """By value, not by letter: 999 comes before 1000; nobody's number comes before all."""
    return (int(number), number) if number.isdigit() else (-1, number)
