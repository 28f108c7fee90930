"""Assign rules, and what they need to know: who waits, and who has how much to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from daemon.orders.assign import Rule
from daemon.storage.tables import (
    AgentRow,
    AssignRuleRow,
    CallRow,
    CustomerNumberRow,
    MembershipRow,
    TemplateRow,
    WorkOrderRow,
    is_open,
)


def of_row(row: AssignRuleRow, last_number: str = "") -> Rule:
    """The rule as the core sees it."""
    return Rule(
        mode=row.mode,  # type: ignore[arg-type]  # a CHECK holds it to these words
        scope=row.scope,  # type: ignore[arg-type]
        verify=row.verify,
        last_agent_first=row.last_agent_first,
        cap=row.cap,
        last_number=last_number,
    )


async def read(session: AsyncSession, template_id: int, group_id: int) -> Rule:
    """The rule of a template in a group; where there is none: manual, without verification."""
    row = await session.get(AssignRuleRow, (template_id, group_id))
    return of_row(row) if row else Rule()


async def lock(session: AsyncSession, template_id: int, group_id: int) -> AssignRuleRow | None:
    """A rule that nobody else changes or turns until the commit: the round is fair."""
    query = select(AssignRuleRow).where(AssignRuleRow.template_id == template_id, AssignRuleRow.group_id == group_id)
    return await session.scalar(query.with_for_update())


async def of_team(session: AsyncSession, team_id: int | None) -> Sequence[AssignRuleRow]:
    """Every rule of a team (None: of all) whose template is in the configuration."""
    query = select(AssignRuleRow).join(TemplateRow, TemplateRow.id == AssignRuleRow.template_id)
    query = query.where(TemplateRow.active).order_by(AssignRuleRow.template_id, AssignRuleRow.group_id)
    return (await session.scalars(query if team_id is None else query.where(TemplateRow.team_id == team_id))).all()


async def of_group(session: AsyncSession, group_id: int) -> Sequence[AssignRuleRow]:
    """The rules of a group whose templates are in the configuration, by the template's name."""
    query = select(AssignRuleRow).join(TemplateRow, TemplateRow.id == AssignRuleRow.template_id)
    query = query.where(TemplateRow.active, AssignRuleRow.group_id == group_id)
    return (await session.scalars(query.order_by(TemplateRow.label, TemplateRow.id))).all()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that waits for a rule."""

    order_id: int
    template_id: int
    group_id: int


async def waiting(connection: AsyncConnection, limit: int, after: int = 0) -> Sequence[Waiting]:
    """Orders that wait for an automatic rule, by id from `after` on."""
    query = (
        select(WorkOrderRow.id, WorkOrderRow.template_id, WorkOrderRow.group_id)
        .join(
            AssignRuleRow,
            (AssignRuleRow.template_id == WorkOrderRow.template_id) & (AssignRuleRow.group_id == WorkOrderRow.group_id),
        )
        .where(
            WorkOrderRow.owner_id.is_(None),
            is_open(),
            WorkOrderRow.node_status == "new",
            AssignRuleRow.mode != "manual",
            WorkOrderRow.id > after,
        )
        .order_by(WorkOrderRow.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in await connection.execute(query)]


async def waiting_counts(session: AsyncSession, groups: Collection[int]) -> dict[tuple[int, int], int]:
    """How many orders without an owner, whose work is new, stand in these groups, by (template id, group id)."""
    query = (
        select(WorkOrderRow.template_id, WorkOrderRow.group_id, func.count())
        .where(
            WorkOrderRow.owner_id.is_(None),
            is_open(),
            WorkOrderRow.node_status == "new",
            WorkOrderRow.group_id.in_(groups),
        )
        .group_by(WorkOrderRow.template_id, WorkOrderRow.group_id)
    )
    return {(template_id, group_id): count for template_id, group_id, count in await session.execute(query)}


async def unfinished(session: AsyncSession, group_id: int) -> dict[int, tuple[str, int]]:
    """The agents of a group: id -> (number, open orders of this group that he owns)."""
    counted = (
        select(WorkOrderRow.owner_id, func.count().label("open"))
        .where(
            WorkOrderRow.group_id == group_id,
            is_open(),
            WorkOrderRow.owner_id.is_not(None),
        )
        .group_by(WorkOrderRow.owner_id)
        .subquery()
    )
    query = (
        select(AgentRow.id, AgentRow.number, func.coalesce(counted.c.open, 0))
        .join(MembershipRow, MembershipRow.agent_id == AgentRow.id)
        .outerjoin(counted, counted.c.owner_id == AgentRow.id)
        .where(MembershipRow.group_id == group_id, AgentRow.active)
    )
    return {id_: (number, count) for id_, number, count in await session.execute(query)}


async def last_spoke(session: AsyncSession, row: WorkOrderRow) -> int | None:
    """The agent who last answered a call of this order's caller or customer."""
    numbers: list[str] = []
    if row.call_id is not None:
        number = await session.scalar(select(CallRow.e164).where(CallRow.id == row.call_id))
        numbers += [number] if number else []
    if row.customer_id is not None:
        own = select(CustomerNumberRow.e164).where(CustomerNumberRow.customer_id == row.customer_id)
        numbers += [number for number in (await session.scalars(own)).all() if number]
    return await last_spoke_with(session, row.team_id, numbers)


async def last_spoke_with(session: AsyncSession, team_id: int, numbers: Collection[str]) -> int | None:
    """The agent of a team who last answered a call from one of these E.164 numbers."""
    if not numbers:
        return None
    query = select(CallRow.agent_id).where(
        CallRow.team_id == team_id, CallRow.e164.in_(numbers), CallRow.agent_id.is_not(None)
    )
    return await session.scalar(query.order_by(CallRow.began_at.desc(), CallRow.id.desc()).limit(1))


async def number_of(session: AsyncSession, agent_id: int | None) -> str:
    """An agent's number; "" for none."""
    if agent_id is None:
        return ""
    return await session.scalar(select(AgentRow.number).where(AgentRow.id == agent_id)) or ""
