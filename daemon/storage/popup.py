"""What a popup shows: the calls on an agent's desk, and what is known of a caller."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import and_, exists, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import State
from daemon.orders.number import Number
from daemon.storage.results import TALKED
from daemon.storage.tables import CallResultRow, CallRow, MissedItemRow, PopupRow, WorkOrderRow, is_open
from daemon.storage.visibility import Sight

MOST_CALLS: Final = 10
MOST_ORDERS: Final = 500  # open ones of one caller that are looked through


async def calls_on_desk(
    session: AsyncSession, agent_id: int, since: datetime
) -> Sequence[tuple[CallRow, CallResultRow | None]]:
    """The calls that this agent answered last and did not put away, begun after a time, each with his result; the
    latest begun first.
    """
    his = and_(CallResultRow.call_id == CallRow.id, CallResultRow.agent_id == agent_id)
    away = exists().where(
        PopupRow.call_id == CallRow.id, PopupRow.agent_id == agent_id, PopupRow.put_away_at.is_not(None)
    )
    talked = or_(CallRow.state != State.ENDED, CallRow.reason.in_(TALKED))
    query = select(CallRow, CallResultRow).outerjoin(CallResultRow, his)
    query = query.where(CallRow.agent_id == agent_id, CallRow.began_at > since, talked, ~away)
    found = await session.execute(query.order_by(CallRow.began_at.desc(), CallRow.id.desc()).limit(MOST_CALLS))
    return [(call, result) for call, result in found]


async def popup(session: AsyncSession, call_id: int, agent_id: int) -> PopupRow | None:
    """What this agent did with this call on his screen."""
    return await session.get(PopupRow, (call_id, agent_id))


async def keep_popup(session: AsyncSession, call_id: int, agent_id: int) -> PopupRow:
    """The same row, made where there is none."""
    row = await popup(session, call_id, agent_id)
    if row is None:
        row = PopupRow(call_id=call_id, agent_id=agent_id)
        session.add(row)
        await session.flush()
    return row


async def order_of_call(session: AsyncSession, call_id: int, agent_id: int) -> WorkOrderRow | None:
    """The latest order that this agent made from this call."""
    query = select(WorkOrderRow).where(WorkOrderRow.call_id == call_id, WorkOrderRow.creator_id == agent_id)
    return await session.scalar(query.order_by(WorkOrderRow.id.desc()).limit(1))


async def past_calls(
    session: AsyncSession, team_id: int, number: Number, but: int | None, limit: int
) -> Sequence[CallRow]:
    """The latest calls of a caller in this team, without one of them. Only of numbers that are read as E.164."""
    if number.e164 is None:
        return ()
    query = select(CallRow).where(CallRow.team_id == team_id, CallRow.e164 == number.e164)
    if but is not None:
        query = query.where(CallRow.id != but)
    return (await session.scalars(query.order_by(CallRow.began_at.desc(), CallRow.id.desc()).limit(limit))).all()


async def open_orders(
    session: AsyncSession, sight: Sight, customer_ids: Collection[int], call_ids: Collection[int], limit: int
) -> Sequence[WorkOrderRow]:
    """Orders that are not done, of these customers or made from these calls, the latest changed first.

    Two queries without a word of teams, so that each can only go by the index of what it asks for.
    """
    found: dict[int, WorkOrderRow] = {}
    for column, ids in ((WorkOrderRow.customer_id, customer_ids), (WorkOrderRow.call_id, call_ids)):
        if ids:
            query = select(WorkOrderRow).where(column.in_(ids), is_open()).limit(MOST_ORDERS)
            found |= {row.id: row for row in await session.scalars(query)}
    seen = sorted((row for row in found.values() if sight.sees(row)), key=lambda row: row.updated_at, reverse=True)
    return seen[:limit]


async def times_missed(session: AsyncSession, team_id: int, number: Number) -> int:
    """How many calls of this caller were missed for which nobody has called back yet."""
    if number.hidden:
        return 0
    is_open = MissedItemRow.state == literal_column("'open'")  # in these words, for the indexes of open items
    items = select(MissedItemRow.id, MissedItemRow.count).where(MissedItemRow.team_id == team_id, is_open)
    same = items.where(MissedItemRow.caller_key.is_not(None), MissedItemRow.caller_key == number.key)
    alike = items.where(MissedItemRow.tail == number.tail)
    if number.e164 is not None:
        alike = alike.where(MissedItemRow.e164.is_(None))
    return sum(count for _, count in await session.execute(same.union(alike)))
