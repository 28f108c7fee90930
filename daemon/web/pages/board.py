"""The board: who waits now, the day's calls by hour, where open orders stand, which are late. `wall=1`: on a wall."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.world import World
from daemon.orders.template import Group
from daemon.storage import lists, statistics
from daemon.storage.visibility import Sight
from daemon.web.forms import ids
from daemon.web.pages.board_charts import Part, by_hour, chart_of, day_of, row_of
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page

LATE: Final = 10  # orders that are named


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which day of which team (None: of all that he sees), and whether it hangs on a wall."""

    day: date
    today: bool
    team_id: int | None
    wall: bool

    @property
    def address(self) -> str:
        """The same again; a board of today is one of tomorrow, tomorrow."""
        asked = {"day": "" if self.today else self.day.isoformat(), "team": self.team_id, "wall": int(self.wall)}
        return urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class Row:
    """A group's open orders."""

    group: Group
    counts: Mapping[str, int]
    late: int
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/board", show_board)
    router.add_get("/board/content", show_content)


async def show_board(request: web.Request) -> web.Response:
    """The whole page."""
    wanted = _wanted(request)
    if wanted.wall:
        return page(request, "board_wall.html", **await _board(request, wanted), missed_count=0)
    board = await _board(request, wanted)
    async with request.app[PARTS].store.read() as session:
        count = await lists.open_item_count(session, visit_of(request).sight)
    return page(request, "board.html", **board, **_choice(request, wanted), missed_count=count)


async def show_content(request: web.Request) -> web.Response:
    """What an open page asks for on news."""
    wanted = _wanted(request)
    name = "board_wall_content.html" if wanted.wall else "board_content.html"
    return page(request, name, **await _board(request, wanted))


def _wanted(request: web.Request) -> Wanted:
    """Raises HTTPBadRequest for what the form never sends."""
    sight, query = visit_of(request).sight, request.query
    wall = query.get("wall") == "1"  # always of today
    today = request.app[PARTS].clock().astimezone(request[LANGUAGE].zone).date()
    try:
        day = date.fromisoformat(query["day"]) if query.get("day") and not wall else today
        for days in (-1, 0, 1, 2):
            _begin(day + timedelta(days), request[LANGUAGE].zone)
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest from None
    team = ids([query["team"]])[0] if query.get("team") and sight.team_id is None else None
    return Wanted(day, day == today, team, wall)


def _begin(day: date, zone: tzinfo) -> datetime:
    """Raises OverflowError."""
    begin = datetime.combine(day, time(), zone)
    begin.timestamp()
    return begin


def _choice(request: web.Request, wanted: Wanted) -> Mapping[str, Any]:
    """What else may be looked at."""
    sight, world = visit_of(request).sight, request.app[PARTS].world()
    return {
        "yesterday": wanted.day - timedelta(days=1),
        "tomorrow": None if wanted.today else wanted.day + timedelta(days=1),
        "teams": {id_: team.label for id_, team in world.teams.items()} if sight.team_id is None else {},
    }


async def _board(request: web.Request, wanted: Wanted) -> Mapping[str, Any]:
    """What a board shows; one of another day has nothing of now."""
    parts, sight, zone = request.app[PARTS], visit_of(request).sight, request[LANGUAGE].zone
    begin, end = _begin(wanted.day, zone), _begin(wanted.day + timedelta(days=1), zone)
    world = parts.world()
    teams = _teams(world, sight, wanted.team_id)
    async with parts.store.read() as session:
        quarters = await statistics.quarters(session, teams, begin, end)
        now = await _now(session, world, teams, _groups(world, sight, teams), parts.clock()) if wanted.today else {}
    hours = by_hour(quarters, zone)
    return {
        "wanted": wanted,
        "day": day_of(quarters),
        "hours": hours,
        "chart": chart_of(hours),
        "in_time": statistics.IN_TIME,
        **now,
    }


async def _now(
    session: AsyncSession, world: World, teams: Collection[int], groups: Collection[int], at: datetime
) -> Mapping[str, Any]:
    standings = await statistics.standings(session, groups, at)
    late = sum(standing.late for standing in standings.values())
    waiting = await statistics.waiting_now(session, teams)
    return {
        "waiting": [(each, _queue(world, each)) for each in waiting],
        "unreached": await statistics.unreached(session, teams),
        "rows": _rows(world, groups, standings),
        "late_count": late,
        "late": await statistics.late_orders(session, groups, at, LATE) if late else (),
        "groups": world.groups,
    }


def _teams(world: World, sight: Sight, team_id: int | None) -> Collection[int]:
    """Whose calls are shown."""
    chosen = sight.team_id if team_id is None else team_id
    return list(world.teams) if chosen is None else [chosen]


def _groups(world: World, sight: Sight, teams: Collection[int]) -> Collection[int]:
    """Whose orders are shown: an agent's own groups', an admin's whole team's."""
    if sight.agent_id is not None:
        return sorted(sight.groups)
    return [group.id for group in world.groups.values() if group.team_id in teams]


def _queue(world: World, waiting: statistics.Waiting) -> str:
    known = world.queue(waiting.pbx, waiting.queue)
    return known.label if known else waiting.queue


def _rows(world: World, groups: Collection[int], standings: Mapping[int, statistics.Standing]) -> Sequence[Row]:
    """Those that there are, and those that left with orders in them; the fullest first."""
    none = statistics.Standing()
    shown = [world.groups[id_] for id_ in groups if id_ in standings or world.groups[id_].active]
    longest = max((sum(standing.counts.values()) for standing in standings.values()), default=0)
    rows = []
    for group in shown:
        standing = standings.get(group.id, none)
        rows.append(Row(group, standing.counts, standing.late, row_of(standing.counts, longest)))
    return sorted(rows, key=lambda row: (-row.total, row.group.label.casefold()))
