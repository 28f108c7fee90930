"""What pages and the API read: missed calls, calls, single things; lists of orders are in `order_lists.py`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.order_lists import OrderFilter, Whose, work_orders
from daemon.storage.paging import Page, Place, page_of
from daemon.storage.tables import (
    CallRow,
    HistoryRow,
    MissedCallRow,
    MissedItemRow,
    StintRow,
    WorkOrderFieldRow,
    WorkOrderRow,
)
from daemon.storage.visibility import Sight

__all__ = [
    "CallFilter",
    "CallWithStints",
    "ItemContext",
    "ItemState",
    "OrderFilter",
    "Page",
    "Place",
    "Sight",
    "Whose",
    "call",
    "calls",
    "calls_of_item",
    "fields_of_order",
    "history_of_order",
    "item_contexts",
    "missed_item",
    "missed_items",
    "missed_items_by_id",
    "open_item_count",
    "work_order",
    "work_orders",
]

ItemState = Literal["open", "closed"]


# --- missed calls --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemContext:
    """What belongs to an item: the queues that its calls were in as (pbx, name), oldest first, and its order."""

    queues: tuple[tuple[str, str], ...] = ()
    order: WorkOrderRow | None = None


async def missed_items(
    session: AsyncSession, sight: Sight, state: ItemState, after: Place | None = None, limit: int = 50
) -> Page[MissedItemRow]:
    """Open items, the latest missed first; or closed ones, the latest closed first."""
    at = MissedItemRow.last_missed_at if state == "open" else MissedItemRow.closed_at
    wanted = MissedItemRow.state == "open" if state == "open" else MissedItemRow.closed_at.is_not(None)
    query = select(MissedItemRow).where(sight.of_team(MissedItemRow.team_id), wanted)
    rows, more = await page_of(session, query, (at.expression, MissedItemRow.id.expression), after, limit)
    if not more:
        return Page(rows, None)
    return Page(rows, Place(rows[-1].closed_at or rows[-1].last_missed_at, rows[-1].id))


async def missed_item(session: AsyncSession, sight: Sight, item_id: int) -> MissedItemRow | None:
    """One item."""
    query = select(MissedItemRow).where(MissedItemRow.id == item_id, sight.of_team(MissedItemRow.team_id))
    return await session.scalar(query)


async def missed_items_by_id(session: AsyncSession, sight: Sight, ids: Collection[int]) -> Sequence[MissedItemRow]:
    """Those of these items that he may see, the latest missed first."""
    query = select(MissedItemRow).where(MissedItemRow.id.in_(ids), sight.of_team(MissedItemRow.team_id))
    return (await session.scalars(query.order_by(MissedItemRow.last_missed_at.desc(), MissedItemRow.id.desc()))).all()


async def item_contexts(session: AsyncSession, item_ids: Collection[int]) -> Mapping[int, ItemContext]:
    """Queues and order of each of these items; the order whoever may see it."""
    if not item_ids:
        return {}
    queues: dict[int, list[tuple[str, str]]] = {id_: [] for id_ in item_ids}
    visits = (
        select(MissedCallRow.item_id, CallRow.pbx, StintRow.queue)
        .join(CallRow, CallRow.id == MissedCallRow.call_id)
        .join(StintRow, StintRow.call_id == CallRow.id)
        .where(MissedCallRow.item_id.in_(item_ids))
        .group_by(MissedCallRow.item_id, CallRow.pbx, StintRow.queue)
        .order_by(func.min(StintRow.joined_at))
    )
    for item_id, pbx, queue in await session.execute(visits):
        queues[item_id].append((pbx, queue))
    found = await session.scalars(select(WorkOrderRow).where(WorkOrderRow.missed_item_id.in_(item_ids)))
    orders = {order.missed_item_id: order for order in found}
    return {id_: ItemContext(tuple(seen), orders.get(id_)) for id_, seen in queues.items()}


async def calls_of_item(session: AsyncSession, item_id: int, limit: int = 100) -> Sequence[CallRow]:
    """The missed calls that were counted to an item, latest first."""
    query = select(CallRow).join(MissedCallRow, MissedCallRow.call_id == CallRow.id)
    query = query.where(MissedCallRow.item_id == item_id).order_by(CallRow.began_at.desc(), CallRow.id.desc())
    return (await session.scalars(query.limit(limit))).all()


async def open_item_count(session: AsyncSession, sight: Sight) -> int:
    """How many callers wait to be called back; counts to 100 at the most."""
    query = select(MissedItemRow.id).where(MissedItemRow.state == "open", sight.of_team(MissedItemRow.team_id))
    return len((await session.scalars(query.limit(100))).all())


# --- work orders ---------------------------------------------------------------------------------------------------


async def work_order(session: AsyncSession, sight: Sight, order_id: int) -> WorkOrderRow | None:
    """One order."""
    return await session.scalar(select(WorkOrderRow).where(WorkOrderRow.id == order_id, sight.of_order()))


async def fields_of_order(session: AsyncSession, order_id: int) -> Mapping[str, str]:
    """The custom fields of an order that he may see."""
    rows = await session.scalars(select(WorkOrderFieldRow).where(WorkOrderFieldRow.order_id == order_id))
    return {row.identity: row.value for row in rows}


async def history_of_order(
    session: AsyncSession, order_id: int, after: int = 0, limit: int | None = None
) -> Sequence[HistoryRow]:
    """The trace of an order that he may see, from the entry after number `after`, oldest first."""
    query = select(HistoryRow).where(HistoryRow.order_id == order_id, HistoryRow.n > after).order_by(HistoryRow.n)
    return (await session.scalars(query if limit is None else query.limit(limit))).all()


# --- calls ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls."""

    missed: bool | None = None
    living: bool | None = None
    e164: str | None = None


async def calls(
    session: AsyncSession, sight: Sight, wanted: CallFilter, after: Place | None = None, limit: int = 50
) -> Page[CallRow]:
    """Calls of the team, the latest begun first."""
    conditions = [sight.of_team(CallRow.team_id)]
    if wanted.missed is not None:
        conditions.append(CallRow.missed.is_(wanted.missed))
    if wanted.living is not None:
        conditions.append(CallRow.state != "ended" if wanted.living else CallRow.state == "ended")
    if wanted.e164 is not None:
        conditions.append(CallRow.e164 == wanted.e164)
    query = select(CallRow).where(*conditions)
    key = (CallRow.began_at.expression, CallRow.id.expression)
    rows, more = await page_of(session, query, key, after, limit)
    return Page(rows, Place(rows[-1].began_at, rows[-1].id) if more else None)


@dataclass(frozen=True, slots=True)
class CallWithStints:
    """A call, its stays in queues, and the item to which it was counted."""

    call: CallRow
    stints: Sequence[StintRow] = field(default_factory=tuple)
    item_id: int | None = None


async def call(session: AsyncSession, sight: Sight, call_id: int) -> CallWithStints | None:
    """One call."""
    row = await session.scalar(select(CallRow).where(CallRow.id == call_id, sight.of_team(CallRow.team_id)))
    if row is None:
        return None
    stints = await session.scalars(select(StintRow).where(StintRow.call_id == call_id).order_by(StintRow.n))
    item_id = await session.scalar(select(MissedCallRow.item_id).where(MissedCallRow.call_id == call_id))
    return CallWithStints(row, stints.all(), item_id)
