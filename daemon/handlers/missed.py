"""Missed calls become items, items become orders, and both end when the caller was reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.effects import CallerReached
from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers import notices
from daemon.handlers.live import News
from daemon.handlers.named import check_names
from daemon.handlers.person import Person
from daemon.handlers.terms import BY_ASTERISK, PROGRAM, by_of
from daemon.handlers.work_orders import Wanted, create_in, news_of, step
from daemon.handlers.world import QueueView, World
from daemon.orders.commands import Close, Note
from daemon.orders.creation import New
from daemon.orders.missed import Decision
from daemon.orders.notices import Happening
from daemon.orders.number import Number, read_number
from daemon.orders.order import Status
from daemon.orders.permissions import By, Role
from daemon.orders.template import Template
from daemon.storage import missed_items, work_orders
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.receipts import Receipt, once
from daemon.storage.tables import CallRow, MissedCallRow, MissedItemRow, WorkOrderRow, moment
from daemon.storage.work_orders import Origin

TITLE_LENGTH: Final = 200


async def add_missed_call(
    session: AsyncSession, world: World, call: CallRow, number: Number, decision: Decision
) -> tuple[News, ...]:
    """Count a missed call to its caller's item, with an order where the policy says so. A second time: nothing.

    One item per caller while it is open: missed again means a counter and a note in its order, never a second order.
    """
    if call.team_id is None or await missed_items.item_of_call(session, call.id):
        return ()
    item = await missed_items.open_item(session, call.team_id, number.key)
    order = await work_orders.of_item(session, item.id) if item else None
    if item and order and order.status == Status.DONE:  # the work was done without a word to this list
        missed_items.close(item, Closing("order_done", order.finished_at or moment(0), "", "order_done"))
        await session.flush()
        await notices.missed_changed(session, world, item, Happening.MISSED_CLOSED, call.ended_at or call.began_at)
        item = order = None
    if item is None:
        item = await missed_items.add(session, call.team_id, call, number, decision.why)
        happened = Happening.MISSED_OPENED
    else:
        await missed_items.append(session, item, call, decision.why)
        happened = Happening.MISSED_AGAIN
    await notices.missed_changed(session, world, item, happened, call.ended_at or call.began_at)
    return await _work(session, world, call, item, order, decision)


async def _work(
    session: AsyncSession,
    world: World,
    call: CallRow,
    item: MissedItemRow,
    order: WorkOrderRow | None,
    decision: Decision,
) -> tuple[News, ...]:
    listed = News(item.team_id, "missed_calls", (item.id,))
    if order is not None:
        at = call.ended_at or call.began_at
        again = Note(what="missed_again", note=f"{item.count}×")
        return listed, *await step(session, world, order, again, BY_ASTERISK, at)
    queue = world.queue(call.pbx, call.queue)
    template = world.templates.get(queue.template_id) if queue and queue.template_id else None
    if not decision.order or queue is None or template is None:
        return (listed,)
    at = call.ended_at or call.began_at
    order = await _order_of_item(session, world, item, queue, template, call, BY_ASTERISK, at)
    return listed, news_of(order)


async def _order_of_item(
    session: AsyncSession,
    world: World,
    item: MissedItemRow,
    queue: QueueView | None,
    template: Template,
    call: CallRow | None,
    by: By,
    at: datetime,
) -> WorkOrderRow:
    caller = item.e164 or item.number or "hidden number"
    label = queue.label if queue else item.queue
    group_id = _first_group(world, queue, template, by)
    new = New(template=template, title=f"{caller} · {label}"[:TITLE_LENGTH], group_id=group_id)
    origin = Origin(
        description=f"{item.name} {caller}".strip(),
        call_id=call.id if call else None,
        missed_item_id=item.id,
        module_id=queue.module_id if queue else None,
    )
    made = await create_in(session, world, by, Wanted(new=new, origin=origin, complete=False), at)
    return made.row


def _first_group(world: World, queue: QueueView | None, template: Template, by: By) -> int | None:
    """Who calls back: the queue's group, else a group of who makes the order, else the first; a flow says it itself."""
    if template.has_flow:
        return None
    possible = template.range or tuple(
        group.id for group in world.groups.values() if group.team_id == template.team_id and group.active
    )
    if queue and queue.group_id in possible:
        return queue.group_id
    his = (id_ for id_ in possible if id_ in world.groups and by.agent_id in world.groups[id_].members)
    return next(his, None) or next(iter(possible), None)


