"""Calls that were asked for on a page: a row from the wish on, so that no two call back the same caller at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import OutgoingCallRow


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a missed caller was called back: the latest call, and by whom he is being called now."""

    count: int
    last: OutgoingCallRow
    calling: int | None


async def living_of_item(session: AsyncSession, item_id: int) -> OutgoingCallRow | None:
    """The call back that is under way."""
    query = select(OutgoingCallRow).where(OutgoingCallRow.item_id == item_id, OutgoingCallRow.ended_at.is_(None))
    return await session.scalar(query)


async def living_of_agent(session: AsyncSession, agent_id: int) -> OutgoingCallRow | None:
    """The call that he placed and that is not over."""
    query = select(OutgoingCallRow).where(OutgoingCallRow.agent_id == agent_id, OutgoingCallRow.ended_at.is_(None))
    return await session.scalar(query)


async def by_uniqueid(session: AsyncSession, uniqueid: str) -> OutgoingCallRow | None:
    """The call whose channel is called so."""
    return await session.scalar(select(OutgoingCallRow).where(OutgoingCallRow.uniqueid == uniqueid))


async def give_up(session: AsyncSession, pbxs: Collection[str], at: datetime) -> None:
    """End what a process before this one placed: what became of it, nobody heard."""
    living = OutgoingCallRow.ended_at.is_(None) & OutgoingCallRow.pbx.in_(pbxs)
    await session.execute(
        update(OutgoingCallRow).where(living, OutgoingCallRow.outcome == "").values(outcome="unknown", ended_at=at)
    )
    await session.execute(update(OutgoingCallRow).where(living).values(ended_at=at))


async def tries_of_items(session: AsyncSession, item_ids: Sequence[int]) -> Mapping[int, Tries]:
    """Of those items that were called back at all."""
    if not item_ids:
        return {}
    query = select(OutgoingCallRow).where(OutgoingCallRow.item_id.in_(item_ids)).order_by(OutgoingCallRow.id)
    tries: dict[int, Tries] = {}
    for row in await session.scalars(query):
        assert row.item_id is not None
        before = tries.get(row.item_id)
        calling = row.agent_id if row.ended_at is None else None
        tries[row.item_id] = Tries(before.count + 1 if before else 1, row, calling)
    return tries
