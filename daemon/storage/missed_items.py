"""Callers who must be called back: one open item per team and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.number import Number
from daemon.storage.tables import CallRow, MissedCallRow, MissedItemRow


@dataclass(frozen=True, slots=True)
class Closing:
    """How an item ends: `reached`, `dismissed` or `order_done`, who did it, and by what (own_call, call_back, ...)."""

    state: str
    at: datetime
    by: str
    how: str = ""
    note: str = ""


async def item_of_call(session: AsyncSession, call_id: int) -> MissedItemRow | None:
    """The item to which this missed call was counted already."""
    query = select(MissedItemRow).join(MissedCallRow, MissedCallRow.item_id == MissedItemRow.id)
    return await session.scalar(query.where(MissedCallRow.call_id == call_id))


async def open_item(session: AsyncSession, team_id: int, key: str | None) -> MissedItemRow | None:
    """The open item of this caller, locked; a hidden number (None) has none."""
    if key is None:
        return None
    return await session.scalar(
        select(MissedItemRow)
        .where(MissedItemRow.team_id == team_id, MissedItemRow.caller_key == key, MissedItemRow.state == "open")
        .with_for_update()
    )


async def add(session: AsyncSession, team_id: int, call: CallRow, number: Number, listing: str) -> MissedItemRow:
    """A new open item for a missed call."""
    at = call.ended_at or call.began_at
    item = MissedItemRow(
        team_id=team_id,
        caller_key=number.key,
        number=number.raw,
        e164=number.e164,
        tail=number.tail,
        name=call.name,
        queue=call.queue,
        reason=call.reason or "lost",
        wait=call.wait,
        listing=listing,
        first_missed_at=at,
        last_missed_at=at,
    )
    session.add(item)
    await session.flush()
    await count(session, item, call)
    return item


async def append(session: AsyncSession, item: MissedItemRow, call: CallRow, listing: str) -> None:
    """The same caller was missed again while his item is open."""
    item.count += 1
    item.last_missed_at = max(item.last_missed_at, call.ended_at or call.began_at)
    item.queue, item.reason, item.wait, item.listing = call.queue, call.reason or "lost", call.wait, listing
    item.name = call.name or item.name
    item.version += 1
    await count(session, item, call)


async def count(session: AsyncSession, item: MissedItemRow, call: CallRow) -> None:
    """Tie the call to its item; the primary key refuses a second tie."""
    session.add(MissedCallRow(call_id=call.id, item_id=item.id))
    await session.flush()


async def open_items_of_number(
    session: AsyncSession, team_ids: Sequence[int], number: Number
) -> Sequence[MissedItemRow]:
    """The open items of this caller: equal E.164; where one of the two has none, equal last digits."""
    if number.hidden:
        return ()
    same = MissedItemRow.tail == number.tail
    if number.e164 is not None:
        same = or_(MissedItemRow.e164 == number.e164, MissedItemRow.e164.is_(None) & same)
    query = select(MissedItemRow).where(MissedItemRow.team_id.in_(team_ids), MissedItemRow.state == "open", same)
    return (await session.scalars(query.with_for_update())).all()


def close(item: MissedItemRow, closing: Closing) -> None:
    """End an open item."""
    item.state, item.closed_at = closing.state, closing.at
    item.closed_by, item.closed_how, item.closed_note = closing.by[:80], closing.how, closing.note
    item.version += 1
