"""A kind of work order, as the engine needs it: the configuration's names resolved to ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from daemon.orders.assign import Rule
from daemon.orders.fields import Field
from daemon.orders.hours import Hours


@dataclass(frozen=True, slots=True)
class Due:
    """How long the work at a node may take, in business hours; `reminder` so many before that. None: for ever."""

    hours: float | None = None
    reminder: float | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A step of the flow: a group, or None for the agent who made the order."""

    group_id: int | None
    due: Due = Due()


@dataclass(frozen=True, slots=True)
class Group:
    """An agent group with the ids of its agents, and of those who lead it."""

    id: int
    team_id: int
    name: str
    label: str
    members: frozenset[int] = frozenset()
    admins: frozenset[int] = frozenset()
    active: bool = True


Groups = Mapping[int, Group]


@dataclass(frozen=True, slots=True)
class Template:
    """What the parameters mean: WORK_ORDERS, "Templates". `flow` is that of `flow_version`; `range` has group ids.

    `active` is False for one that left the configuration: its orders go on, no new one is made of it.
    """

    id: int
    team_id: int
    name: str
    label: str
    range: tuple[int, ...] = ()
    flow: tuple[Node, ...] = ()
    flow_version: int | None = None
    initial_user: Literal["creator", "group"] = "group"
    edit_limit: Literal["everyone", "owner"] = "everyone"
    retain_agent: bool = False
    end_action: Literal["none", "create_new", "agent_decides"] = "none"
    next_template_id: int | None = None
    default_cc: str = ""
    fields: tuple[Field, ...] = ()
    due: Due = Due()
    hours: Hours | None = None
    priority: int = 3
    auto_close: bool = False
    rule: Rule = field(default_factory=Rule)
    active: bool = True

    @property
    def has_flow(self) -> bool:
        """Whether its orders go from node to node; else they are forwarded between the groups of the range."""
        return bool(self.flow)

    @property
    def first_group(self) -> int | None:
        """Where an order of it begins; None where whoever creates it must say."""
        if self.flow:
            return self.flow[0].group_id
        return self.range[0] if len(self.range) == 1 else None

    def due_at_node(self, node_index: int | None) -> Due:
        """The due times of a node; without a flow they are the same in every group."""
        return self.due if node_index is None or node_index >= len(self.flow) else self.flow[node_index].due
