"""What the board shows: who waits now, what became of a day's calls, where the open orders stand. All by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, case, cast, extract, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import State
from daemon.storage.tables import CallRow, MissedCallRow, MissedItemRow, StintRow, WorkOrderRow, is_open
from daemon.storage.visibility import Sight

QUARTER: Final = 900  # seconds; every zone's hours begin with one
IN_TIME: Final = 20.0  # seconds within which an answered call counts for the service level


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

    `returned`: missed, and reached since. `waited`: seconds until they were answered, summed. `in_time`: answered
    within IN_TIME.
    """

    begins: datetime
    calls: int
    answered: int
    missed: int
    returned: int
    waited: float
    in_time: int


@dataclass(frozen=True, slots=True)
class Unreached:
    """Missed callers who must still be called back, and since when the first of them waits for it."""

    count: int
    since: datetime | None


def _of_team(sight: Sight, team_id: int | None, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """What he may see, of one team where one is asked for."""
    teams = {team for team in (sight.team_id, team_id) if team is not None}
    return [column == team for team in sorted(teams)]


async def waiting_now(session: AsyncSession, sight: Sight, team_id: int | None = None) -> Sequence[Waiting]:
    """By queue, the longest wait first."""
    living = CallRow.state != literal_column("'ended'")
    first = func.min(StintRow.joined_at)
    query = (
        select(CallRow.pbx, StintRow.queue, func.count(), first)
        .join(StintRow, StintRow.call_id == CallRow.id)
        .where(living, CallRow.state == State.WAITING, StintRow.left_at.is_(None))
        .where(*_of_team(sight, team_id, CallRow.team_id.expression))
        .group_by(CallRow.pbx, StintRow.queue)
        .order_by(first)
    )
    return [Waiting(*row) for row in await session.execute(query)]


async def quarters(
    session: AsyncSession, sight: Sight, begin: datetime, end: datetime, team_id: int | None = None
) -> Sequence[Quarter]:
    """The calls that came from `begin` to before `end`; quarters in which none came are not there."""
    call = CallRow
    bucket = (cast(extract("epoch", call.began_at), BigInteger) // QUARTER).label("bucket")
    answered = call.reason == "answered"
    query = (
        select(
            bucket,
            func.count(),
            _sum(answered),
            _sum(call.missed.expression),
            _sum(call.missed & (MissedItemRow.state == "reached")),
            func.coalesce(func.sum(case((answered, call.wait), else_=0.0)), 0.0),
            _sum(answered & (call.wait <= IN_TIME)),
        )
        .select_from(call)
        .outerjoin(MissedCallRow, MissedCallRow.call_id == call.id)
        .outerjoin(MissedItemRow, MissedItemRow.id == MissedCallRow.item_id)
        .where(*_of_team(sight, team_id, call.team_id.expression), call.began_at >= begin, call.began_at < end)
        .group_by(bucket)
        .order_by(bucket)
    )
    found = await session.execute(query)
    return [Quarter(datetime.fromtimestamp(int(first) * QUARTER, UTC), *rest) for first, *rest in found]


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


async def unreached(session: AsyncSession, sight: Sight, team_id: int | None = None) -> Unreached:
    """Those of his team, or of the team that is asked for."""
    item = MissedItemRow
    query = select(func.count(), func.min(item.last_missed_at)).where(
        *_of_team(sight, team_id, item.team_id.expression), item.state == "open"
    )
    return Unreached(*(await session.execute(query)).one())


async def open_by_group(
    session: AsyncSession, sight: Sight, team_id: int | None = None
) -> Mapping[int, Mapping[str, int]]:
    """Open orders of each group by their status there; an agent's own groups, an admin's whole team."""
    order = WorkOrderRow
    his = [] if sight.agent_id is None else [order.group_id.in_(sorted(sight.groups) or [0])]
    query = (
        select(order.group_id, order.node_status, func.count())
        .where(*_of_team(sight, team_id, order.team_id.expression), *his, is_open())
        .group_by(order.group_id, order.node_status)
    )
    found: dict[int, dict[str, int]] = {}
    for group_id, status, count in await session.execute(query):
        found.setdefault(group_id, {})[status] = count
    return found