async def close_reached(
    session: AsyncSession, world: World, pbx: str, reached: CallerReached, team_id: int | None
) -> tuple[News, ...]:
    """Somebody talks with this caller: his items close, and their untouched orders where the template says so."""
    agent = world.agent_of_member(team_id, reached.interface, reached.member)
    if agent is None and reached.how == "call_back":
        agent = world.agent_of_member(team_id, "", reached.caller)
    by = agent.name if agent else (reached.member or reached.caller or reached.interface)
    teams = [team_id] if team_id is not None else _teams_of(world, pbx, agent.team_id if agent else None)
    told: list[News] = []
    for team in teams:
        view = world.teams[team]
        number = read_number(reached.number, view.region, view.last_digits)
        closing = Closing("reached", moment(reached.at), by, reached.how)
        for item in await missed_items.open_items_of_number(session, [team], number):
            if item.last_missed_at <= closing.at:
                told += await _close_item(session, world, item, closing)
    return tuple(told)


async def close_called_back(session: AsyncSession, world: World, item_id: int, closing: Closing) -> tuple[News, ...]:
    """He was reached by a call back from his own row; nothing, when that was noticed already."""
    item = await session.scalar(select(MissedItemRow).where(MissedItemRow.id == item_id).with_for_update())
    if item is None or item.state != "open":
        return ()
    return tuple(await _close_item(session, world, item, closing))


def _teams_of(world: World, pbx: str, agent_team: int | None) -> list[int]:
    if agent_team is not None:
        return [agent_team]
    teams = {queue.team_id for queue in world.queues.values() if queue.pbx in {None, pbx}}
    default = world.pbx_teams.get(pbx)
    return sorted(teams | ({default} if default is not None else set()))


async def _close_item(session: AsyncSession, world: World, item: MissedItemRow, closing: Closing) -> list[News]:
    missed_items.close(item, closing)
    await notices.missed_changed(session, world, item, Happening.MISSED_CLOSED, closing.at)
    told = [News(item.team_id, "missed_calls", (item.id,))]
    order = await work_orders.of_item(session, item.id)
    if order is None or order.status == Status.DONE:
        return told
    template = world.template(order.template_id, order.flow_version)
    untouched = (await work_orders.read(session, order)).untouched
    closes = template.auto_close and untouched
    command = Close(what="caller_reached", note=closing.by) if closes else Note(what="caller_reached", note=closing.by)
    return [*told, *await step(session, world, order, command, PROGRAM, closing.at)]


async def create_order(
    store: Store,
    world: World,
    person: Person,
    item_id: int,
    template_id: int | None,
    at: datetime,
    receipt: Receipt | None = None,
    wanted: Wanted | None = None,
) -> tuple[int, tuple[News, ...]]:
    """An agent makes the order of an open item; the order that it has already is given back.

    `template_id` None: the queue's. `wanted`: with these contents; then an order that is there already is no answer.
    Raises NotFoundError, ForbiddenError (only agents do work), RefusedError (the item is closed, has an order, or no
    template is known), InvalidError (what is wanted is not allowed; the receipt's key was used for something else).
    """
    told: list[News] = []

    async def make() -> int:
        item = await open_for(session, person, item_id)
        order = await work_orders.of_item(session, item.id)
        if order is not None and wanted is not None:
            message = f"it has an order already: {order.serial}"
            raise RefusedError(message)
        if order is None and wanted is not None:
            order = await _detailed_order(session, world, person, item, wanted, at)
            told.append(News(item.team_id, "missed_calls", (item.id,)))
            told.append(news_of(order))
        elif order is None:
            order = await _chosen_order(session, world, person, item, template_id, at)
            told.append(News(item.team_id, "missed_calls", (item.id,)))
            told.append(news_of(order))
        return order.id

    async with store.write() as session:
        order_id, _ = await once(session, receipt, at, make)
    return order_id, tuple(told)


