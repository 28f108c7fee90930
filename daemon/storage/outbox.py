"""What must leave the house: parcels are added in the transaction of the business, and taken by `outbox/worker.py`.

    waiting ──> delivered          it is there
       │ ├────> parked             tried often enough, or refused: somebody must look at it
       │ └────> discarded          somebody said that it need not go
       └ while `holder` is set it is under way, until `next_at`: then whoever held it is taken for dead

`redeliver` makes any of them wait again, under the same message id. Parcels of one line (such as `order:12`) and
endpoint go one after the other, in the order in which they were added; only those that wait stand in the line: one
that is parked lets the later ones pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from sqlalchemy import (
    ColumnElement,
    String,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from daemon.storage.tables import OutboxRow, UtcDateTime

Channel = Literal["mail", "webhook"]
State = Literal["waiting", "delivered", "parked", "discarded"]
STATES: Final[tuple[State, ...]] = ("waiting", "delivered", "parked", "discarded")
KEPT_TEXT: Final = 2000  # characters of an answer
SWEPT_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Parcel:
    """Something to deliver. `endpoint`: whose trouble it shares. `line`: within which order is kept; "": none.

    `message_id` says what it is, wherever it comes twice: see `message_id`. `payload`: what the deliverer needs.
    """

    team_id: int
    channel: Channel
    endpoint: str
    line: str
    message_id: str
    event: str
    version: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """A parcel that is under way; `attempts` before this one."""

    id: int
    parcel: Parcel
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt. `next_at` is there exactly while it waits."""

    id: int
    state: State
    code: str
    answer: str
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint for which parcels wait. `next_at`: when something will be due that is not yet."""

    endpoint: str
    due: bool
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How much of a channel waits or is parked, and since when the oldest waits."""

    channel: str
    state: str
    count: int
    oldest: datetime | None


def message_id(*facts: object) -> str:
    """The id of a message, the same for the same facts: name the endpoint, what happened to what, and when."""
    return "msg_" + hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:32]


# --- in ----------------------------------------------------------------------------------------------------------


_TABLE: Final = cast(Table, OutboxRow.__table__)
_ADD: Final = {
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_TABLE).on_conflict_do_nothing(),
}


async def add(session: AsyncSession, parcels: Sequence[Parcel], at: datetime) -> None:
    """Add parcels within a transaction of the business; a message id that is there already is not added again."""
    if not parcels:
        return
    connection = await session.connection()
    await connection.execute(_ADD[connection.dialect.name], [_values(parcel, at) for parcel in parcels])


def _values(parcel: Parcel, at: datetime) -> dict[str, Any]:
    return {
        "team_id": parcel.team_id,
        "channel": parcel.channel,
        "endpoint": parcel.endpoint,
        "line": parcel.line,
        "message_id": parcel.message_id,
        "event": parcel.event,
        "version": parcel.version,
        "payload": dict(parcel.payload),
        "state": "waiting",
        "attempts": 0,
        "code": "",
        "answer": "",
        "created_at": at,
        "next_at": at,
    }


# --- out ---------------------------------------------------------------------------------------------------------

# Endpoints are few and parcels many: each is found by one look into the index, never by reading all that waits.
_STANDING: Final = (
    text("""
WITH RECURSIVE place(endpoint) AS (
    SELECT min(endpoint) FROM outbox WHERE state = 'waiting' AND channel = :channel
    UNION ALL
    SELECT (SELECT min(o.endpoint) FROM outbox o
            WHERE o.state = 'waiting' AND o.channel = :channel AND o.endpoint > place.endpoint)
    FROM place WHERE place.endpoint IS NOT NULL
)
SELECT endpoint,
       (SELECT min(o.next_at) FROM outbox o
        WHERE o.state = 'waiting' AND o.channel = :channel AND o.endpoint = place.endpoint) AS first,
       (SELECT min(o.next_at) FROM outbox o
        WHERE o.state = 'waiting' AND o.channel = :channel AND o.endpoint = place.endpoint AND o.next_at > :at) AS later
FROM place WHERE endpoint IS NOT NULL
""")
    .bindparams(bindparam("channel", type_=String()), bindparam("at", type_=UtcDateTime()))
    .columns(endpoint=String(), first=UtcDateTime(), later=UtcDateTime())
)


