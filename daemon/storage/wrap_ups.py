"""Pauses after calls: those that are under way, and what ended them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import CallResultRow, CallRow, WrapUpRow


async def begin(session: AsyncSession, call: CallRow, team_id: int, agent_id: int, until: datetime) -> None:
    """After this call; the same again changes nothing."""
    known = select(WrapUpRow.id).where(WrapUpRow.call_id == call.id, WrapUpRow.agent_id == agent_id)
    if await session.scalar(known) is None:
        began_at = call.ended_at or call.began_at
        row = WrapUpRow(team_id=team_id, agent_id=agent_id, call_id=call.id, began_at=began_at, until=until)
        session.add(row)
        await session.flush()


async def under_way(session: AsyncSession) -> Sequence[tuple[WrapUpRow, bool]]:
    """Those that nothing has ended, each with whether its result is given."""
    given = select(CallResultRow.id).where(
        CallResultRow.call_id == WrapUpRow.call_id, CallResultRow.agent_id == WrapUpRow.agent_id
    )
    query = select(WrapUpRow, given.exists()).where(WrapUpRow.ended_at.is_(None)).order_by(WrapUpRow.id)
    return [(row, bool(is_given)) for row, is_given in await session.execute(query)]


async def end(session: AsyncSession, ids: Sequence[int], how: str, at: datetime) -> None:
    """These are over."""
    if ids:
        query = update(WrapUpRow).where(WrapUpRow.id.in_(ids), WrapUpRow.ended_at.is_(None))
        await session.execute(query.values(ended_at=at, ended_how=how))


async def end_of_agent(session: AsyncSession, agent_id: int, how: str, at: datetime) -> None:
    """All of this agent's are over."""
    query = update(WrapUpRow).where(WrapUpRow.agent_id == agent_id, WrapUpRow.ended_at.is_(None))
    await session.execute(query.values(ended_at=at, ended_how=how))
