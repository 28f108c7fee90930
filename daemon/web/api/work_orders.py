"""Work orders: list, one, its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.errors import NotFoundError
from daemon.storage import lists
from daemon.storage.lists import Labels, OrderFilter
from daemon.storage.tables import HistoryRow, WorkOrderRow
from daemon.web.api.models import (
    History,
    HistoryEntry,
    HistoryQuery,
    Nothing,
    Reference,
    WorkOrder,
    WorkOrderInFull,
    WorkOrders,
    WorkOrdersQuery,
)
from daemon.web.api.operation import Answer, Asked
from daemon.web.api.places import place_of
from daemon.web.cursors import to_cursor
from daemon.web.parts import Visit, WebParts


async def list_work_orders(asked: Asked[WorkOrdersQuery, Nothing]) -> Answer[WorkOrders]:
    """GET /work-orders."""
    query = asked.query
    wanted = OrderFilter(query.state == "open", None, query.whose, query.template, query.group)
    async with asked.parts.store.read() as session:
        found = await lists.work_orders(session, asked.visit.sight, wanted, place_of(query.cursor), query.limit)
        labels = await lists.labels_of(session, found.rows)
    items = tuple(WorkOrder(**_told(row, labels)) for row in found.rows)
    return Answer(WorkOrders(items=items, next=to_cursor(found.next) if found.next else None))


async def show_work_order(asked: Asked[Nothing, Nothing]) -> Answer[WorkOrderInFull]:
    """GET /work-orders/{id}. Raises NotFoundError."""
    order = await read_order(asked.parts, asked.visit, asked.id)
    return Answer(order, etag=order.version)


async def show_history(asked: Asked[HistoryQuery, Nothing]) -> Answer[History]:
    """GET /work-orders/{id}/history. Raises NotFoundError."""
    query = asked.query
    async with asked.parts.store.read() as session:
        if await lists.work_order(session, asked.visit.sight, asked.id) is None:
            raise _not_there(asked.id)
        rows = await lists.history_of_order(session, asked.id, query.after, query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return Answer(History(items=tuple(map(_entry, shown)), next=shown[-1].n if more else None))


async def read_order(parts: WebParts, visit: Visit, order_id: int) -> WorkOrderInFull:
    """An order with its fields. Raises NotFoundError."""
    async with parts.store.read() as session:
        row = await lists.work_order(session, visit.sight, order_id)
        if row is None:
            raise _not_there(order_id)
        labels = await lists.labels_of(session, [row])
        fields = await lists.fields_of_order(session, order_id)
    return WorkOrderInFull(**_told(row, labels), fields=dict(fields))


def _not_there(order_id: int) -> NotFoundError:
    return NotFoundError(f"there is no work order {order_id}")


def _told(row: WorkOrderRow, labels: Labels) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "serial": row.serial,
        "title": row.title,
        "description": row.description,
        "template": _named(row.template_id, labels.templates),
        "status": row.status,
        "node_status": row.node_status,
        "node_index": row.node_index,
        "group": _named(row.group_id, labels.groups),
        "owner": _named(row.owner_id, labels.agents),
        "creator": _named(row.creator_id, labels.agents),
        "priority": row.priority,
        "call_id": row.call_id,
        "missed_call_id": row.missed_item_id,
        "customer_id": row.customer_id,
        "due_at": row.due_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "finished_at": row.finished_at,
        "version": row.version,
    }


def _named(id_: int | None, names: Mapping[int, str]) -> Reference | None:
    return None if id_ is None else Reference(id=id_, name=names[id_])


def _entry(row: HistoryRow) -> HistoryEntry:
    return HistoryEntry(
        n=row.n,
        at=row.at,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor=row.actor,
        action=row.action,
        from_state=row.from_,
        to_state=row.to,
        note=row.note,
        changes=row.changes,
        hash=row.hash,
    )
