"""Rows that mirror the configuration, so that the database's foreign keys hold. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.assign import Rule
from daemon.storage.tables import (
    AgentRow,
    AssignRuleRow,
    GroupRow,
    MembershipRow,
    ModuleRow,
    TeamRow,
    TemplateFlowRow,
    TemplateRow,
)

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


async def agent_names(session: AsyncSession, ids: Collection[int]) -> dict[int, str]:
    """What these agents are called."""
    if not ids:
        return {}
    found = await session.execute(select(AgentRow.id, AgentRow.name).where(AgentRow.id.in_(ids)))
    return {row[0]: row[1] for row in found}


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


async def keep_flow(session: AsyncSession, template_id: int, nodes: list[dict[str, Any]]) -> None:
    """A new version of a template's flow, unless its newest one is the same."""
    newest = await session.scalar(
        select(TemplateFlowRow)
        .where(TemplateFlowRow.template_id == template_id)
        .order_by(TemplateFlowRow.version.desc())
        .limit(1)
    )
    if newest is None or newest.nodes != nodes:
        version = newest.version + 1 if newest else 1
        session.add(TemplateFlowRow(template_id=template_id, version=version, nodes=nodes))
        await session.flush()


async def start_rules(session: AsyncSession, wanted: Mapping[tuple[int, int], Rule]) -> None:
    """Assign rules by (template id, group id), where there are none yet; what group admins changed stays."""
    known = {(row.template_id, row.group_id) for row in (await session.scalars(select(AssignRuleRow))).all()}
    for (template_id, group_id), rule in wanted.items():
        if (template_id, group_id) not in known:
            session.add(
                AssignRuleRow(
                    template_id=template_id,
                    group_id=group_id,
                    mode=rule.mode,
                    scope=rule.scope,
                    verify=rule.verify,
                    last_agent_first=rule.last_agent_first,
                    cap=rule.cap,
                )
            )
    await session.flush()
