"""An order as somebody sees it: where it stands on its way, and what he may do with it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import NotFoundError
from daemon.handlers.person import Person
from daemon.handlers.terms import by_of, terms_of
from daemon.handlers.world import World
from daemon.orders import transitions
from daemon.orders.commands import Action
from daemon.orders.order import Order, Stand
from daemon.orders.permissions import roles_of
from daemon.orders.steps import Terms
from daemon.storage import work_orders
from daemon.storage.tables import AgentRow, WorkOrderRow

PlaceState = Literal["passed", "here", "ahead"]


@dataclass(frozen=True, slots=True)
class Place:
    """A node of an order's way. `group_id` None: its creator's. `agent_id`: who finished it, or owns the order now."""

    group_id: int | None
    state: PlaceState
    agent_id: int | None


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id, of those too who left the configuration."""

    agents: Mapping[int, str]
    groups: Mapping[int, str]
    templates: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """An order, its fields, its way, and what this person may do with it."""

    row: WorkOrderRow
    order: Order
    terms: Terms
    fields: Mapping[str, str]
    actions: tuple[Action, ...]
    names: Names

    @property
    def way(self) -> tuple[Place, ...]:
        """The nodes behind it, where it stands, and those of its flow ahead."""
        return _way(self.order, self.terms)


def _way(order: Order, terms: Terms) -> tuple[Place, ...]:
    passed = [Place(each.group_id, "passed", each.agent_id) for each in order.passed]
    at = Place(order.group_id, "passed" if order.done else "here", order.owner_id)
    ahead = () if order.done else terms.template.flow[len(passed) + 1 :]
    return (*passed, at, *(Place(node.group_id, "ahead", None) for node in ahead))


async def look(session: AsyncSession, world: World, person: Person, order_id: int, *, acted: bool = False) -> Seen:
    """One order. Raises NotFoundError for who may not know of it.

    `acted`: he has just done something with it, and is told what came of it though it may have left his sight.
    """
    row = await session.get(WorkOrderRow, order_id)
    order = await work_orders.read(session, row) if row else None
    by = by_of(person)
    if row is None or order is None or not (acted or roles_of(order, by, world.groups)):
        message = f"there is no work order {order_id}"
        raise NotFoundError(message)
    return await see(session, world, person, row, order, await work_orders.read_values(session, order_id))


def see_new(world: World, person: Person, row: WorkOrderRow, order: Order, fields: Mapping[str, str]) -> Seen | None:
    """As `see`, of an order made now; None where the database must say what may be done with it, by the assign rule."""
    if order.stand is Stand.WAITING and person.agent and order.group_id in person.agent.leads:
        return None
    terms = Terms(world.template(row.template_id, row.flow_version), world.groups)
    names = Names(
        {id_: world.agents[id_].name for id_ in (row.owner_id, row.creator_id) if id_ in world.agents},
        {group.id: group.label for group in world.groups.values()},
        {template.id: template.label for template in world.templates.values()},
    )
    return Seen(row, order, terms, fields, transitions.allowed(order, by_of(person), terms), names)


async def see(
    session: AsyncSession, world: World, person: Person, row: WorkOrderRow, order: Order, fields: Mapping[str, str]
) -> Seen:
    """An order that is at hand, as this person sees it."""
    terms = await terms_of(session, world, row)
    agents = {row.owner_id, row.creator_id, *(passage.agent_id for passage in order.passed)} - {None}
    names = Names(
        await _agents(session, world, agents),
        {group.id: group.label for group in world.groups.values()},
        {template.id: template.label for template in world.templates.values()},
    )
    return Seen(row, order, terms, fields, transitions.allowed(order, by_of(person), terms), names)


async def _agents(session: AsyncSession, world: World, ids: Collection[int | None]) -> Mapping[int, str]:
    known = {id_: world.agents[id_].name for id_ in ids if id_ in world.agents}
    gone = [id_ for id_ in ids if id_ not in known]
    if gone:
        query = select(AgentRow.id, AgentRow.name).where(AgentRow.id.in_(gone))
        known |= {found[0]: found[1] for found in await session.execute(query)}
    return known
