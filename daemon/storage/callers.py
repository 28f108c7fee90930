"""Orders of somebody who calls, by his number."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.number import Number
from daemon.storage.tables import CallRow, CustomerNumberRow, MissedItemRow, WorkOrderRow, is_open


async def open_orders(
    session: AsyncSession, team_id: int, customer_ids: Collection[int], number: Number, limit: int = 10
) -> Sequence[WorkOrderRow]:
    """The open orders of these customers, and those of missed calls from this number, the latest changed first."""
    of_customers = select(WorkOrderRow).where(WorkOrderRow.customer_id.in_(customer_ids), is_open())
    rows = list((await session.scalars(of_customers.order_by(WorkOrderRow.updated_at.desc()).limit(limit))).all())
    if not number.hidden:
        same = MissedItemRow.e164 == number.e164 if number.e164 else MissedItemRow.tail == number.tail
        items = select(MissedItemRow.id).where(MissedItemRow.team_id == team_id, MissedItemRow.state == "open", same)
        of_items = select(WorkOrderRow).where(WorkOrderRow.missed_item_id.in_(items), is_open()).limit(limit)
        rows += (await session.scalars(of_items)).all()
    found = {row.id: row for row in rows if row.team_id == team_id}
    return sorted(found.values(), key=lambda row: (row.updated_at, row.id), reverse=True)[:limit]


async def order_by_serial(session: AsyncSession, team_id: int, template_id: int, sequence: int) -> WorkOrderRow | None:
    """An order of a team."""
    return await session.scalar(
        select(WorkOrderRow).where(
            WorkOrderRow.template_id == template_id,
            WorkOrderRow.sequence == sequence,
            WorkOrderRow.team_id == team_id,
        )
    )


async def is_of(session: AsyncSession, order: WorkOrderRow, number: Number) -> bool:
    """Whether a number belongs to the order: to its customer, its call or its missed calls."""
    if number.e164 is None:  # an order is told of only to a number that is sure
        return False
    queries = (
        select(CustomerNumberRow.id).where(
            CustomerNumberRow.customer_id == order.customer_id, CustomerNumberRow.e164 == number.e164
        ),
        select(CallRow.id).where(CallRow.id == order.call_id, CallRow.e164 == number.e164),
        select(MissedItemRow.id).where(MissedItemRow.id == order.missed_item_id, MissedItemRow.e164 == number.e164),
    )
    for query in queries:
        if await session.scalar(query.limit(1)) is not None:
            return True
    return False
