"""Tokens for systems: given out, listed, revoked, and what they open."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import Fault, InvalidError, NotFoundError, RefusedError
from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.storage import tokens
from daemon.storage.engine import Store
from daemon.storage.tables import AgentRow, ApiTokenRow, TeamRow
from daemon.storage.tokens import Found

SCOPES: Final = {
    "orders:read": "read work orders, their history and attachments",
    "orders:write": "create and work on work orders",
    "missed:read": "read missed calls",
    "missed:write": "make their work orders, dismiss them",
    "calls:read": "read calls",
    "calls:write": "start calls, give results of calls",
    "customers:read": "read customers",
    "customers:write": "create, change and import customers",
    "campaigns:read": "read campaigns and their entries",
    "campaigns:write": "fill campaigns, take entries, give their results",
    "deliveries:read": "read what became of mails and webhooks",
    "deliveries:write": "send them again, or discard them",
    "agents:write": "log agents in to queues and out, pause and resume them",
    "reference:read": "read templates, groups, agents and modules",
    "rules:read": "read assign rules",
    "rules:write": "change assign rules",
}
READING: Final = tuple(scope for scope in SCOPES if scope.endswith(":read"))
TOKEN: Final = re.compile(r"wo_[A-Za-z0-9_-]{43}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be given out. `agent` is an agent's number: it acts as he does; None: as a system of the team."""

    name: str
    team: str
    agent: str | None
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A token that was given out; what it is, nobody knows but who has it. `agent` is a number."""

    name: str
    team: str
    agent: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token opens: as whom it acts, and the scopes that it was made with."""

    name: str
    person: Person
    scopes: frozenset[str]
    expires_at: datetime | None


def make_token(random: str) -> str:
    """The token of 43 random URL-safe characters; its beginning lets scanners of leaked secrets know it."""
    return f"wo_{random}"


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def create(store: Store, new: NewToken, token: str, at: datetime) -> None:
    """Give a token out. Raises InvalidError (name, scope), NotFoundError (team, agent), RefusedError (name taken)."""
    faults = [
        Fault("scope", f"{each}: there are {', '.join(SCOPES)}", "option") for each in new.scopes if each not in SCOPES
    ]
    if not NAME.fullmatch(new.name):
        faults.append(Fault("name", "letters, digits and . _ - are allowed, 60 at the most", "pattern"))
    if faults:
        raise InvalidError(faults)
    async with store.write() as session:
        team_id, agent_id = await _bearer(session, new)
        if await tokens.named(session, new.name) is not None:
            message = f"there is a token {new.name} already: revoke it first, or choose another name"
            raise RefusedError(message)
        row = ApiTokenRow(
            token_hash=hash_of(token),
            name=new.name,
            team_id=team_id,
            agent_id=agent_id,
            scopes=sorted(set(new.scopes)),
            created_at=at,
            expires_at=new.expires_at,
        )
        await tokens.add(session, row)


async def _bearer(session: AsyncSession, new: NewToken) -> tuple[int, int | None]:
    team_id = await session.scalar(select(TeamRow.id).where(TeamRow.name == new.team, TeamRow.active))
    if team_id is None:
        message = f"there is no team {new.team}: teams are known once workorderd has run with them"
        raise NotFoundError(message)
    if new.agent is None:
        return team_id, None
    query = select(AgentRow.id).where(AgentRow.team_id == team_id, AgentRow.number == new.agent, AgentRow.active)
    agent_id = await session.scalar(query)
    if agent_id is None:
        message = f"there is no agent {new.agent} in {new.team}"
        raise NotFoundError(message)
    return team_id, agent_id


async def listed(store: Store) -> Sequence[Listed]:
    """Every token by name."""
    async with store.read() as session:
        rows = await tokens.everything(session)
    return [
        Listed(row.name, team.name, agent.number if agent else None, tuple(row.scopes), row.created_at, row.expires_at)
        for row, team, agent in rows
    ]


async def revoke(store: Store, name: str) -> None:
    """It opens nothing from now on. Raises NotFoundError."""
    async with store.write() as session:
        if not await tokens.remove(session, name):
            message = f"there is no token {name}"
            raise NotFoundError(message)


async def grant_of(store: Store, world: World, token: str, at: datetime) -> Grant | None:
    """What this token opens; None: it is none of ours, is over, was revoked, or its team or agent is gone."""
    if not TOKEN.fullmatch(token):
        return None
    async with store.glance() as connection:
        row = await tokens.find(connection, hash_of(token), at)
    person = _person(row, world) if row else None
    if row is None or person is None:
        return None
    return Grant(row.name, person, frozenset(row.scopes), row.expires_at)


def _person(row: Found, world: World) -> Person | None:
    if row.team_id not in world.teams:
        return None
    if row.agent_id is None:
        return Person("system", row.name, row.name, row.team_id)
    agent = world.agents.get(row.agent_id)
    if agent is None or agent.team_id != row.team_id:
        return None
    return Person("agent", agent.username, agent.name, agent.team_id, agent)
