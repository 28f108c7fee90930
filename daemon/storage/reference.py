"""Rows that mirror the configuration, so that the database's foreign keys hold. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import AgentRow, GroupRow, MembershipRow, ModuleRow, TeamRow, TemplateRow

R = TypeVar("R", TeamRow, AgentRow, GroupRow, ModuleRow, TemplateRow)


async def mirror(
    session: AsyncSession, kind: type[R], key: tuple[str, ...], wanted: Iterable[dict[str, Any]]
) -> dict[Any, int]:
    """Make the rows of a table equal to `wanted`, matched by `key`; others become inactive.

    Returns key -> id, where a key of one column is that value and else a tuple.
    """
    existing = {tuple(getattr(row, name) for name in key): row for row in (await session.scalars(select(kind))).all()}
    kept: dict[Any, R] = {}
    for values in wanted:
        at = tuple(values[name] for name in key)
        row = existing.get(at)
        if row is None:
            row = kind(**values)
            session.add(row)
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
        row.active = True
        kept[at] = row
    for at, row in existing.items():
        if at not in kept and row.active:
            row.active = False
    await session.flush()
    return {at[0] if len(key) == 1 else at: row.id for at, row in kept.items()}


async def mirror_memberships(session: AsyncSession, wanted: set[tuple[int, int, bool]]) -> None:
    """Make the memberships equal to these (group id, agent id, leads it)."""
    existing = {(row.group_id, row.agent_id): row for row in (await session.scalars(select(MembershipRow))).all()}
    for group_id, agent_id, admin in wanted:
        row = existing.pop((group_id, agent_id), None)
        if row is None:
            session.add(MembershipRow(group_id=group_id, agent_id=agent_id, admin=admin))
        elif row.admin != admin:
            row.admin = admin
    for row in existing.values():
        await session.delete(row)
    await session.flush()
