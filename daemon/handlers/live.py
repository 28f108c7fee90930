"""Only now: what open pages are told after a commit, dropped when nobody listens.

News carry ids and a team, never contents: who listens asks for what he may see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Topic = Literal[
    "missed_calls",
    "work_orders",
    "calls",
    "status",
    "rules",
    "popup",
    "dialling",
    "campaigns",
    "presence",
    "agents",
    "deliveries",
]


@dataclass(frozen=True, slots=True)
class News:
    """Something of a team changed; `ids` are the rows.

    It concerns the agents named and those of the groups named; where none are, the whole team.
    """

    team_id: int
    topic: Topic
    ids: tuple[int, ...] = ()
    group_ids: tuple[int, ...] = ()
    agent_ids: tuple[int, ...] = ()


Tell = Callable[[News], None]