async def _chosen_order(
    session: AsyncSession, world: World, person: Person, item: MissedItemRow, template_id: int | None, at: datetime
) -> WorkOrderRow:
    call = await _last_call(session, item)
    queue = world.queue(call.pbx, call.queue) if call else None
    template = world.templates.get(template_id or (queue.template_id if queue else 0) or 0)
    if template is None or template.team_id != item.team_id or not template.active:
        message = "no template is known for this queue: choose one"
        raise RefusedError(message)
    item.version += 1
    return await _order_of_item(session, world, item, queue, template, call, by_of(person), at)


async def _detailed_order(
    session: AsyncSession, world: World, person: Person, item: MissedItemRow, wanted: Wanted, at: datetime
) -> WorkOrderRow:
    call = await _last_call(session, item)
    queue = world.queue(call.pbx, call.queue) if call else None
    origin = replace(
        wanted.origin,
        call_id=call.id if call else None,
        missed_item_id=item.id,
        module_id=wanted.origin.module_id or (queue.module_id if queue else None),
    )
    names = {"customer_id": wanted.new.customer_id, "module_id": origin.module_id}
    await check_names(session, item.team_id, **names)
    if wanted.new.template.team_id != item.team_id:
        message = "the template is another team's"
        raise RefusedError(message)
    item.version += 1
    made = await create_in(session, world, by_of(person), replace(wanted, origin=origin), at)
    return made.row


async def dismiss(
    store: Store, world: World, person: Person, item_ids: Sequence[int], reason: str, at: datetime
) -> tuple[News, ...]:
    """Nobody needs to call these back, for a reason; all or none.

    Raises NotFoundError, ForbiddenError, RefusedError (no reason, or one of them is closed already).
    """
    if not reason.strip():
        message = "a dismissal needs a reason"
        raise RefusedError(message)
    async with store.write() as session:
        told: list[News] = []
        for item_id in sorted(set(item_ids)):
            item = await open_for(session, person, item_id)
            closing = Closing("dismissed", at, person.name, "dismissed", reason.strip()[:2000])
            missed_items.close(item, closing)
            await notices.missed_changed(session, world, item, Happening.MISSED_CLOSED, at)
            told.append(News(item.team_id, "missed_calls", (item.id,)))
            order = await work_orders.of_item(session, item.id)
            if order is not None and order.status != Status.DONE:
                dismissed = Note(what="missed_dismissed", note=closing.note)
                told += await step(session, world, order, dismissed, By(person.actor, Role.PROGRAM), at)
        return tuple(told)


async def open_for(session: AsyncSession, person: Person, item_id: int) -> MissedItemRow:
    """An open item, locked, for somebody who works on it. Raises NotFoundError, ForbiddenError, RefusedError."""
    item = await session.scalar(select(MissedItemRow).where(MissedItemRow.id == item_id).with_for_update())
    if item is None or (person.team_id is not None and person.team_id != item.team_id):
        message = f"there is no missed call {item_id}"
        raise NotFoundError(message)
    if person.agent is None:
        message = "only agents and group admins work on missed calls"
        raise ForbiddenError(message)
    if item.state != "open":
        message = f"it is closed already: {item.state} by {item.closed_by or 'workorderd'}"
        raise RefusedError(message)
    return item


async def _last_call(session: AsyncSession, item: MissedItemRow) -> CallRow | None:
    query = select(CallRow).join(MissedCallRow, MissedCallRow.call_id == CallRow.id)
    return await session.scalar(query.where(MissedCallRow.item_id == item.id).order_by(CallRow.id.desc()).limit(1))
