"""Work orders: the list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

from aiohttp import web

from daemon.storage import lists
from daemon.storage.lists import OrderFilter, Whose
from daemon.web.cursors import to_cursor
from daemon.web.pages.missed_calls import place
from daemon.web.parts import PARTS, Visit, visit_of
from daemon.web.rendering import page

ROWS: Final = 50

Tab = Literal["open", "finished", "history"]


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/work-orders", show_work_orders)
    router.add_get("/work-orders/rows", show_work_order_rows)


async def show_work_orders(request: web.Request) -> web.Response:
    """The whole page."""
    return page(request, "work_orders.html", **await _list(request))


async def show_work_order_rows(request: web.Request) -> web.Response:
    """The list alone, which an open page asks for on news."""
    return page(request, "work_order_rows.html", **await _list(request))


async def _list(request: web.Request) -> Mapping[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    whose, tab = _whose(request, visit), _tab(request)
    after = place(request)
    wanted = _of_tab(tab, whose, parts.clock() - parts.recently_finished)
    async with parts.store.read() as session:
        found = await lists.work_orders(session, visit.sight, wanted, after, ROWS)
        labels = await lists.labels_of(session, found.rows)
        count = await lists.open_item_count(session, visit.sight)
    asked = {"whose": whose, "tab": tab}
    here = {**asked, **({"cursor": request.query["cursor"]} if after else {})}
    world = parts.world()
    return {
        "tab": tab,
        "whose": whose,
        "orders": found.rows,
        "labels": labels,
        "missed_count": count,
        "rows_address": f"/work-orders/rows?{urlencode(here)}",
        "first_page": after is None,
        "next_address": f"/work-orders?{urlencode({**asked, 'cursor': to_cursor(found.next)})}" if found.next else "",
        "teams": {team.id: team.label for team in world.teams.values()} if visit.sight.team_id is None else {},
        "days": parts.recently_finished.days,
    }


def _tab(request: web.Request) -> Tab:
    match request.query.get("tab"):
        case "finished":
            return "finished"
        case "history":
            return "history"
    return "open"


def _of_tab(tab: Tab, whose: Whose, recently: datetime) -> OrderFilter:
    """Open -> recently finished -> history, once the last change lies before `recently`."""
    match tab:
        case "open":
            return OrderFilter(whose=whose)
        case "finished":
            return OrderFilter(open=False, whose=whose, finished_since=recently)
        case "history":
            return OrderFilter(open=False, whose=whose, finished_before=recently)


def _whose(request: web.Request, visit: Visit) -> Whose:
    """What was asked for; admins, who own nothing, see all, and only who leads a group has its categories."""
    agent = visit.person.agent
    if agent is None:
        return "all"
    match request.query.get("whose"), bool(agent.leads):
        case "mine", _:
            return "mine"
        case "created", _:
            return "created"
        case "groups", _:
            return "groups"
        case "led", True:
            return "led"
        case "created_in_led", True:
            return "created_in_led"
    return "all"
