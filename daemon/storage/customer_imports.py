"""Imports of customers as others see them: how far they are, and how they ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.customer_csv import LineError
from daemon.storage.customer_batches import NOTHING, Counts
from daemon.storage.lists import Sight
from daemon.storage.tables import CustomerImportRow


@dataclass(frozen=True, slots=True)
class Ending:
    """How an import ended: `done`, `refused` with its first errors, or `interrupted`."""

    state: Literal["done", "refused", "interrupted"]
    at: datetime
    seen: int = 0
    counts: Counts = NOTHING
    error_count: int = 0
    errors: Sequence[LineError] = ()


async def add(
    session: AsyncSession, team_id: int, name: str, lines: int, began_by: str, at: datetime
) -> CustomerImportRow:
    """An import that begins."""
    row = CustomerImportRow(team_id=team_id, name=name[:255], lines=lines, began_by=began_by[:80], began_at=at)
    session.add(row)
    await session.flush()
    return row


async def one(session: AsyncSession, sight: Sight, import_id: int) -> CustomerImportRow | None:
    """One import."""
    query = select(CustomerImportRow).where(CustomerImportRow.id == import_id)
    return await session.scalar(query.where(sight.of_team(CustomerImportRow.team_id)))


async def progress(session: AsyncSession, import_id: int, seen: int) -> None:
    """So many lines were looked at."""
    query = update(CustomerImportRow).where(CustomerImportRow.id == import_id, CustomerImportRow.state == "running")
    await session.execute(query.values(seen=seen).execution_options(synchronize_session=False))


async def end(session: AsyncSession, import_id: int, ending: Ending) -> bool:
    """It ends, once; False: it has ended already."""
    query = select(CustomerImportRow).where(CustomerImportRow.id == import_id, CustomerImportRow.state == "running")
    row = await session.scalar(query.with_for_update())
    if row is None:
        return False
    row.state, row.ended_at = ending.state, ending.at
    row.seen = max(row.seen, ending.seen)
    row.created, row.updated = ending.counts.created, ending.counts.updated
    row.error_count = ending.error_count
    row.errors = [[error.line, error.column, error.what] for error in ending.errors]
    await session.flush()
    return True


async def interrupt_running(session: AsyncSession, at: datetime, but: Collection[int] = ()) -> int:
    """What still runs, but for these, was interrupted and wrote nothing; how many there were."""
    query = select(CustomerImportRow).where(CustomerImportRow.state == "running", CustomerImportRow.id.not_in(but))
    running = (await session.scalars(query.with_for_update())).all()
    for row in running:
        row.state, row.ended_at = "interrupted", at
    await session.flush()
    return len(running)
