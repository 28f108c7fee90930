"""The board: who waits now, the day's calls by hour, where open orders stand, which are late. `wall=1`: on a wall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from daemon.handlers.world import World
from daemon.orders.template import Group
from daemon.storage import lists, statistics
from daemon.storage.order_lists import OrderFilter, work_orders
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
    return page(request, "board_wall.html" if wanted.wall else "board.html", **await _board(request, wanted))


async def show_content(request: web.Request) -> web.Response:
    """What an open page asks for on news."""
    wanted = _wanted(request)
    name = "board_wall_content.html" if wanted.wall else "board_content.html"
    return page(request, name, **await _board(request, wanted))


def _wanted(request: web.Request) -> Wanted:
    """Raises HTTPBadRequest for what the form never sends."""
    sight, query = visit_of(request).sight, request.query
    today = request.app[PARTS].clock().astimezone(request[LANGUAGE].zone).date()
    try:
        day = date.fromisoformat(query["day"]) if query.get("day") else today
        for days in (-1, 0, 1, 2):
            _begin(day + timedelta(days), request[LANGUAGE].zone)
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest from None
    team = ids([query["team"]])[0] if query.get("team") and sight.team_id is None else None
    return Wanted(day, day == today, team, query.get("wall") == "1")


def _begin(day: date, zone: tzinfo) -> datetime:
    """Raises OverflowError."""
    begin = datetime.combine(day, time(), zone)
    begin.timestamp()
    return begin


async def _board(request: web.Request, wanted: Wanted) -> Mapping[str, Any]:
    parts, sight, zone = request.app[PARTS], visit_of(request).sight, request[LANGUAGE].zone
    begin, end = _begin(wanted.day, zone), _begin(wanted.day + timedelta(days=1), zone)
    world, at = parts.world(), parts.clock()
    late = OrderFilter(late_at=at, sort="due", team_id=wanted.team_id)
    async with parts.store.read() as session:
        waiting = await statistics.waiting_now(session, sight, wanted.team_id)
        quarters = await statistics.quarters(session, sight, begin, end, wanted.team_id)
        unreached = await statistics.unreached(session, sight, wanted.team_id)
        standing = await statistics.open_by_group(session, sight, wanted.team_id)
        orders = (await work_orders(session, sight, late, limit=LATE)).rows
        count = await lists.open_item_count(session, sight)
    hours = by_hour(quarters, zone)
    return {
        "wanted": wanted,
        "yesterday": wanted.day - timedelta(days=1),
        "tomorrow": None if wanted.today else wanted.day + timedelta(days=1),
        "day": day_of(quarters),
        "hours": hours,
        "chart": chart_of(hours),
        "waiting": [(each, _queue(world, each)) for each in waiting],
        "unreached": unreached,
        "rows": _rows(world, sight, standing),
        "late": orders,
        "groups": world.groups,
        "teams": _teams(world, sight),
        "in_time": statistics.IN_TIME,
        "missed_count": count,
    }


def _queue(world: World, waiting: statistics.Waiting) -> str:
    known = world.queue(waiting.pbx, waiting.queue)
    return known.label if known else waiting.queue


def _rows(world: World, sight: Sight, standing: Mapping[int, Mapping[str, int]]) -> Sequence[Row]:
    """Groups with open orders, and his own though they have none; the fullest first."""
    counted: dict[int, Mapping[str, int]] = {id_: {} for id_ in sight.groups} | dict(standing)
    longest = max((sum(counts.values()) for counts in counted.values()), default=0)
    rows = [Row(world.groups[id_], counts, row_of(counts, longest)) for id_, counts in counted.items()]
    return sorted(rows, key=lambda row: (-row.total, row.group.label.casefold()))


def _teams(world: World, sight: Sight) -> Mapping[int, str]:
    """To choose from, for who sees several."""
    return {team.id: team.label for team in world.teams.values()} if sight.team_id is None else {}
