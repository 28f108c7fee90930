"""What a popup shows: the calls on an agent's desk, and what is known of a caller."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import State
from daemon.orders.number import Number
from daemon.storage.results import TALKED
from daemon.storage.tables import CallResultRow, CallRow, MissedItemRow, PopupRow, WorkOrderRow, is_open
from daemon.storage.visibility import Sight

MOST_CALLS: Final = 10


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
    """Orders that are not done, of these customers or made from these calls, the latest changed first."""
    if not (customer_ids or call_ids):
        return ()
    of_caller = or_(WorkOrderRow.customer_id.in_(customer_ids), WorkOrderRow.call_id.in_(call_ids))
    query = select(WorkOrderRow).where(of_caller, is_open(), sight.of_order())
    query = query.order_by(WorkOrderRow.updated_at.desc(), WorkOrderRow.id.desc())
    return (await session.scalars(query.limit(limit))).all()


async def times_missed(session: AsyncSession, team_id: int, number: Number) -> int:
    """How many calls of this caller were missed for which nobody has called back yet."""
    if number.hidden:
        return 0
    same = MissedItemRow.tail == number.tail
    if number.e164 is not None:
        same = or_(MissedItemRow.e164 == number.e164, and_(MissedItemRow.e164.is_(None), same))
    query = select(MissedItemRow.count).where(MissedItemRow.team_id == team_id, MissedItemRow.state == "open", same)
    return sum((await session.scalars(query)).all())
