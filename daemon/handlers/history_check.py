"""Proof that nothing was changed or removed in the histories: chains, counts, replay, serials without gaps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.history import Actor, Entry, first_break, replay
from daemon.storage.engine import Store
from daemon.storage.tables import HistoryRow, TemplateRow, WorkOrderRow

AT_ONCE: Final = 500
REPLAYED: Final = (
    "status",
    "node_status",
    "group_id",
    "owner_id",
    "node_index",
    "title",
    "customer_id",
    "cc",
    "priority",
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was looked at, what is wrong, and a seal over all of it (hex): keep it elsewhere to compare it later.

    The seal is the SHA-256 of every order's id, number of entries and last hash; older orders' part of it never changes
    but by new entries.
    """

    orders: int
    entries: int
    seal: str
    faults: tuple[str, ...]


async def check_history(store: Store) -> Proof:
    """Look at every order; takes about a second for 10,000 of them and never more memory than for 500."""
    seal, faults, orders, entries, after = hashlib.sha256(), [], 0, 0, 0
    async with store.read() as session:
        while batch := await _orders(session, after):
            histories = await _histories(session, batch)
            for row in batch:
                chain = histories.get(row.id, [])
                orders, entries, after = orders + 1, entries + len(chain), row.id
                faults += [f"{row.serial} (id {row.id}): {fault}" for fault in _faults(row, chain)]
                seal.update(f"{row.id}:{len(chain)}:{chain[-1].hash if chain else ''}\n".encode())
            session.expunge_all()
        faults += await _gaps(session)
    return Proof(orders, entries, seal.hexdigest(), tuple(faults))


async def _orders(session: AsyncSession, after: int) -> Sequence[WorkOrderRow]:
    query = select(WorkOrderRow).where(WorkOrderRow.id > after).order_by(WorkOrderRow.id).limit(AT_ONCE)
    return (await session.scalars(query)).all()


async def _histories(session: AsyncSession, batch: Sequence[WorkOrderRow]) -> dict[int, list[HistoryRow]]:
    query = select(HistoryRow).where(HistoryRow.order_id.in_([row.id for row in batch]))
    rows = (await session.scalars(query.order_by(HistoryRow.order_id, HistoryRow.n))).all()
    return {order_id: list(chain) for order_id, chain in groupby(rows, key=lambda row: row.order_id)}


def _faults(row: WorkOrderRow, chain: Sequence[HistoryRow]) -> Iterator[str]:
    broken = first_break(row.id, ((each.n, _entry(each), each.previous_hash, each.hash) for each in chain))
    if broken is not None:
        yield f"entry {broken} was changed, removed or added"
    if len(chain) != row.version:
        yield f"it has {len(chain)} entries and must have {row.version}"
    state = replay(each.changes for each in chain)
    for name in REPLAYED:
        if name in state and state[name] != getattr(row, name):
            yield f"its {name} is {getattr(row, name)!r}, by its history {state[name]!r}"


async def _gaps(session: AsyncSession) -> list[str]:
    query = (
        select(TemplateRow.name, TemplateRow.last_sequence, func.count(WorkOrderRow.id))
        .join(WorkOrderRow, WorkOrderRow.template_id == TemplateRow.id, isouter=True)
        .group_by(TemplateRow.id, TemplateRow.name, TemplateRow.last_sequence)
    )
    return [
        f"template {name}: {last} serials were given out, {count} orders are there"
        for name, last, count in await session.execute(query)
        if last != count
    ]


def _entry(row: HistoryRow) -> Entry:
    actor = Actor(row.actor_kind, row.actor, row.actor_id)  # type: ignore[arg-type]  # a CHECK holds it to these words
    return Entry(row.at, actor, row.action, row.from_, row.to, row.note, row.changes)
