"""What the board shows: who waits now, what became of a day's calls, where the open orders stand. All by an index.

Calls and missed calls are a team's, orders are a group's: whoever asks says of which he sees them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, extract, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import State
from daemon.orders.order import NodeStatus
from daemon.storage.tables import CallRow, MissedCallRow, MissedItemRow, StintRow, WorkOrderRow, is_open

QUARTER: Final = 900  # seconds; every zone's hours begin with one
IN_TIME: Final = 20.0  # seconds within which an answered call counts for the service level
_WITH_AGENT: Final = (State.CONNECTED, State.TALKING)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Callers who wait in a queue now, and since when the first of them does."""

    pbx: str
    queue: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Quarter:
    """Calls that came in a quarter of an hour, and what became of them.

    `talking`: with an agent now. `returned`: missed, and reached since; `owed`: missed, and still to be called back.
    `waited`: seconds until they were answered, summed. `in_time`: answered within IN_TIME. Both are known only of
    calls that are over, as `answered` and `missed` are.
    """

    begins: datetime
    calls: int = 0
    answered: int = 0
    talking: int = 0
    missed: int = 0
    returned: int = 0
    owed: int = 0
    waited: float = 0.0
    in_time: int = 0


@dataclass(frozen=True, slots=True)
class Unreached:
    """Missed callers who must still be called back, and since when the first of them waits for it."""

    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A group's open orders by their status there, and how many of them are late."""

    counts: Mapping[str, int] = field(default_factory=dict)
    late: int = 0


async def waiting_now(session: AsyncSession, teams: Collection[int]) -> Sequence[Waiting]:
    """By queue, the longest wait first."""
    living = CallRow.state != literal_column("'ended'")
    first = func.min(StintRow.joined_at)
    query = (
        select(CallRow.pbx, StintRow.queue, func.count(), first)
        .join(StintRow, StintRow.call_id == CallRow.id)
        .where(living, CallRow.state == State.WAITING, StintRow.left_at.is_(None), CallRow.team_id.in_(teams))
        .group_by(CallRow.pbx, StintRow.queue)
        .order_by(first)
    )
    return [Waiting(*row) for row in await session.execute(query)]


async def quarters(session: AsyncSession, teams: Collection[int], begin: datetime, end: datetime) -> Sequence[Quarter]:
    """The calls that came from `begin` to before `end`; quarters in which none came are not there."""
    call, item = CallRow, MissedItemRow
    bucket = (cast(extract("epoch", call.began_at), BigInteger) // QUARTER).label("bucket")
    answered = call.reason == "answered"
    query = (
        select(
            bucket,
            func.count(),
            _sum(answered),
            _sum(call.state.in_(_WITH_AGENT)),
            _sum(call.missed.expression),
            _sum(item.state == "reached"),
            _sum(item.state == "open"),
            func.coalesce(func.sum(case((answered, call.wait), else_=0.0)), 0.0),
            _sum(answered & (call.wait <= IN_TIME)),
        )
        .select_from(call)
        .outerjoin(MissedCallRow, and_(MissedCallRow.call_id == call.id, call.missed))
        .outerjoin(item, item.id == MissedCallRow.item_id)
        .where(call.team_id.in_(teams), call.began_at >= begin, call.began_at < end)
        .group_by(bucket)
        .order_by(bucket)
    )
    found = await session.execute(query)
    return [Quarter(datetime.fromtimestamp(int(first) * QUARTER, UTC), *rest) for first, *rest in found]


def _sum(condition: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


async def unreached(session: AsyncSession, teams: Collection[int]) -> Unreached:
    """Of these teams."""
    item = MissedItemRow
    query = select(func.count(), func.min(item.last_missed_at)).where(item.team_id.in_(teams), item.state == "open")
    return Unreached(*(await session.execute(query)).one())


async def standings(session: AsyncSession, groups: Collection[int], at: datetime) -> Mapping[int, Standing]:
    """How the open orders of these groups stand, and which are late at that time; groups without any are not there."""
    order = WorkOrderRow
    query = (
        select(order.group_id, order.node_status, func.count(), _sum(order.due_at < at))
        .where(order.group_id.in_(groups), is_open())
        .group_by(order.group_id, order.node_status)
    )
    found: dict[int, Standing] = {}
    for group_id, status, count, late in await session.execute(query):
        so_far = found.get(group_id, Standing())
        found[group_id] = Standing({**so_far.counts, status: count}, so_far.late + late)
    return found


async def late_orders(
    session: AsyncSession, groups: Collection[int], at: datetime, limit: int
) -> Sequence[WorkOrderRow]:
    """Open orders of these groups that were due before that time, the most urgent first."""
    order, key = WorkOrderRow, (WorkOrderRow.due_at, WorkOrderRow.id)
    late = (order.group_id.in_(groups), order.node_status.in_(tuple(NodeStatus)), order.due_at < at, is_open())
    first = select(order.id).where(*late).order_by(*key).limit(limit).subquery()
    return (await session.scalars(select(order).join(first, first.c.id == order.id).order_by(*key))).all()
