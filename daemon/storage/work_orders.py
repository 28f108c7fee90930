"""Work orders and their history: written together, always."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.history import START, Actor, Entry, chain_hash
from daemon.orders.order import NodeStatus, Order, Status, serial
from daemon.storage.tables import HistoryRow, TemplateRow, WorkOrderRow


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What an order is made of; ids are rows'."""

    team_id: int
    template_id: int
    title: str
    description: str
    group_id: int
    node_index: int | None
    priority: int
    cc: str = ""
    call_id: int | None = None
    missed_item_id: int | None = None
    module_id: int | None = None
    creator_id: int | None = None
    creator_group_id: int | None = None
    owner_id: int | None = None


async def create(session: AsyncSession, new: NewOrder, actor: Actor, at: datetime) -> WorkOrderRow:
    """A new order with its serial and the first entry of its history.

    The template's row is locked until the commit: serials have no gaps and no duplicates. Raises IntegrityError when
    the missed item has an order already.
    """
    sequence = await session.scalar(
        update(TemplateRow)
        .where(TemplateRow.id == new.template_id)
        .values(last_sequence=TemplateRow.last_sequence + 1)
        .returning(TemplateRow.last_sequence)
    )
    assert sequence is not None, f"template {new.template_id} has no row"
    row = WorkOrderRow(
        team_id=new.team_id,
        template_id=new.template_id,
        sequence=sequence,
        serial=serial(new.template_id, sequence),
        title=new.title,
        description=new.description,
        group_id=new.group_id,
        node_index=new.node_index,
        priority=new.priority,
        cc=new.cc,
        call_id=new.call_id,
        missed_item_id=new.missed_item_id,
        module_id=new.module_id,
        creator_id=new.creator_id,
        creator_group_id=new.creator_group_id,
        owner_id=new.owner_id,
        status=Status.NEW,
        node_status=NodeStatus.NEW,
        version=1,
        created_at=at,
        updated_at=at,
    )
    session.add(row)
    await session.flush()
    await trace(session, row.id, Entry(at, actor, "create", "", Status.NEW, new.title))
    return row


async def trace(session: AsyncSession, order_id: int, entry: Entry) -> None:
    """Append an entry to an order's history; its number is unique, so two writers can't both append the same."""
    last = await session.scalar(
        select(HistoryRow).where(HistoryRow.order_id == order_id).order_by(HistoryRow.n.desc()).limit(1)
    )
    n, previous = (last.n + 1, last.hash) if last else (1, START)
    session.add(
        HistoryRow(
            order_id=order_id,
            n=n,
            at=entry.at,
            actor_kind=entry.actor.kind,
            actor_id=entry.actor.id,
            actor=entry.actor.name[:80],
            action=entry.action,
            from_=entry.from_,
            to=entry.to,
            note=entry.note,
            changes=dict(entry.changes),
            previous_hash=previous,
            hash=chain_hash(order_id, n, entry, previous),
        )
    )
    await session.flush()


async def of_item(session: AsyncSession, item_id: int) -> WorkOrderRow | None:
    """The order of a missed item, locked."""
    return await session.scalar(select(WorkOrderRow).where(WorkOrderRow.missed_item_id == item_id).with_for_update())


def read(row: WorkOrderRow) -> Order:
    """The row as the core sees it."""
    return Order(row.id, Status(row.status), NodeStatus(row.node_status), row.owner_id, row.version)


async def finish(session: AsyncSession, row: WorkOrderRow, entry: Entry) -> None:
    """The order is done."""
    row.status, row.finished_at, row.updated_at = Status.DONE, entry.at, entry.at
    row.version += 1
    await trace(session, row.id, entry)


async def note(session: AsyncSession, row: WorkOrderRow, entry: Entry) -> None:
    """A note in the history of an open order."""
    row.updated_at = max(row.updated_at, entry.at)
    row.version += 1
    await trace(session, row.id, entry)
