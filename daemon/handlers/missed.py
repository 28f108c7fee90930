"""Missed calls become items, items become orders, and both end when the caller was reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.effects import CallerReached
from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.world import QueueView, TemplateView, World
from daemon.orders.history import ASTERISK, SYSTEM, Actor, Entry
from daemon.orders.missed import Decision
from daemon.orders.number import Number, read_number
from daemon.orders.order import Status
from daemon.storage import missed_items, work_orders
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.tables import CallRow, MissedCallRow, MissedItemRow, WorkOrderRow, moment
from daemon.storage.work_orders import NewOrder

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
        item = order = None
    if item is None:
        item = await missed_items.add(session, call.team_id, call, number, decision.why)
    else:
        await missed_items.append(session, item, call, decision.why)
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
        await work_orders.note(session, order, Entry(at, ASTERISK, "missed_again", note=f"{item.count}×"))
        return listed, News(item.team_id, "work_orders", (order.id,), (order.group_id,))
    queue = world.queue(call.pbx, call.queue)
    template = world.templates.get(queue.template_id) if queue and queue.template_id else None
    if not decision.order or queue is None or template is None:
        return (listed,)
    at = call.ended_at or call.began_at
    order = await _order_of_item(session, item, queue, template, call, ASTERISK, at)
    return listed, News(item.team_id, "work_orders", (order.id,), (order.group_id,))


async def _order_of_item(
    session: AsyncSession,
    item: MissedItemRow,
    queue: QueueView | None,
    template: TemplateView,
    call: CallRow | None,
    actor: Actor,
    at: datetime,
) -> WorkOrderRow:
    caller = item.e164 or item.number or "hidden number"
    label = queue.label if queue else item.queue
    group_id = queue.group_id if queue and queue.group_id and not template.has_flow else template.first_group
    return await work_orders.create(
        session,
        NewOrder(
            team_id=item.team_id,
            template_id=template.id,
            title=f"{caller} · {label}"[:TITLE_LENGTH],
            description=f"{item.name} {caller}".strip(),
            group_id=group_id,
            node_index=0 if template.has_flow else None,
            priority=template.priority,
            cc=template.default_cc,
            call_id=call.id if call else None,
            missed_item_id=item.id,
            module_id=queue.module_id if queue else None,
            creator_id=actor.id,
        ),
        actor,
        at,
    )


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


def _teams_of(world: World, pbx: str, agent_team: int | None) -> list[int]:
    if agent_team is not None:
        return [agent_team]
    teams = {queue.team_id for queue in world.queues.values() if queue.pbx in {None, pbx}}
    default = world.pbx_teams.get(pbx)
    return sorted(teams | ({default} if default is not None else set()))


async def _close_item(session: AsyncSession, world: World, item: MissedItemRow, closing: Closing) -> list[News]:
    missed_items.close(item, closing)
    told = [News(item.team_id, "missed_calls", (item.id,))]
    order = await work_orders.of_item(session, item.id)
    if order is None or order.status == Status.DONE:
        return told
    template = world.templates.get(order.template_id)
    if template and template.auto_close and work_orders.read(order).untouched:
        await work_orders.finish(
            session, order, Entry(closing.at, SYSTEM, "caller_reached", Status.NEW, Status.DONE, closing.by)
        )
    else:
        await work_orders.note(session, order, Entry(closing.at, SYSTEM, "caller_reached", note=closing.by))
    return [*told, News(item.team_id, "work_orders", (order.id,), (order.group_id,))]


async def create_order(
    store: Store, world: World, person: Person, item_id: int, template_id: int | None, at: datetime
) -> tuple[int, tuple[News, ...]]:
    """An agent makes the order of an open item; the order that it has already is given back.

    `template_id` None: the queue's. Raises NotFoundError, ForbiddenError (only agents do work), RefusedError (the
    item is closed, or no template is known).
    """
    async with store.write() as session:
        item = await _open_for(session, person, item_id)
        order = await work_orders.of_item(session, item.id)
        if order is not None:
            return order.id, ()
        call = await _last_call(session, item)
        queue = world.queue(call.pbx, call.queue) if call else None
        template = world.templates.get(template_id or (queue.template_id if queue else 0) or 0)
        if template is None or template.team_id != item.team_id:
            message = "no template is known for this queue: choose one"
            raise RefusedError(message)
        order = await _order_of_item(session, item, queue, template, call, person.actor, at)
        item.version += 1
        told = (
            News(item.team_id, "missed_calls", (item.id,)),
            News(item.team_id, "work_orders", (order.id,), (order.group_id,)),
        )
        return order.id, told


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
            item = await _open_for(session, person, item_id)
            closing = Closing("dismissed", at, person.name, "dismissed", reason.strip()[:2000])
            missed_items.close(item, closing)
            told.append(News(item.team_id, "missed_calls", (item.id,)))
            order = await work_orders.of_item(session, item.id)
            if order is not None and order.status != Status.DONE:
                entry = Entry(at, person.actor, "missed_dismissed", note=closing.note)
                await work_orders.note(session, order, entry)
                told.append(News(item.team_id, "work_orders", (order.id,), (order.group_id,)))
        return tuple(told)


async def _open_for(session: AsyncSession, person: Person, item_id: int) -> MissedItemRow:
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
