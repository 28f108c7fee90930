"""A world of work orders of any size, the same at every run: who made what when, and in which words.

20 teams, each with 10 agents, 2 groups and 12 templates; 913 orders a day, of which 3 % are open. Words as people use
them: the n-th word of 5,000 is n times as rare as the first (Zipf); one title of ten is Chinese.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from daemon.orders.words import words_of
from daemon.storage.visibility import Sight

TEAMS, AGENTS, GROUPS, TEMPLATES = 20, 10, 2, 12
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP = timedelta(days=3 * 365) / 1_000_000
_LETTERS = "abdefgiklmnoprstuvz"
_HAN = [chr(0x4E00 + 7 * n) for n in range(600)]


def _vocabulary(many: int) -> list[str]:
    dice = random.Random(1)
    words: dict[str, None] = {}
    while len(words) < many:
        words["".join(dice.choices(_LETTERS, k=dice.randint(2, 10)))] = None
    return list(words)


WORDS, NAMES = _vocabulary(5000), _vocabulary(25_000)[5000:]
_WEIGHTS = list(accumulate(1 / (n + 1) for n in range(len(WORDS))))
_HAN_WEIGHTS = list(accumulate(1 / (n + 1) for n in range(len(_HAN))))


def frequent(dice: random.Random) -> str:
    """A word as often as it is used."""
    return dice.choices(WORDS, cum_weights=_WEIGHTS)[0]


def chinese(dice: random.Random, many: int) -> str:
    """Some characters."""
    return "".join(dice.choices(_HAN, cum_weights=_HAN_WEIGHTS, k=many))


@dataclass(frozen=True, slots=True)
class Size:
    """How many orders there are; a tenth as many customers."""

    orders: int

    @property
    def customers(self) -> int:
        return max(TEAMS, self.orders // 10)

    def number(self, customer: int) -> str:
        """The number of a customer."""
        return f"+4930{10_000_000 + customer * 7919 % 89_999_999}"

    def name(self, customer: int) -> str:
        """The name of a customer."""
        return f"{NAMES[customer % len(NAMES)]} {NAMES[customer * 31 % len(NAMES)]}"

    def created_at(self, order: int) -> datetime:
        """When an order was made: the last one now."""
        return NOW - STEP * (self.orders - order)

    def rows(self) -> Iterator[tuple[dict[str, Any], str]]:
        """All orders as rows of `work_order`, and the line of their words."""
        dice = random.Random(2)
        for order in range(1, self.orders + 1):
            yield self._row(order, dice)

    def _row(self, order: int, dice: random.Random) -> tuple[dict[str, Any], str]:
        team = dice.randrange(TEAMS)
        customer = 1 + team + TEAMS * dice.randrange(self.customers // TEAMS)
        template = 1 + team * TEMPLATES + min(dice.randrange(TEMPLATES), dice.randrange(TEMPLATES))
        is_open = dice.random() < 0.03
        created = self.created_at(order)
        updated = min(created + timedelta(hours=dice.expovariate(1 / 30)), NOW)
        group = 1 + team * GROUPS + dice.randrange(GROUPS)
        words = dice.choices(WORDS, cum_weights=_WEIGHTS, k=16)
        title = chinese(dice, 8) if dice.random() < 0.1 else " ".join(words[:4])
        description = " ".join(words[4:])
        row = {
            "id": order,
            "team_id": team + 1,
            "template_id": template,
            "sequence": order,
            "serial": f"#{template}-{order}",
            "title": title,
            "description": description,
            "customer_id": customer,
            "creator_id": 1 + team * AGENTS + dice.randrange(AGENTS),
            "creator_group_id": 1 + team * GROUPS + dice.randrange(GROUPS),
            "group_id": group,
            "owner_id": None if is_open and dice.random() < 0.3 else 1 + team * AGENTS + dice.randrange(AGENTS),
            "status": dice.choice(("new", "pending")) if is_open else "done",
            "node_status": dice.choice(("new", "pending", "return")) if is_open else "pending",
            "priority": dice.choice((2, 3, 3, 3, 4)),
            "cc": "",
            "due_at": updated + timedelta(hours=dice.randrange(-48, 48)) if dice.random() < 0.5 else None,
            "created_at": created,
            "updated_at": updated,
            "finished_at": None if is_open else updated,
            "version": 3,
        }
        texts = [title, self.name(customer), self.number(customer), description]
        return row, "".join(f" {word}" for word in words_of(texts)) + " "


def admin(dice: random.Random) -> Sight:
    """A team's admin."""
    return Sight(1 + dice.randrange(TEAMS))


def agent(dice: random.Random) -> Sight:
    """An agent of one group, or of both."""
    team = dice.randrange(TEAMS)
    groups = [1 + team * GROUPS + n for n in range(GROUPS)]
    return Sight(team + 1, 1 + team * AGENTS + dice.randrange(AGENTS), frozenset(groups[: dice.randint(1, GROUPS)]))


def leader(dice: random.Random) -> Sight:
    """An agent who leads one group."""
    him = agent(dice)
    return Sight(him.team_id, him.agent_id, him.groups, frozenset([min(him.groups)]))
