"""Rows of files that were added to orders; the bytes are `files.py`'s."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import AttachmentRow

_AT_ONCE = 1000


async def of_order(session: AsyncSession, order_id: int) -> Sequence[AttachmentRow]:
    """The files of an order, oldest first."""
    query = select(AttachmentRow).where(AttachmentRow.order_id == order_id).order_by(AttachmentRow.id)
    return (await session.scalars(query)).all()


async def count(session: AsyncSession, order_id: int) -> int:
    """How many files an order has."""
    query = select(func.count()).where(AttachmentRow.order_id == order_id)
    return await session.scalar(query) or 0


async def of_one_request(session: AsyncSession, first_id: int, number: int) -> Sequence[AttachmentRow]:
    """The files, so many, that came in one request, by the first of them: to the same order at the same instant."""
    first = await session.get_one(AttachmentRow, first_id)
    query = select(AttachmentRow).where(
        AttachmentRow.order_id == first.order_id,
        AttachmentRow.added_at == first.added_at,
        AttachmentRow.id >= first_id,
    )
    return (await session.scalars(query.order_by(AttachmentRow.id).limit(number))).all()


async def known(session: AsyncSession, checksums: Collection[str]) -> Set[str]:
    """Those of these checksums that rows speak of."""
    found: set[str] = set()
    wanted = sorted(checksums)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        found.update(
            await session.scalars(select(AttachmentRow.sha256).where(AttachmentRow.sha256.in_(part)).distinct())
        )
    return found


async def every(session: AsyncSession) -> list[tuple[int, str, str]]:
    """Every file as (id, name, checksum)."""
    query = select(AttachmentRow.id, AttachmentRow.name, AttachmentRow.sha256).order_by(AttachmentRow.id)
    return [(id_, name, sha256) for id_, name, sha256 in await session.execute(query)]
