"""My work orders: whose, in which state, narrowed by words and filters; and where an agent's day begins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.assigning import refusals
from daemon.handlers.labels import labels_of
from daemon.handlers.world import World
from daemon.storage import lists, order_log
from daemon.storage.lists import OrderFilter, Whose
from daemon.storage.order_log import Party
from daemon.storage.paging import Page, Place
from daemon.storage.tables import WorkOrderRow
from daemon.storage.visibility import Sight
from daemon.web.cursors import to_cursor
from daemon.web.pages.missed_calls import place
from daemon.web.pages.order_query import OrderQuery, chips, choices, find_orders, read_order_query
from daemon.web.parts import LANGUAGE, PARTS, Visit, visit_of
from daemon.web.rendering import page

MOST_NEW: Final = 20
"""So many changed orders are counted for who reads an older page."""

Tab = Literal["open", "finished", "history"]


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/work-orders", show_work_orders)
    router.add_get("/work-orders/rows", show_work_order_rows)


async def home_of(request: web.Request) -> str:
    """Where somebody begins: at his unfinished orders if he has any, else at the missed calls."""
    visit = visit_of(request)
    if visit.person.agent is None:
        return "/missed-calls"
    async with request.app[PARTS].store.read() as session:
        mine = await order_log.count_open(session, visit.sight, ["mine"])
    return "/work-orders?whose=mine" if mine["mine"] else "/missed-calls"


async def show_work_orders(request: web.Request) -> web.Response:
    """The whole page."""
    async with request.app[PARTS].store.read() as session:
        shown = {**await _list(request, session), **await _head(request, session)}
    return page(request, "work_orders.html", **shown)


async def show_work_order_rows(request: web.Request) -> web.Response:
    """The list alone, which an open page asks for on news."""
    async with request.app[PARTS].store.read() as session:
        shown = await _list(request, session)
    return page(request, "work_order_rows.html", **shown)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list. `node`: where in its flow, as (which, of how many); `may_assign`: he may give it away now."""

    order: WorkOrderRow
    party: Party | None
    node: tuple[int, int] | None
    late: bool
    may_assign: bool


def lines(
    world: World,
    orders: Collection[WorkOrderRow],
    parties: Mapping[int, Party],
    now: datetime,
    refused: Collection[int] | None = None,
) -> Sequence[Line]:
    """Orders as the lists show them. `refused`: those that he may not assign; None: none of them."""
    return [
        Line(
            order,
            parties.get(order.id),
            _node(world, order),
            order.status != "done" and order.due_at is not None and order.due_at < now,
            refused is not None and order.id not in refused,
        )
        for order in orders
    ]


def _node(world: World, order: WorkOrderRow) -> tuple[int, int] | None:
    if order.node_index is None:
        return None
    many = len(world.template(order.template_id, order.flow_version).flow)
    return min(order.node_index + 1, many), many


async def _list(request: web.Request, session: AsyncSession) -> Mapping[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    whose, tab, asked, after = _whose(request, visit), _tab(request), read_order_query(request), place(request)
    now, world = parts.clock(), parts.world()
    wanted = asked.narrow(_of_tab(tab, whose, now - parts.recently_finished), now, request[LANGUAGE].zone)
    found = await find_orders(session, visit, world, asked, wanted, after, asked.rows)
    leads = tab == "open" and visit.person.agent is not None and bool(visit.person.agent.leads)
    refused = await refusals(session, world, visit.person, found.rows) if leads else None
    kept = {"whose": whose, "tab": tab}
    return {
        "tab": tab,
        "whose": whose,
        "asked": asked,
        "by_due": wanted.sort == "due",
        "lines": lines(world, found.rows, await order_log.parties_of(session, found.rows), now, refused),
        "leads": leads,
        "labels": await labels_of(session, world, found.rows),
        "rows_address": f"/work-orders/rows?{_query(request, kept, asked, after, now)}",
        "first_page": after is None,
        "first_address": f"/work-orders?{urlencode([*kept.items(), *asked.pairs()])}",
        "next_address": _next(kept, asked, found, now),
        "changed": await _changed(session, request, visit, world, asked, wanted) if after else 0,
        "most_new": MOST_NEW,
        "teams": _teams(world, visit.sight),
        "days": parts.recently_finished.days,
    }


async def _head(request: web.Request, session: AsyncSession) -> Mapping[str, Any]:
    """What of the page news do not change: who can be chosen; and how much there is, as it was when it was opened."""
    parts, visit = request.app[PARTS], visit_of(request)
    world, whose, asked = parts.world(), _whose(request, visit), read_order_query(request)
    offered = choices(world, visit.sight, asked)
    kept = {"whose": whose, "tab": _tab(request)}
    kinds = _kinds(visit)
    since = parts.clock() - parts.recently_finished
    counts = await order_log.count_open(session, visit.sight, dict.fromkeys([*kinds, whose]))
    finished = await order_log.count_finished(session, visit.sight, whose, since)
    return {
        "kinds": kinds,
        "counts": counts,
        "tab_counts": {"open": counts[whose], "finished": finished},
        "most_counted": order_log.MOST_COUNTED,
        "offered": offered,
        "chips": chips(asked, offered, "/work-orders", kept),
        "missed_count": await lists.open_item_count(session, visit.sight),
        "notice": request.query.get("notice", ""),
    }


def _query(request: web.Request, kept: Mapping[str, str], asked: OrderQuery, after: Place | None, now: datetime) -> str:
    pairs = [*kept.items(), *asked.pairs()]
    if after:
        opened = request.query.get("opened") or _stamp(now)
        pairs += [("cursor", request.query["cursor"]), ("opened", opened)]
    return urlencode(pairs)


def _next(kept: Mapping[str, str], asked: OrderQuery, found: Page[WorkOrderRow], now: datetime) -> str:
    if found.next is None:
        return ""
    pairs = [*kept.items(), *asked.pairs(), ("cursor", to_cursor(found.next)), ("opened", _stamp(now))]
    return f"/work-orders?{urlencode(pairs)}"


def _stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


async def _changed(
    session: AsyncSession, request: web.Request, visit: Visit, world: World, asked: OrderQuery, wanted: OrderFilter
) -> int:
    """How many orders on top of the list are new or changed since its first page was seen, MOST_NEW at the most."""
    opened = request.query.get("opened", "")
    if not (opened.isascii() and opened.isdigit() and len(opened) <= 12):
        return 0
    top = await find_orders(session, visit, world, asked, wanted, None, MOST_NEW)
    return sum(row.updated_at.timestamp() > int(opened) for row in top.rows)


def _kinds(visit: Visit) -> Sequence[Whose]:
    """The categories that somebody has; who leads all of his groups needs not see them twice."""
    agent = visit.person.agent
    if agent is None:
        return ()
    led: tuple[Whose, ...] = ("led", "created_in_led") if agent.groups - agent.leads else ("created_in_led",)
    return ("mine", "created", "groups", *(led if agent.leads else ()), "all")


def _teams(world: World, sight: Sight) -> Mapping[int, str]:
    """Names of teams, for those who see several."""
    return {team.id: team.label for team in world.teams.values()} if sight.team_id is None else {}


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
