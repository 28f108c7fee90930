"""New orders, as many as there are, with few statements: orders that come at the same time share a transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.deadlines import Deadline
from daemon.orders.history import START
from daemon.orders.order import serial
from daemon.orders.transitions import Step
from daemon.storage import search
from daemon.storage.receipts import Receipt
from daemon.storage.tables import (
    HistoryRow,
    ReceiptRow,
    TemplateRow,
    TimerRow,
    WorkOrderFieldRow,
    WorkOrderRow,
)
from daemon.storage.work_orders import Origin, entry_values

Values = dict[str, Any]

# Built once, and without the session's bookkeeping: half of an order's time went there.
_ORDER: Final = cast(Table, WorkOrderRow.__table__)
_TEMPLATE: Final = cast(Table, TemplateRow.__table__)
_COUNT_ON: Final = (
    update(_TEMPLATE)
    .where(_TEMPLATE.c.id == bindparam("template"))
    .values(last_sequence=_TEMPLATE.c.last_sequence + bindparam("many"))
    .returning(_TEMPLATE.c.last_sequence)
)
_ADD_ONE: Final = insert(_ORDER).returning(_ORDER.c.id)
_ADD_ORDERS: Final = insert(_ORDER).returning(_ORDER.c.id, sort_by_parameter_order=True)
_ADD_FIELDS: Final = insert(cast(Table, WorkOrderFieldRow.__table__))
_ADD_HISTORY: Final = insert(cast(Table, HistoryRow.__table__))
_ADD_TIMERS: Final = insert(cast(Table, TimerRow.__table__))
_ADD_RECEIPTS: Final = insert(cast(Table, ReceiptRow.__table__))


@dataclass(frozen=True, slots=True)
class Creation:
    """An order that is to be written; `receipt` of the request that asked for it."""

    created: Step
    origin: Origin
    deadline: Deadline | None
    receipt: Receipt | None = None


async def add_all(session: AsyncSession, creations: Sequence[Creation]) -> list[WorkOrderRow]:
    """Orders with their serials, the first entries of their histories, fields, timers and receipts.

    The templates' rows are locked until the commit: serials have no gaps and no duplicates. The rows given back are no
    part of the session. Raises IntegrityError when a missed item has an order, or a receipt is there already.
    """
    connection = await session.connection()
    wanted = Counter(each.created.order.template_id for each in creations)
    next_ = {}
    for template_id, many in sorted(wanted.items()):  # always in this order: two transactions never wait for each other
        done = await connection.execute(_COUNT_ON, {"template": template_id, "many": many})
        next_[template_id] = done.scalar_one() - many
    orders = []
    for each in creations:
        next_[each.created.order.template_id] += 1
        orders.append(_order(each, next_[each.created.order.template_id]))
    if len(orders) == 1:
        ids = [(await connection.execute(_ADD_ONE, orders[0])).scalar_one()]
    else:
        ids = list((await connection.execute(_ADD_ORDERS, orders)).scalars())
    pairs = list(zip(ids, creations, strict=True))
    for statement, rows in (
        (_ADD_FIELDS, [row for id_, each in pairs for row in _fields(id_, each)]),
        (_ADD_HISTORY, [_history(id_, each) for id_, each in pairs]),
        (_ADD_TIMERS, [row for id_, each in pairs for row in _timers(id_, each)]),
        (_ADD_RECEIPTS, [_receipt(id_, each) for id_, each in pairs if each.receipt]),
    ):
        if rows:
            await connection.execute(statement, rows)
    return [WorkOrderRow(id=id_, **values) for id_, values in zip(ids, orders, strict=True)]


async def add_and_index(session: AsyncSession, creations: Sequence[Creation]) -> list[WorkOrderRow]:
    """As `add_all`, with the words by which the orders are found; those of customers and calls are looked up."""
    rows = await add_all(session, creations)
    pairs = [(row.id, new) for row, new in zip(rows, creations, strict=True)]
    alone = [(id_, new) for id_, new in pairs if new.created.order.customer_id is None and new.origin.call_id is None]
    await search.index_orders(session, [_texts(id_, new) for id_, new in alone])
    if len(alone) < len(pairs):
        await search.index_again(session, {id_ for id_, _ in pairs} - {id_ for id_, _ in alone})
    return rows


def _texts(order_id: int, new: Creation) -> tuple[int, int, Sequence[str]]:
    order, origin = new.created.order, new.origin
    return order.team_id, order_id, (order.title, *origin.fields.values(), origin.description)


async def add(session: AsyncSession, new: Creation, *, index: bool = True) -> WorkOrderRow:
    """One order, as a row of the session. Raises IntegrityError as `add_all` does."""
    [row] = await (add_and_index if index else add_all)(session, [new])
    return await session.get_one(WorkOrderRow, row.id)


def _order(new: Creation, sequence: int) -> Values:
    order, origin, at = new.created.order, new.origin, new.created.entry.at
    return {
        "team_id": order.team_id,
        "template_id": order.template_id,
        "sequence": sequence,
        "serial": serial(order.template_id, sequence),
        "title": order.title,
        "description": origin.description,
        "customer_id": order.customer_id,
        "module_id": origin.module_id,
        "call_id": origin.call_id,
        "missed_item_id": origin.missed_item_id,
        "previous_id": origin.previous_id,
        "creator_id": order.creator_id,
        "creator_group_id": order.creator_group_id,
        "group_id": order.group_id,
        "owner_id": order.owner_id,
        "node_index": order.node_index,
        "flow_version": origin.flow_version,
        "status": order.status,
        "node_status": order.node_status,
        "priority": order.priority,
        "cc": order.cc,
        "due_at": new.deadline.due_at if new.deadline else None,
        "created_at": at,
        "updated_at": at,
        "finished_at": None,
        "version": order.version,
    }


def _fields(order_id: int, new: Creation) -> list[Values]:
    return [{"order_id": order_id, "identity": name, "value": text} for name, text in new.origin.fields.items()]


def _history(order_id: int, new: Creation) -> Values:
    fields = {f"fields.{name}": [None, text] for name, text in new.origin.fields.items()}
    entry = replace(new.created.entry, changes={**new.created.entry.changes, **fields})
    return entry_values(order_id, 1, entry, START)


def _timers(order_id: int, new: Creation) -> list[Values]:
    if new.deadline is None:
        return []
    times = {"escalate": new.deadline.due_at, "remind": new.deadline.remind_at}
    return [{"order_id": order_id, "kind": kind, "at": at} for kind, at in times.items() if at]


def _receipt(order_id: int, new: Creation) -> Values:
    assert new.receipt is not None
    return {
        "who": new.receipt.who,
        "key": new.receipt.key,
        "fingerprint": new.receipt.fingerprint,
        "result_id": order_id,
        "created_at": new.created.entry.at,
    }
