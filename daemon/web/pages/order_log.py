"""The work order log, for admins: every order of a team, all read-only, with a file of it for spreadsheets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.labels import labels_of
from daemon.storage import lists, order_log
from daemon.storage.engine import OUTAGES
from daemon.storage.lists import OrderFilter
from daemon.storage.order_lists import teams_of
from daemon.web.cursors import to_cursor
from daemon.web.pages.missed_calls import place
from daemon.web.pages.order_csv import Sheet, columns_of, write_rows
from daemon.web.pages.order_query import OrderQuery, chips, choices, find_orders, read_order_query
from daemon.web.pages.work_orders import lines
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page

EXPORTED: Final = "web.log_exported"
CUT_SHORT: Final = "web.log_export_cut_short"
ROWS_AT_ONCE: Final = 500
"""Of the file: so many are in memory at a time."""

State = Literal["any", "open", "done"]

log = structlog.get_logger()


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/log", show_log)
    router.add_get("/log/rows", show_log_rows)
    router.add_get("/log.csv", send_log)


async def show_log(request: web.Request) -> web.Response:
    """The whole page. Raises HTTPForbidden for who is no admin."""
    parts, visit = request.app[PARTS], visit_of(request)
    _only_admins(request)
    asked = read_order_query(request)
    offered = choices(parts.world(), visit.sight, asked)
    async with parts.store.read() as session:
        shown = await _list(request, session)
        missed = await lists.open_item_count(session, visit.sight)
    kept = {"state": shown["state"]}
    return page(
        request,
        "order_log.html",
        **shown,
        offered=offered,
        chips=chips(asked, offered, "/log", kept),
        file_address=f"/log.csv?{urlencode([*kept.items(), *asked.pairs()])}",
        missed_count=missed,
    )


async def show_log_rows(request: web.Request) -> web.Response:
    """The list alone, which an open page asks for on news. Raises HTTPForbidden for who is no admin."""
    _only_admins(request)
    async with request.app[PARTS].store.read() as session:
        shown = await _list(request, session)
    return page(request, "order_log_rows.html", **shown)


async def _list(request: web.Request, session: AsyncSession) -> Mapping[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    asked, state, after, world = read_order_query(request), _state(request), place(request), parts.world()
    now = parts.clock()
    wanted = _wanted(request, asked, state, now)
    found = await find_orders(session, visit, world, asked, wanted, after, asked.rows)
    modules = await order_log.modules_of(session, found.rows)
    kept = [("state", state), *asked.pairs()]
    here = [*kept, *([("cursor", request.query["cursor"])] if after else [])]
    return {
        "state": state,
        "asked": asked,
        "sort": "" if asked.q else wanted.sort,
        "lines": lines(world, found.rows, await order_log.parties_of(session, found.rows), now),
        "labels": await labels_of(session, world, found.rows),
        "modules": {id_: world.modules[id_].label if id_ in world.modules else name for id_, name in modules.items()},
        "teams": {team.id: team.label for team in world.teams.values()} if visit.sight.team_id is None else {},
        "rows_address": f"/log/rows?{urlencode(here)}",
        "first_page": after is None,
        "first_address": f"/log?{urlencode(kept)}",
        "next_address": f"/log?{urlencode([*kept, ('cursor', to_cursor(found.next))])}" if found.next else "",
    }


async def send_log(request: web.Request) -> web.StreamResponse:
    """The same orders as a file (RFC 4180), sent while it is read: a million of them need no more memory than a few."""
    _only_admins(request)
    parts, visit, language = request.app[PARTS], visit_of(request), request[LANGUAGE]
    asked, state, now = read_order_query(request), _state(request), parts.clock()
    wanted, world = _wanted(request, asked, state, now), parts.world()
    sheet = Sheet(language, world, columns_of(world, visit.sight, asked.template))
    log.info(EXPORTED, username=visit.person.username, filters=urlencode(asked.pairs(without="q")))
    name = f"work-orders-{now.astimezone(language.zone):%Y-%m-%d}.csv"
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        await response.write(sheet.head())
        async for told in _told(request, sheet, asked, wanted):
            await response.write(told)
        await response.write_eof()
    except (ConnectionResetError, *OUTAGES) as error:  # a file that ends in the middle must not look complete
        log.warning(CUT_SHORT, username=visit.person.username, error=type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
    return response


async def _told(request: web.Request, sheet: Sheet, asked: OrderQuery, wanted: OrderFilter) -> AsyncIterator[bytes]:
    """The lines, as many at a time as are read at once; team after team, since a list of all is a merge of theirs."""
    store, visit = request.app[PARTS].store, visit_of(request)
    async with store.read() as session:
        teams = await teams_of(session, visit.sight, asked.team)
    for team in teams:
        after, more = None, True
        while more:
            async with store.read() as session:
                of_team = replace(wanted, team_id=team)
                found = await find_orders(session, visit, sheet.world, asked, of_team, after, ROWS_AT_ONCE)
                told = await write_rows(session, sheet, found.rows)
            yield told
            after, more = found.next, found.next is not None


def _only_admins(request: web.Request) -> None:
    if visit_of(request).person.kind not in {"team_admin", "system_admin"}:
        raise web.HTTPForbidden


def _state(request: web.Request) -> State:
    match request.query.get("state"):
        case "open":
            return "open"
        case "done":
            return "done"
    return "any"


def _wanted(request: web.Request, asked: OrderQuery, state: State, now: datetime) -> OrderFilter:
    """By the last change; those of some days by when they were created, as the index has them."""
    of_days = asked.since is not None or asked.until is not None
    which = {"any": None, "open": True, "done": False}[state]
    base = OrderFilter(open=which, sort="created" if of_days else "updated")
    return asked.narrow(base, now, request[LANGUAGE].zone)
