"""Whoever outside wants to hear of it is told: each function adds parcels in the transaction of what has happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers import letters
from daemon.handlers.world import Hook, World
from daemon.orders import notices
from daemon.orders.history import Entry
from daemon.orders.notices import Happening
from daemon.orders.order import Order
from daemon.orders.transitions import Step
from daemon.storage import outbox
from daemon.storage.outbox import Parcel, message_id
from daemon.storage.tables import CallResultRow, CallRow, MissedItemRow, WorkOrderRow
from webhooks import hook

# --- orders ------------------------------------------------------------------------------------------------------


async def orders_made(session: AsyncSession, world: World, made: Iterable[tuple[WorkOrderRow, Order, Entry]]) -> None:
    """Orders were created, each with its first entry."""
    for row, order, entry in made:
        await _order(session, world, row, order, notices.of_creation(order), entry)


async def order_stepped(session: AsyncSession, world: World, row: WorkOrderRow, before: Order, step: Step) -> None:
    """An order took a step; the row is as it is afterwards."""
    await _order(session, world, row, step.order, notices.of_step(before, step), step.entry)


async def _order(
    session: AsyncSession,
    world: World,
    row: WorkOrderRow,
    order: Order,
    happened: tuple[Happening, ...],
    entry: Entry,
) -> None:
    def data() -> hook.Data:
        who = hook.Who(kind=entry.actor.kind, name=entry.actor.name)
        return hook.OrderData(
            order=_order_data(world, row), action=entry.action, by=who, note=entry.note, changes=dict(entry.changes)
        )

    facts = (row.id, row.version, entry.at.isoformat())
    parcels = _parcels(world, row.team_id, happened, f"order:{row.id}", facts, entry.at, data)
    await outbox.add(session, [*parcels, *letters.parcels_of(world, row, order, happened, entry)], entry.at)


def _order_data(world: World, row: WorkOrderRow) -> hook.Order:
    values: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            *("id", "serial", "title", "status", "node_status", "priority", "customer_id", "call_id"),
            *("due_at", "created_at", "updated_at", "version"),
        )
    }
    return hook.Order(
        **values,
        path=f"/work-orders/{row.id}",
        template=world.templates[row.template_id].name,
        group=world.groups[row.group_id].name,
        owner=_agent(world, row.owner_id),
        creator=_agent(world, row.creator_id),
        missed_call_id=row.missed_item_id,
    )


def _agent(world: World, id_: int | None) -> hook.Person | None:
    agent = world.agents.get(id_ or 0)
    return hook.Person(number=agent.number, name=agent.name) if agent else None


# --- calls -------------------------------------------------------------------------------------------------------


async def call_changed(session: AsyncSession, world: World, row: CallRow, happened: Happening, at: datetime) -> None:
    """A call entered a queue, was answered or ended; one whose team nobody knows concerns nobody."""
    if row.team_id is None:
        return

    def data() -> hook.Data:
        names = ("id", "pbx", "uniqueid", "number", "e164", "name", "queue", "state", "began_at", "ended_at", "reason")
        values: dict[str, Any] = {name: getattr(row, name) for name in names}
        call = hook.Call(**values, missed=row.missed, wait_seconds=row.wait, agent=_agent(world, row.agent_id))
        return hook.CallData(call=call)

    facts = (row.id, row.reason, at.isoformat())
    await outbox.add(session, _parcels(world, row.team_id, (happened,), f"call:{row.id}", facts, at, data), at)


async def missed_changed(
    session: AsyncSession, world: World, item: MissedItemRow, happened: Happening, at: datetime
) -> None:
    """A missed call was listed, came again, or is closed."""

    def data() -> hook.Data:
        names = (
            *("id", "number", "e164", "name", "queue", "reason", "count", "first_missed_at", "last_missed_at"),
            *("state", "closed_at", "closed_by", "closed_how", "closed_note"),
        )
        values: dict[str, Any] = {name: getattr(item, name) for name in names}
        return hook.MissedCallData(missed_call=hook.MissedCall(**values, wait_seconds=item.wait))

    facts = (item.id, item.version, item.count, at.isoformat())
    await outbox.add(session, _parcels(world, item.team_id, (happened,), f"missed_call:{item.id}", facts, at, data), at)


async def result_chosen(
    session: AsyncSession, world: World, row: CallResultRow, happened: Happening, at: datetime
) -> None:
    """An agent said what a call came to, or something else than before."""

    def data() -> hook.Data:
        names = ("id", "call_id", "result", "note", "callback_at", "callback_for", "order_id")
        values: dict[str, Any] = {name: getattr(row, name) for name in names}
        agent, module = _agent(world, row.agent_id), world.modules[row.module_id]
        return hook.ResultData(result=hook.Result(**values, agent=agent, module=module.name))

    facts = (row.id, at.isoformat())
    await outbox.add(session, _parcels(world, row.team_id, (happened,), f"call:{row.call_id}", facts, at, data), at)


# --- webhooks ----------------------------------------------------------------------------------------------------


def _parcels(
    world: World,
    team_id: int,
    happened: Iterable[Happening],
    line: str,
    facts: tuple[object, ...],
    at: datetime,
    data: Callable[[], hook.Data],
) -> list[Parcel]:
    """A webhook for each endpoint that wants to hear of it, in the order in which it happened."""
    wanted = [(each, hook_) for each in happened for hook_ in world.hooks if _wants(hook_, team_id, each)]
    if not wanted:
        return []
    contents, team = hook.contents(data()), world.teams[team_id].name
    return [
        Parcel(
            team_id,
            "webhook",
            hook_.name,
            line,
            message_id("webhook", hook_.name, each, *facts),
            each,
            hook.VERSION,
            hook.payload(each, team, at, contents),
        )
        for each, hook_ in wanted
    ]


def _wants(hook_: Hook, team_id: int, happening: Happening) -> bool:
    return hook_.team_id == team_id and happening in hook_.happenings
