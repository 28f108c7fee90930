"""Systems that may ask: only the SHA-256 of a token is kept, so that a copy of the database opens no door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from daemon.storage.tables import AgentRow, ApiTokenRow, TeamRow, UtcDateTime


async def add(session: AsyncSession, row: ApiTokenRow) -> None:
    """A token that was given out."""
    session.add(row)
    await session.flush()


@dataclass(frozen=True, slots=True)
class Found:
    """A token that is in force."""

    name: str
    team_id: int
    agent_id: int | None
    scopes: Sequence[str]
    expires_at: datetime | None


_OF_HASH: Final = select(
    ApiTokenRow.name, ApiTokenRow.team_id, ApiTokenRow.agent_id, ApiTokenRow.scopes, ApiTokenRow.expires_at
).where(
    ApiTokenRow.token_hash == bindparam("token_hash"),
    or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > bindparam("at", type_=UtcDateTime())),
)


async def find(connection: AsyncConnection, token_hash: str, at: datetime) -> Found | None:
    """The token of this hash, unless it is over."""
    row = (await connection.execute(_OF_HASH, {"token_hash": token_hash, "at": at})).first()
    return Found(*row) if row else None


async def named(session: AsyncSession, name: str) -> ApiTokenRow | None:
    """The token of this name."""
    return await session.scalar(select(ApiTokenRow).where(ApiTokenRow.name == name))


async def everything(session: AsyncSession) -> Sequence[tuple[ApiTokenRow, TeamRow, AgentRow | None]]:
    """Every token by name, with its team and its agent."""
    query = (
        select(ApiTokenRow, TeamRow, AgentRow)
        .join(TeamRow, TeamRow.id == ApiTokenRow.team_id)
        .outerjoin(AgentRow, AgentRow.id == ApiTokenRow.agent_id)
        .order_by(ApiTokenRow.name)
    )
    return [(token, team, agent) for token, team, agent in await session.execute(query)]


async def remove(session: AsyncSession, name: str) -> bool:
    """Revoke it; False: there is none of this name."""
    gone = await session.execute(delete(ApiTokenRow).where(ApiTokenRow.name == name).returning(ApiTokenRow.id))
    return gone.scalar() is not None
