"""Work orders and their history: written together, always.

An order's version is the number of its history's entries: each step writes one and counts one up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.deadlines import Deadline
from daemon.orders.history import Entry, chain_hash
from daemon.orders.order import NodeStatus, Order, Passage, Proposal, Status
from daemon.orders.transitions import Step
from daemon.storage.tables import (
    HistoryRow,
    MembershipRow,
    PassageRow,
    ProposalRow,
    TimerRow,
    WorkOrderFieldRow,
    WorkOrderRow,
    is_open,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What stays with an order from its creation on."""

    description: str = ""
    module_id: int | None = None
    call_id: int | None = None
    missed_item_id: int | None = None
    previous_id: int | None = None
    flow_version: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


async def lock(session: AsyncSession, order_id: int) -> WorkOrderRow | None:
    """An order that nobody else changes until the commit."""
    return await session.scalar(select(WorkOrderRow).where(WorkOrderRow.id == order_id).with_for_update())


async def of_item(session: AsyncSession, item_id: int) -> WorkOrderRow | None:
    """The order of a missed item, locked."""
    return await session.scalar(select(WorkOrderRow).where(WorkOrderRow.missed_item_id == item_id).with_for_update())


async def strays(session: AsyncSession) -> Sequence[WorkOrderRow]:
    """Open orders, locked, whose owner does not belong to the group where they stand."""
    member = select(MembershipRow.agent_id).where(
        MembershipRow.group_id == WorkOrderRow.group_id, MembershipRow.agent_id == WorkOrderRow.owner_id
    )
    query = select(WorkOrderRow).where(is_open(), WorkOrderRow.owner_id.is_not(None), ~member.exists())
    return (await session.scalars(query.order_by(WorkOrderRow.id).with_for_update(of=WorkOrderRow))).all()


async def read(session: AsyncSession, row: WorkOrderRow) -> Order:
    """The row as the core sees it."""
    passed: Sequence[PassageRow] = ()
    if row.status != Status.NEW:
        query = select(PassageRow).where(PassageRow.order_id == row.id).order_by(PassageRow.n)
        passed = (await session.scalars(query)).all()
    proposal = await session.get(ProposalRow, row.id) if row.node_status == NodeStatus.VERIFY else None
    return Order(
        id=row.id,
        team_id=row.team_id,
        template_id=row.template_id,
        group_id=row.group_id,
        title=row.title,
        status=Status(row.status),
        node_status=NodeStatus(row.node_status),
        owner_id=row.owner_id,
        creator_id=row.creator_id,
        creator_group_id=row.creator_group_id,
        customer_id=row.customer_id,
        cc=row.cc,
        priority=row.priority,
        node_index=row.node_index,
        passed=tuple(Passage(each.group_id, each.agent_id) for each in passed),
        proposal=Proposal(proposal.group_id, proposal.successor) if proposal else None,
        version=row.version,
    )


async def save(session: AsyncSession, row: WorkOrderRow, before: Order, step: Step) -> None:
    """Write an order as it is after a step, and the step's entry."""
    after, at = step.order, step.entry.at
    _write(row, after)
    row.updated_at = max(row.updated_at, at)
    if after.done:
        row.finished_at = at
        await session.execute(delete(TimerRow).where(TimerRow.order_id == row.id))
    await _save_passages(session, before, after)
    if before.proposal != after.proposal:
        await session.execute(delete(ProposalRow).where(ProposalRow.order_id == row.id))
        if after.proposal:
            way = after.proposal
            session.add(ProposalRow(order_id=row.id, group_id=way.group_id, successor=way.successor))
    previous = await session.scalar(
        select(HistoryRow.hash).where(HistoryRow.order_id == row.id, HistoryRow.n == before.version)
    )
    assert previous is not None, f"order {row.id} has no entry {before.version}"
    _append(session, row.id, after.version, step.entry, previous)
    await session.flush()


def _write(row: WorkOrderRow, order: Order) -> None:
    row.title, row.customer_id, row.cc, row.priority = order.title, order.customer_id, order.cc, order.priority
    row.group_id, row.owner_id, row.node_index = order.group_id, order.owner_id, order.node_index
    row.status, row.node_status, row.version = order.status, order.node_status, order.version


async def _save_passages(session: AsyncSession, before: Order, after: Order) -> None:
    kept = 0
    while kept < min(len(before.passed), len(after.passed)) and before.passed[kept] == after.passed[kept]:
        kept += 1
    if kept < len(before.passed):
        await session.execute(delete(PassageRow).where(PassageRow.order_id == after.id, PassageRow.n >= kept))
    for n, each in enumerate(after.passed[kept:], start=kept):
        session.add(PassageRow(order_id=after.id, n=n, group_id=each.group_id, agent_id=each.agent_id))


async def set_deadline(session: AsyncSession, row: WorkOrderRow, deadline: Deadline | None) -> None:
    """The deadline of the node that the order has entered, in place of the one before."""
    if row.due_at is not None:
        await session.execute(delete(TimerRow).where(TimerRow.order_id == row.id))
    row.due_at = deadline.due_at if deadline else None
    if deadline:
        session.add(TimerRow(order_id=row.id, kind="escalate", at=deadline.due_at))
        if deadline.remind_at:
            session.add(TimerRow(order_id=row.id, kind="remind", at=deadline.remind_at))


async def save_fields(session: AsyncSession, order_id: int, values: Mapping[str, str]) -> None:
    """New values of custom fields; "" removes one."""
    await session.execute(
        delete(WorkOrderFieldRow).where(
            WorkOrderFieldRow.order_id == order_id, WorkOrderFieldRow.identity.in_(values.keys())
        )
    )
    kept = [{"order_id": order_id, "identity": name, "value": text} for name, text in values.items() if text]
    if kept:
        await session.execute(insert(WorkOrderFieldRow), kept)


async def read_values(session: AsyncSession, order_id: int) -> dict[str, str]:
    """The values of an order's custom fields."""
    query = select(WorkOrderFieldRow.identity, WorkOrderFieldRow.value).where(WorkOrderFieldRow.order_id == order_id)
    return {row[0]: row[1] for row in await session.execute(query)}


def _append(session: AsyncSession, order_id: int, n: int, entry: Entry, previous: str) -> None:
    """An entry of the history; its number is unique, so two writers can't both append the same."""
    values = entry_values(order_id, n, entry, previous)
    values["from_"], values["to"] = values.pop("from_state"), values.pop("to_state")
    session.add(HistoryRow(**values))


def entry_values(order_id: int, n: int, entry: Entry, previous: str) -> dict[str, Any]:
    """An entry of the history, by the table's columns."""
    return {
        "order_id": order_id,
        "n": n,
        "at": entry.at,
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "actor": entry.actor.name[:80],
        "action": entry.action,
        "from_state": entry.from_,
        "to_state": entry.to,
        "note": entry.note,
        "changes": dict(entry.changes),
        "previous_hash": previous,
        "hash": chain_hash(order_id, n, entry, previous),
    }
