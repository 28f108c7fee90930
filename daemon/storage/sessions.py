"""Who is logged in: only the SHA-256 of a cookie is kept, so that a copy of the database opens no door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from daemon.storage.tables import SessionRow


async def add(
    session: AsyncSession, token_hash: str, username: str, csrf: str, created_at: datetime, expires_at: datetime
) -> None:
    """Somebody logged in."""
    session.add(
        SessionRow(token_hash=token_hash, username=username, csrf=csrf, created_at=created_at, expires_at=expires_at)
    )
    await session.flush()


@dataclass(frozen=True, slots=True)
class Found:
    """A session that is not over."""

    token_hash: str
    username: str
    csrf: str
    expires_at: datetime


async def find(connection: AsyncConnection, token_hash: str, at: datetime) -> Found | None:
    """The session of this cookie, unless it is over."""
    columns = (SessionRow.token_hash, SessionRow.username, SessionRow.csrf, SessionRow.expires_at)
    query = select(*columns).where(SessionRow.token_hash == token_hash, SessionRow.expires_at > at)
    row = (await connection.execute(query)).first()
    return Found(*row) if row else None


async def end(session: AsyncSession, token_hash: str) -> None:
    """Somebody logged out; a session that is gone already is no matter."""
    await session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


async def end_all(session: AsyncSession, username: str) -> None:
    """This person is logged out everywhere."""
    await session.execute(delete(SessionRow).where(SessionRow.username == username))


async def forget_expired(session: AsyncSession, at: datetime) -> None:
    """Remove what can't be used any more."""
    await session.execute(delete(SessionRow).where(SessionRow.expires_at <= at))
