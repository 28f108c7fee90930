"""When a PBX was in sight, and when it was not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import GapRow, QueueLogCursorRow, SightRow


async def last_seen(session: AsyncSession, pbx: str) -> datetime | None:
    """When this PBX was in sight last; None if never."""
    row = await session.get(SightRow, pbx)
    return row.seen_at if row else None


async def seen(session: AsyncSession, pbx: str, at: datetime) -> None:
    """The PBX is in sight now."""
    await session.merge(SightRow(pbx=pbx, seen_at=at))


async def add_gap(
    session: AsyncSession, pbx: str, began_at: datetime, ended_at: datetime, *, explained: bool, note: str
) -> GapRow:
    """Mark a time out of sight that is over."""
    row = GapRow(pbx=pbx, began_at=began_at, ended_at=max(began_at, ended_at), explained=explained, note=note)
    session.add(row)
    return row


async def gaps(session: AsyncSession, pbx: str | None = None, limit: int = 20) -> Sequence[GapRow]:
    """The latest gaps, of one PBX or of all."""
    query = select(GapRow).order_by(GapRow.began_at.desc()).limit(limit)
    return (await session.scalars(query if pbx is None else query.where(GapRow.pbx == pbx))).all()


async def cursor(session: AsyncSession, pbx: str) -> QueueLogCursorRow | None:
    """How far this PBX's queue_log was read."""
    return await session.get(QueueLogCursorRow, pbx)


async def move_cursor(
    session: AsyncSession, pbx: str, *, inode: int, offset: int, line_hash: str, row_at: datetime | None
) -> None:
    """The queue_log was read up to here, and what it said is part of this transaction."""
    await session.merge(QueueLogCursorRow(pbx=pbx, inode=inode, offset=offset, line_hash=line_hash, row_at=row_at))
