"""Timers of orders: a row is there until it fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from daemon.storage.tables import TimerRow

_EARLIEST: Final = select(func.min(TimerRow.at))


@dataclass(frozen=True, slots=True)
class Timer:
    """What fires for which order: `remind` or `escalate`."""

    order_id: int
    kind: str


async def take_due(session: AsyncSession, at: datetime, limit: int) -> Sequence[Timer]:
    """Remove timers that are due, the earliest first; those that another process is taking are left to it."""
    query = (
        select(TimerRow.order_id, TimerRow.kind).where(TimerRow.at <= at).order_by(TimerRow.at, TimerRow.kind.desc())
    )
    due = [Timer(*row) for row in await session.execute(query.limit(limit).with_for_update(skip_locked=True))]
    if due:
        keys = [(timer.order_id, timer.kind) for timer in due]
        where = tuple_(TimerRow.order_id, TimerRow.kind).in_(keys)
        await session.execute(delete(TimerRow).where(where).execution_options(synchronize_session=False))
    return due


async def earliest(connection: AsyncConnection) -> datetime | None:
    """When the next timer is due."""
    return await connection.scalar(_EARLIEST)
