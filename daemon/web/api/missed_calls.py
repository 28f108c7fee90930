"""Missed calls: list, one, make its work order, dismiss it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import NotFoundError
from daemon.handlers.missed import create_order, dismiss
from daemon.handlers.world import World
from daemon.storage import lists
from daemon.storage.lists import ItemContext, Sight
from daemon.storage.tables import MissedItemRow
from daemon.web.api.models import (
    Closing,
    CreateOrder,
    Dismissal,
    MissedCall,
    MissedCalls,
    MissedCallsQuery,
    Nothing,
    OrderBrief,
    QueueVisit,
)
from daemon.web.api.operation import BASE, Answer, Asked
from daemon.web.api.order_models import WorkOrderInFull
from daemon.web.api.places import place_of
from daemon.web.api.work_orders import read_order
from daemon.web.cursors import to_cursor
from daemon.web.parts import Visit, WebParts


async def list_missed_calls(asked: Asked[MissedCallsQuery, Nothing]) -> Answer[MissedCalls]:
    """GET /missed-calls."""
    sight, query = asked.visit.sight, asked.query
    async with asked.parts.store.read() as session:
        found = await lists.missed_items(session, sight, query.state, place_of(query.cursor), query.limit)
        items = await _told(session, sight, asked.parts.world(), found.rows)
    return Answer(MissedCalls(items=items, next=to_cursor(found.next) if found.next else None))


async def show_missed_call(asked: Asked[Nothing, Nothing]) -> Answer[MissedCall]:
    """GET /missed-calls/{id}. Raises NotFoundError."""
    item = await _read(asked.parts, asked.visit, asked.id)
    return Answer(item, etag=item.version)


async def create_work_order(asked: Asked[Nothing, CreateOrder]) -> Answer[WorkOrderInFull]:
    """POST /missed-calls/{id}/work-order. Raises NotFoundError, ForbiddenError, RefusedError, InvalidError."""
    parts, person = asked.parts, asked.visit.person
    order_id, news = await create_order(
        parts.store, parts.world(), person, asked.id, asked.body.template, parts.clock(), asked.receipt
    )
    for each in news:
        parts.live.publish(each)
    order = await read_order(parts, asked.visit, order_id)
    return Answer(order, 201 if news else 200, {"Location": f"{BASE}/work-orders/{order_id}"}, etag=order.version)


async def dismiss_missed_call(asked: Asked[Nothing, Dismissal]) -> Answer[MissedCall]:
    """POST /missed-calls/{id}/dismiss. Raises NotFoundError, ForbiddenError, RefusedError."""
    parts, person = asked.parts, asked.visit.person
    for each in await dismiss(parts.store, parts.world(), person, [asked.id], asked.body.reason, parts.clock()):
        parts.live.publish(each)
    return Answer(await _read(parts, asked.visit, asked.id))


async def _read(parts: WebParts, visit: Visit, item_id: int) -> MissedCall:
    async with parts.store.read() as session:
        item = await lists.missed_item(session, visit.sight, item_id)
        if item is None:
            message = f"there is no missed call {item_id}"
            raise NotFoundError(message)
        return (await _told(session, visit.sight, parts.world(), [item]))[0]


async def _told(
    session: AsyncSession, sight: Sight, world: World, items: Iterable[MissedItemRow]
) -> tuple[MissedCall, ...]:
    rows = tuple(items)
    contexts = await lists.item_contexts(session, [item.id for item in rows])
    return tuple(_missed_call(item, contexts[item.id], sight, world) for item in rows)


def _missed_call(item: MissedItemRow, context: ItemContext, sight: Sight, world: World) -> MissedCall:
    order = context.order
    brief = order and OrderBrief(id=order.id, serial=order.serial, status=order.status, visible=sight.sees(order))
    return MissedCall(
        id=item.id,
        team_id=item.team_id,
        state=item.state,
        number=item.number,
        e164=item.e164,
        name=item.name,
        queues=tuple(_queue(world, pbx, name) for pbx, name in context.queues),
        reason=item.reason,
        wait=item.wait,
        count=item.count,
        no_order=item.listing,
        first_missed_at=item.first_missed_at,
        last_missed_at=item.last_missed_at,
        closed=_closing(item),
        work_order=brief,
        version=item.version,
    )


def _queue(world: World, pbx: str, name: str) -> QueueVisit:
    known = world.queue(pbx, name)
    return QueueVisit(pbx=pbx, name=name, label=known.label if known else name)


def _closing(item: MissedItemRow) -> Closing | None:
    if item.closed_at is None:
        return None
    return Closing(at=item.closed_at, by=item.closed_by, how=item.closed_how, note=item.closed_note)