async def standings(connection: AsyncConnection, channel: Channel, at: datetime) -> list[Standing]:
    """The endpoints of a channel for which something waits."""
    rows = await connection.execute(_STANDING, {"channel": channel, "at": at})
    return [Standing(endpoint, first <= at, later) for endpoint, first, later in rows]


async def take(
    session: AsyncSession, channel: Channel, endpoint: str, limit: int, holder: str, at: datetime, until: datetime
) -> list[Taken]:
    """Parcels that are due, the first of each line, for this holder until then. What others are taking is left."""
    older = aliased(OutboxRow)
    behind = exists().where(
        older.state == "waiting",
        older.channel == OutboxRow.channel,
        older.endpoint == OutboxRow.endpoint,
        older.line == OutboxRow.line,
        older.line != "",
        older.id < OutboxRow.id,
    )
    query = (
        select(OutboxRow)
        .where(*_waits(channel, endpoint), OutboxRow.next_at <= at, or_(OutboxRow.line == "", ~behind))
        .order_by(OutboxRow.next_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxRow)
    )
    rows = (await session.scalars(query)).all()
    if rows:
        ids = [row.id for row in rows]
        held = update(OutboxRow).where(OutboxRow.id.in_(ids)).values(holder=holder, next_at=until)
        await session.execute(held.execution_options(synchronize_session=False))
    return [Taken(row.id, _parcel(row), row.attempts, row.created_at) for row in rows]


def _waits(channel: str, endpoint: str) -> tuple[ColumnElement[bool], ...]:
    return OutboxRow.state == "waiting", OutboxRow.channel == channel, OutboxRow.endpoint == endpoint


def _parcel(row: OutboxRow) -> Parcel:
    return Parcel(
        row.team_id,
        "mail" if row.channel == "mail" else "webhook",
        row.endpoint,
        row.line,
        row.message_id,
        row.event,
        row.version,
        row.payload,
    )


async def settle(session: AsyncSession, settled: Collection[Settled], holder: str, at: datetime) -> None:
    """Write what came of attempts. Another holder's parcel is left alone, unless it is delivered."""
    for each in settled:
        where = [OutboxRow.id == each.id, OutboxRow.state == "waiting"]
        if each.state != "delivered":
            where.append(OutboxRow.holder == holder)
        values = {
            "state": each.state,
            "next_at": each.next_at,
            "ended_at": None if each.next_at else at,
            "holder": None,
            "attempts": OutboxRow.attempts + 1,
            "tried_at": at,
            "code": each.code[:40],
            "answer": each.answer[:KEPT_TEXT].replace("\x00", "�"),
        }
        await _update(session, where, values)
        if each.next_at is not None:
            await _wait_behind(session, each.id, each.next_at)


async def _wait_behind(session: AsyncSession, id_: int, until: datetime) -> None:
    """Those behind it in its line are not looked at before it is."""
    head = select(OutboxRow.channel, OutboxRow.endpoint, OutboxRow.line).where(
        OutboxRow.id == id_, OutboxRow.line != ""
    )
    where = [
        OutboxRow.state == "waiting",
        tuple_(OutboxRow.channel, OutboxRow.endpoint, OutboxRow.line).in_(head),
        OutboxRow.id > id_,
        OutboxRow.next_at < until,
        OutboxRow.holder.is_(None),
    ]
    await _update(session, where, {"next_at": until})


async def keep(session: AsyncSession, ids: Collection[int], holder: str, until: datetime) -> None:
    """They are still under way."""
    where = [OutboxRow.id.in_(ids), OutboxRow.state == "waiting", OutboxRow.holder == holder]
    await _update(session, where, {"next_at": until})


