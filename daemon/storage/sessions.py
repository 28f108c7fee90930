"""Who is logged in: only the SHA-256 of a cookie is kept, so that a copy of the database opens no door."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import SessionRow


async def add(
    session: AsyncSession, token_hash: str, username: str, csrf: str, created_at: datetime, expires_at: datetime
) -> None:
    """Somebody logged in."""
    session.add(
        SessionRow(token_hash=token_hash, username=username, csrf=csrf, created_at=created_at, expires_at=expires_at)
    )
    await session.flush()


async def find(session: AsyncSession, token_hash: str, at: datetime) -> SessionRow | None:
    """The session of this cookie, unless it is over."""
    query = select(SessionRow).where(SessionRow.token_hash == token_hash, SessionRow.expires_at > at)
    return await session.scalar(query)


async def end(session: AsyncSession, token_hash: str) -> None:
    """Somebody logged out; a session that is gone already is no matter."""
    await session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


async def end_all(session: AsyncSession, username: str) -> None:
    """This person is logged out everywhere."""
    await session.execute(delete(SessionRow).where(SessionRow.username == username))


async def forget_expired(session: AsyncSession, at: datetime) -> None:
    """Remove what can't be used any more."""
    await session.execute(delete(SessionRow).where(SessionRow.expires_at <= at))
