"""Orders that a group admin gives away together: which of them may be given, and to whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.person import Person
from daemon.handlers.terms import by_of
from daemon.handlers.world import World
from daemon.orders import transitions
from daemon.orders.commands import Action
from daemon.orders.order import NodeStatus, Order, Stand, Status
from daemon.orders.steps import IllegalStepError, NotAllowedError, Terms
from daemon.storage import order_log, rules
from daemon.storage.tables import WorkOrderRow


@dataclass(frozen=True, slots=True)
class Load:
    """An agent of a group, and how much he has to do there: his open orders of this group."""

    id: int
    number: str
    name: str
    online: bool
    unfinished: int


async def refusals(
    session: AsyncSession, world: World, person: Person, orders: Collection[WorkOrderRow]
) -> Mapping[int, str]:
    """Which of these orders this person can't assign now, and why, by the order's id.

    `not_admin`: another one leads its group; `automatic`: it waits for a rule; else where it stands: verifying, done.
    """
    leads = person.agent.leads if person.agent else frozenset()
    groups = {order.group_id for order in orders} & leads
    automatic = await order_log.automatic_places(session, groups)
    found = {order.id: _refusal(world, person, order, automatic) for order in orders}
    return {id_: why for id_, why in found.items() if why}


def _refusal(world: World, person: Person, row: WorkOrderRow, automatic: frozenset[tuple[int, int]]) -> str:
    order = _order(row)
    terms = Terms(
        world.templates[row.template_id], world.groups, automatic=(row.template_id, row.group_id) in automatic
    )
    try:
        transitions.check(order, Action.ASSIGN, by_of(person), terms)
    except NotAllowedError:
        return "not_admin"
    except IllegalStepError:
        return "automatic" if order.stand is Stand.WAITING else str(order.stand)
    return ""


def _order(row: WorkOrderRow) -> Order:
    """As much of an order as it takes to know whether it can be assigned."""
    return Order(
        id=row.id,
        team_id=row.team_id,
        template_id=row.template_id,
        group_id=row.group_id,
        status=Status(row.status),
        node_status=NodeStatus(row.node_status),
        owner_id=row.owner_id,
        creator_id=row.creator_id,
        creator_group_id=row.creator_group_id,
    )


async def loads(session: AsyncSession, world: World, group_id: int, online: Callable[[int], bool]) -> Sequence[Load]:
    """The agents of a group, those online first, then who has least to do."""
    found = await rules.unfinished(session, group_id)
    agents = [
        Load(id_, number, world.agents[id_].name, online(id_), count)
        for id_, (number, count) in found.items()
        if id_ in world.agents
    ]
    return sorted(agents, key=lambda agent: (not agent.online, agent.unfinished, agent.number))