async def release(session: AsyncSession, holder: str | None, at: datetime) -> None:
    """Nothing of this holder is under way any more; None: of nobody, where there is no other process."""
    mine = OutboxRow.holder == holder if holder is not None else OutboxRow.holder.is_not(None)
    await _update(session, [OutboxRow.state == "waiting", mine], {"holder": None, "next_at": at})


async def _update(session: AsyncSession, where: Sequence[ColumnElement[bool]], values: Mapping[str, Any]) -> None:
    await session.execute(update(OutboxRow).where(*where).values(values).execution_options(synchronize_session=False))


# --- people ------------------------------------------------------------------------------------------------------


async def redeliver(session: AsyncSession, row: OutboxRow, at: datetime) -> None:
    """Let it wait again, from now on, as if it had never been tried; one that is under way is left to that."""
    if row.holder is None:
        row.state, row.next_at, row.ended_at, row.attempts = "waiting", at, None, 0
        await session.flush()
        await _hurry_behind(session, row, at)


async def discard(session: AsyncSession, row: OutboxRow, at: datetime) -> None:
    """It need not go. One that is under way may still arrive."""
    row.state, row.next_at, row.ended_at, row.holder = "discarded", None, at, None
    await session.flush()
    await _hurry_behind(session, row, at)


async def _hurry_behind(session: AsyncSession, row: OutboxRow, at: datetime) -> None:
    """Those that waited behind it need not wait until it would have been tried again."""
    behind = [*_waits(row.channel, row.endpoint), OutboxRow.line == row.line, OutboxRow.id > row.id]
    await _update(session, [*behind, OutboxRow.line != "", OutboxRow.holder.is_(None)], {"next_at": at})


# --- looking -----------------------------------------------------------------------------------------------------


async def listed(
    session: AsyncSession,
    team_ids: Sequence[int],
    states: Sequence[State],
    endpoint: str | None,
    before_id: int | None,
    limit: int,
) -> Sequence[OutboxRow]:
    """Parcels of these teams in these states, the latest first. Each team and state is a walk in an index."""
    found: list[OutboxRow] = []
    for team_id in team_ids:
        for state in states:
            query = select(OutboxRow).where(OutboxRow.team_id == team_id, OutboxRow.state == state)
            if endpoint is not None:
                query = query.where(OutboxRow.endpoint == endpoint)
            if before_id is not None:
                query = query.where(OutboxRow.id < before_id)
            found += (await session.scalars(query.order_by(OutboxRow.id.desc()).limit(limit))).all()
    return sorted(found, key=lambda row: row.id, reverse=True)[:limit]


async def lock(session: AsyncSession, id_: int) -> OutboxRow | None:
    """A parcel that nobody else changes until the commit."""
    return await session.scalar(select(OutboxRow).where(OutboxRow.id == id_).with_for_update())


async def depths(session: AsyncSession) -> list[Depth]:
    """How much waits and is parked, by channel."""
    query = select(OutboxRow.channel, OutboxRow.state, func.count(), func.min(OutboxRow.created_at))
    query = query.where(OutboxRow.state.in_(("waiting", "parked"))).group_by(OutboxRow.channel, OutboxRow.state)
    return [Depth(*row) for row in await session.execute(query)]


# --- in the end --------------------------------------------------------------------------------------------------


async def forget(session: AsyncSession, before: datetime) -> int:
    """Remove some that ended before then, parked ones too; how many."""
    old = select(OutboxRow.id).where(and_(OutboxRow.ended_at.is_not(None), OutboxRow.ended_at < before))
    old = old.order_by(OutboxRow.ended_at).limit(SWEPT_AT_ONCE).with_for_update(skip_locked=True)
    gone = await session.execute(
        delete(OutboxRow)
        .where(OutboxRow.id.in_(old))
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
