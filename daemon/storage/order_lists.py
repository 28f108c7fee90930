"""Lists of work orders: whose, in which state, by which filters, in which order; each page found by walks of indexes.

What somebody may see is a union (his own, those he made, those of his groups), which no index gives in order: each part
is a walk of its own, and the page is their merge. A filter that names somebody or something walks that one's index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from daemon.storage.paging import EFFORT, Merge, Page, Place, Walk
from daemon.storage.tables import TeamRow, WorkOrderRow, is_done, is_open
from daemon.storage.visibility import Sight

Whose = Literal["mine", "created", "groups", "led", "created_in_led", "all"]
Sort = Literal["updated", "created", "due"]

_Column = InstrumentedAttribute[int] | InstrumentedAttribute[int | None]

_KEYS: Final[dict[Sort, tuple[ColumnElement[Any], ...]]] = {
    "updated": (WorkOrderRow.updated_at.expression, WorkOrderRow.id.expression),
    "created": (WorkOrderRow.created_at.expression, WorkOrderRow.id.expression),
    "due": (WorkOrderRow.due_at.expression, WorkOrderRow.id.expression),
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders, of those that somebody sees; None: whatever it is. All spans are from (included) to (not included).

    open: True those to be done, False those that are done. finished_*: when, which is their last change.
    whose: he owns them; he created them; they stand in groups that he belongs to, that he leads; they were created in
    groups that he leads. late_at: open, and due before this time. team_id: for those who see every team.
    sort: `updated` and `created` the latest first; `due` open orders that have a due time, the most urgent first.
    """

    open: bool | None = True
    finished_since: datetime | None = None
    whose: Whose = "all"
    template_id: int | None = None
    group_id: int | None = None
    finished_before: datetime | None = None
    status: str | None = None
    node_status: str | None = None
    owner_id: int | None = None
    unowned: bool = False
    creator_id: int | None = None
    customer_id: int | None = None
    priority: int | None = None
    late_at: datetime | None = None
    created_since: datetime | None = None
    created_before: datetime | None = None
    team_id: int | None = None
    sort: Sort = "updated"


async def work_orders(
    session: AsyncSession,
    sight: Sight,
    wanted: OrderFilter,
    after: Place | None = None,
    limit: int = 50,
    effort: int = EFFORT,
) -> Page[WorkOrderRow]:
    """Some orders from a place on. The page may be shorter than `limit` though there are more: `next` tells."""
    teams = await teams_of(session, sight, wanted.team_id)
    rows, end = await _merge(sight, wanted, teams, effort).read(session, (after.at, after.id) if after else None, limit)
    return Page(rows, Place(*end) if end else None)


async def teams_of(session: AsyncSession, sight: Sight, team_id: int | None = None) -> Sequence[int]:
    """The teams whose orders are asked for; `team_id` None: all that he sees."""
    if sight.team_id is not None:
        return (sight.team_id,) if team_id in {None, sight.team_id} else ()
    return (team_id,) if team_id is not None else (await session.scalars(select(TeamRow.id))).all()


def filters(sight: Sight, wanted: OrderFilter) -> dict[str, ColumnElement[bool]]:
    """What must hold for an order of the list beside its team, by what it is about."""
    order = WorkOrderRow
    equal: dict[str, tuple[InstrumentedAttribute[Any], object]] = {
        "template": (order.template_id, wanted.template_id),
        "group": (order.group_id, wanted.group_id),
        "owner": (order.owner_id, wanted.owner_id),
        "creator": (order.creator_id, wanted.creator_id),
        "customer": (order.customer_id, wanted.customer_id),
        "status": (order.status, wanted.status),
        "node_status": (order.node_status, wanted.node_status),
        "priority": (order.priority, wanted.priority),
    }
    found = {name: column == value for name, (column, value) in equal.items() if value is not None}
    if sight.agent_id is not None:
        found["sight"] = sight.of_order()
    if wanted.whose != "all":
        column, ids = _whose(sight, wanted.whose)
        found["whose"] = column.in_(sorted(ids))
    if wanted.unowned:
        found["unowned"] = order.owner_id.is_(None)
    if wanted.late_at is not None:
        found["late"] = (order.due_at < wanted.late_at) & is_open()
    if wanted.open is not None:
        found["state"] = is_open() if wanted.open else is_done()
    return found | _spans(wanted)


def _spans(wanted: OrderFilter) -> dict[str, ColumnElement[bool]]:
    created, updated = WorkOrderRow.created_at, WorkOrderRow.updated_at
    limits = {
        "created_since": (wanted.created_since, created.__ge__),
        "created_before": (wanted.created_before, created.__lt__),
        "finished_since": (wanted.finished_since, updated.__ge__),
        "finished_before": (wanted.finished_before, updated.__lt__),
    }
    found = {name: compare(at) for name, (at, compare) in limits.items() if at is not None}
    return found if wanted.open is False else {n: each for n, each in found.items() if not n.startswith("finished")}


