"""What people and the program do with work orders: each function one transaction, or a part of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import NotFoundError, StaleError
from daemon.handlers import notices
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.terms import PROGRAM, by_of, terms_of
from daemon.handlers.world import World
from daemon.orders import creation, transitions
from daemon.orders.commands import Assign, Command, Release
from daemon.orders.creation import New
from daemon.orders.deadlines import deadline
from daemon.orders.fields import read_fields
from daemon.orders.history import Actor
from daemon.orders.notices import Happening
from daemon.orders.order import Order
from daemon.orders.permissions import By, Role, roles_of
from daemon.orders.steps import EnteredNode, Finished, IllegalStepError
from daemon.orders.template import Template
from daemon.storage import creations, missed_items, work_orders
from daemon.storage.creations import Creation
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.receipts import Receipt, once
from daemon.storage.tables import MissedItemRow, WorkOrderRow
from daemon.storage.work_orders import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants an order to be. `fields` as he wrote them; `complete`: required ones must be there."""

    new: New
    origin: Origin = field(default_factory=Origin)
    fields: Mapping[str, str | None] = field(default_factory=dict)
    complete: bool = True


# --- creating ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    """An order that was made now: its row, as the core sees it, and its fields."""

    row: WorkOrderRow
    order: Order
    fields: Mapping[str, str]


async def create_in(session: AsyncSession, world: World, by: By, wanted: Wanted, at: datetime) -> Made:
    """A new order within a transaction."""
    new = prepare(world, by, wanted, at)
    made = made_of(new, await creations.add(session, new))
    await notices.orders_made(session, world, [(made.row, made.order, new.created.entry)])
    return made


def made_of(new: Creation, row: WorkOrderRow) -> Made:
    """An order that was written."""
    return Made(row, replace(new.created.order, id=row.id), new.origin.fields)


def prepare(world: World, by: By, wanted: Wanted, at: datetime, receipt: Receipt | None = None) -> Creation:
    """A new order as it is to be written. Raises ForbiddenError, RefusedError, InvalidError."""
    template = wanted.new.template
    created = creation.create(wanted.new, by, world.groups, at)
    fields = template.fields if wanted.complete else [replace(each, required=False) for each in template.fields]
    values = read_fields(fields, wanted.fields, complete=True)
    origin = replace(wanted.origin, flow_version=template.flow_version, fields=values)
    due = deadline(template.due_at_node(created.order.node_index), template.hours, at)
    return Creation(created, origin, due, receipt)


# --- acting ------------------------------------------------------------------------------------------------------


async def act(
    store: Store,
    world: World,
    person: Person,
    order_id: int,
    command: Command,
    at: datetime,
    version: int | None = None,
    receipt: Receipt | None = None,
) -> tuple[News, ...]:
    """Do something to an order. `version`: only if it still is this one. With a `receipt`: once.

    Raises NotFoundError, StaleError, NotAllowedError, IllegalStepError; then nothing is changed.
    """
    told: list[News] = []

    async def make() -> int:
        row = await visible(session, world, by_of(person), order_id)
        if version is not None and row.version != version:
            raise StaleError(row.version)
        told.extend(await step(session, world, row, command, by_of(person), at))
        return row.id

    async with store.write() as session:
        await once(session, receipt, at, make)
    return tuple(told)


async def assign_many(
    store: Store, world: World, person: Person, order_ids: Sequence[int], agent_id: int, note: str, at: datetime
) -> tuple[News, ...]:
    """Give orders of one group to one of its agents: all of them, or none. Raises as `act` does."""
    async with store.write() as session:
        told: list[News] = []
        groups: set[int] = set()
        for order_id in sorted(set(order_ids)):
            row = await visible(session, world, by_of(person), order_id)
            groups.add(row.group_id)
            if len(groups) > 1:
                message = "orders are assigned together only when they are in one group"
                raise IllegalStepError(message)
            told += await step(session, world, row, Assign(agent_id=agent_id, note=note), by_of(person), at)
        return tuple(told)


