"""What somebody is to an order: the roles that the table of `transitions.py` speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from daemon.orders.history import Actor
from daemon.orders.order import Order
from daemon.orders.template import Groups


class Role(StrEnum):
    """What somebody is to an order. One person can be several."""

    OWNER = "owner"
    GROUP_ADMIN = "group_admin"
    AGENT = "agent"
    SYSTEM = "system"
    TEAM_ADMIN = "team_admin"
    SYSTEM_ADMIN = "system_admin"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts: his kind is a Role, or `agent`, whose roles depend on the order. `team_id` None: of every team."""

    actor: Actor
    kind: str
    agent_id: int | None = None
    team_id: int | None = None


def roles_of(order: Order, by: By, groups: Groups) -> frozenset[Role]:
    """What somebody is to this order; empty for who may not know of it.

    An agent sees what he owns, what he created, what stands in his groups, and what was created in groups he leads.
    """
    if by.team_id not in {None, order.team_id}:
        return frozenset()
    if by.kind != "agent":
        return frozenset({Role(by.kind)})
    here, origin = groups.get(order.group_id), groups.get(order.creator_group_id or 0)
    him, roles = by.agent_id, set()
    if him is None:
        return frozenset()
    if him == order.owner_id:
        roles.add(Role.OWNER)
    if here and him in here.admins:
        roles.add(Role.GROUP_ADMIN)
    if him == order.creator_id or (here and him in here.members) or (origin and him in origin.admins):
        roles.add(Role.AGENT)
    return frozenset(roles)