def _whose(sight: Sight, whose: Whose) -> tuple[_Column, Collection[int]]:
    him = set() if sight.agent_id is None else {sight.agent_id}
    parts: dict[Whose, tuple[_Column, Collection[int]]] = {
        "mine": (WorkOrderRow.owner_id, him),
        "created": (WorkOrderRow.creator_id, him),
        "groups": (WorkOrderRow.group_id, sight.groups),
        "led": (WorkOrderRow.group_id, sight.leads),
        "created_in_led": (WorkOrderRow.creator_group_id, sight.leads),
    }
    return parts[whose]


def _merge(sight: Sight, wanted: OrderFilter, teams: Sequence[int], effort: int) -> Merge:
    """The walks of a list, and what they leave to be looked at."""
    key = _KEYS[wanted.sort]
    if not teams:
        return Merge((), key)
    if wanted.sort == "updated":
        walks, known = _by_change(sight, wanted, teams)
    else:
        walks, known = _by_team(wanted, teams)
    left = [condition for name, condition in filters(sight, wanted).items() if name not in known]
    return Merge(walks, key, left, [WorkOrderRow.team_id.in_(teams)], effort)


def _by_change(sight: Sight, wanted: OrderFilter, teams: Sequence[int]) -> tuple[list[Walk], set[str]]:
    """Walks by the last change, and which filters they have fulfilled."""
    key, spans = _KEYS["updated"], _spans(wanted)
    starts, known = _starts(sight, wanted, teams)
    ends = [spans["finished_since"]] if "finished_since" in spans else []
    if wanted.created_since is not None:  # no order changes before it is created
        ends.append(WorkOrderRow.updated_at >= wanted.created_since)
    until = wanted.finished_before if "finished_before" in spans else None
    known |= {"finished_since", "finished_before"} & spans.keys()
    if "customer" in known:
        return [Walk(key, (start, *ends), until=until) for start in starts], known
    walks = [Walk(key, (start, state, *ends), until=until) for start in starts for state in _states(wanted)]
    return walks, known | {"state"}


def _starts(sight: Sight, wanted: OrderFilter, teams: Sequence[int]) -> tuple[list[ColumnElement[bool]], set[str]]:
    """Where walks by the last change begin, and which filters they have fulfilled."""
    order = WorkOrderRow
    admin = sight.agent_id is None
    if wanted.customer_id is not None:
        return [order.customer_id == wanted.customer_id], {"customer"}
    if wanted.owner_id is not None:
        return [order.owner_id == wanted.owner_id], {"owner"}
    if wanted.creator_id is not None and wanted.whose != "mine":
        return [order.creator_id == wanted.creator_id], {"creator"}
    if wanted.group_id is not None and wanted.whose == "all" and (admin or wanted.group_id in sight.groups):
        return [order.group_id == wanted.group_id], {"group", "sight"}
    if wanted.whose != "all":
        column, ids = _whose(sight, wanted.whose)
        if wanted.group_id is not None and column is order.group_id:
            ids = {wanted.group_id}.intersection(ids)
        return [column == id_ for id_ in sorted(ids)], {"whose", "sight"}
    if not admin:
        parts = [_whose(sight, each) for each in ("mine", "created", "groups", "created_in_led")]
        return [column == id_ for column, ids in parts for id_ in sorted(ids)], {"sight"}
    if wanted.template_id is not None:
        return [order.template_id == wanted.template_id], {"template"}
    return [order.team_id == team for team in teams], set()


def _states(wanted: OrderFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.open is not False:
        yield is_open()
    if wanted.open is not True:
        yield is_done()


def _by_team(wanted: OrderFilter, teams: Sequence[int]) -> tuple[list[Walk], set[str]]:
    """Walks by creation or by due time."""
    order, key, spans = WorkOrderRow, _KEYS[wanted.sort], _spans(wanted)
    if wanted.sort == "created":
        since = [spans["created_since"]] if "created_since" in spans else []
        walks = [Walk(key, (order.team_id == team, *since), until=wanted.created_before) for team in teams]
        return walks, {"created_since", "created_before"}
    due = order.due_at < (wanted.late_at or datetime.max.replace(tzinfo=UTC))
    walks = [Walk(key, (order.team_id == team, is_open(), due), ascending=True) for team in teams]
    return walks, {"late", "state"} if wanted.open is not False else {"late"}