async def visible(session: AsyncSession, world: World, by: By, order_id: int) -> WorkOrderRow:
    """An order, locked. Raises NotFoundError for who may not know of it."""
    row = await work_orders.lock(session, order_id)
    if row is None or not roles_of(await work_orders.read(session, row), by, world.groups):
        message = f"there is no work order {order_id}"
        raise NotFoundError(message)
    return row


async def step(
    session: AsyncSession, world: World, row: WorkOrderRow, command: Command, by: By, at: datetime
) -> tuple[News, ...]:
    """One step of a locked order, with all that follows from it."""
    before = await work_orders.read(session, row)
    taken = transitions.apply(before, command, by, await terms_of(session, world, row), at)
    await work_orders.save(session, row, before, taken)
    told = [news_of(row, before)]
    for effect in taken.effects:
        match effect:
            case EnteredNode():
                template = world.template(row.template_id, row.flow_version)
                due = deadline(template.due_at_node(row.node_index), template.hours, at)
                await work_orders.set_deadline(session, row, due)
            case Finished():
                told += await _finish(session, world, row, effect, by, at)
    await notices.order_stepped(session, world, row, before, taken)
    return tuple(told)


def news_of(row: WorkOrderRow, before: Order | None = None) -> News:
    """Who is told that an order changed: those where it stands, and those where it stood."""
    groups = {row.group_id, before.group_id if before else None, row.creator_group_id}
    agents = {row.owner_id, row.creator_id, before.owner_id if before else None}
    return News(
        row.team_id,
        "work_orders",
        (row.id,),
        tuple(sorted(id_ for id_ in groups if id_ is not None)),
        tuple(sorted(id_ for id_ in agents if id_ is not None)),
    )


# --- ending ------------------------------------------------------------------------------------------------------


async def _finish(
    session: AsyncSession, world: World, row: WorkOrderRow, ended: Finished, by: By, at: datetime
) -> list[News]:
    told: list[News] = []
    if row.missed_item_id is not None:
        item = await session.get(MissedItemRow, row.missed_item_id, with_for_update=True)
        if item is not None and item.state == "open" and by.kind != Role.PROGRAM:
            missed_items.close(item, Closing("order_done", at, by.actor.name, "order_done"))
            await notices.missed_changed(session, world, item, Happening.MISSED_CLOSED, at)
            told.append(News(item.team_id, "missed_calls", (item.id,)))
    template = world.template(row.template_id, row.flow_version)
    following = world.templates.get(template.next_template_id or 0)
    if ended.successor and following and following.active:
        told.append(news_of(await _succeed(session, world, row, following, ended, at)))
    return told


async def _succeed(
    session: AsyncSession, world: World, row: WorkOrderRow, template: Template, ended: Finished, at: datetime
) -> WorkOrderRow:
    """The order that follows another: same customer, same words, linked; made by whoever ended that one."""
    agent = world.agents.get(ended.by_id or 0)
    by = By(Actor("agent", agent.name, agent.id), "agent", agent.id, agent.team_id) if agent else PROGRAM
    here = row.group_id if not template.range or row.group_id in template.range else template.range[0]
    new = New(
        template=template,
        title=row.title,
        group_id=None if template.has_flow else here,
        creator_group_id=row.group_id,
        customer_id=row.customer_id,
        cc=row.cc,
    )
    origin = Origin(description=row.description, module_id=row.module_id, call_id=row.call_id, previous_id=row.id)
    made = await create_in(session, world, by, Wanted(new=new, origin=origin, complete=False), at)
    return made.row


# --- when the configuration changes --------------------------------------------------------------------------------


async def release_strays(session: AsyncSession, world: World, at: datetime) -> tuple[News, ...]:
    """Orders whose owner left their group, or the configuration, go back to the group."""
    told: list[News] = []
    for row in await work_orders.strays(session):
        left = world.agents.get(row.owner_id or 0)
        note = f"{left.name} is no longer in this group" if left else "its owner is no longer in the configuration"
        told += await step(session, world, row, Release(note=note), PROGRAM, at)
    return tuple(told)
