"""Systems that may ask: only the SHA-256 of a token is kept, so that a copy of the database opens no door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import AgentRow, ApiTokenRow, TeamRow


async def add(session: AsyncSession, row: ApiTokenRow) -> None:
    """A token that was given out."""
    session.add(row)
    await session.flush()


async def find(session: AsyncSession, token_hash: str, at: datetime) -> ApiTokenRow | None:
    """The token of this hash, unless it is over."""
    lasting = or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > at)
    return await session.scalar(select(ApiTokenRow).where(ApiTokenRow.token_hash == token_hash, lasting))


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
