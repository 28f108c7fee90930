"""Campaigns: those of an agent's groups, and the page on which he calls through one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from daemon.errors import InvalidError
from daemon.handlers.campaign_results import name_customer, say_result
from daemon.handlers.campaigns import campaign_of, campaigns_of, leave, may_run, take_next
from daemon.handlers.world import ModuleView
from daemon.orders.campaign import EntryError, State
from daemon.orders.results import CALLBACK_FOR, Wish
from daemon.storage import campaigns, lists
from daemon.storage.campaigns import MOST_COUNTED, Waiting
from daemon.web.addresses import ID
from daemon.web.forms import first, ids, read_form
from daemon.web.moments import moment_in
from daemon.web.pages.campaign_entry import Asking, last_calls, preview
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page

OVER: Final = (State.DONE, State.UNREACHABLE)


def add_routes(router: web.UrlDispatcher) -> None:
    """What these pages answer to."""
    router.add_get("/campaigns", show_campaigns)
    router.add_get("/campaigns/rows", show_rows)
    router.add_get(f"/campaigns/{ID}", show_campaign)
    router.add_get(f"/campaigns/{ID}/call", show_call)
    router.add_post(f"/campaigns/{ID}/next", give_next)
    router.add_post(f"/campaign-entries/{ID}/result", give_result)
    router.add_post(f"/campaign-entries/{ID}/customer", name_who)
    router.add_post(f"/campaign-entries/{ID}/leave", leave_entry)


# --- all of them --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A campaign in the list. `total`: entries that are not withdrawn; `over`: those of them that are finished."""

    module: ModuleView
    total: int
    over: int
    waiting: Waiting
    has_one: bool
    is_open: bool


async def show_campaigns(request: web.Request) -> web.Response:
    """GET: the whole page."""
    return await _show_list(request, "campaigns.html")


async def show_rows(request: web.Request) -> web.Response:
    """GET: the rows alone, which an open page asks for on news."""
    return await _show_list(request, "campaign_rows.html")


async def _show_list(request: web.Request, name: str) -> web.Response:
    parts, visit = request.app[PARTS], visit_of(request)
    agent, at = visit.person.agent, parts.clock()
    modules = campaigns_of(parts.world(), visit.person)
    lines = []
    async with parts.store.read() as session:
        counts = await campaigns.counts(session, [each.id for each in modules])
        has = await campaigns.held(session, agent.id) if agent else None
        for each in modules:
            standing = counts[each.id]
            total = sum(standing.values()) - standing.get(State.WITHDRAWN, 0)
            over = sum(standing.get(state, 0) for state in OVER)
            waiting = await campaigns.waiting(session, each.id, agent.id, at) if agent else Waiting()
            has_one = has is not None and has.module_id == each.id
            lines.append(Line(each, total, over, waiting, has_one, each.calling.open_at(at)))
        missed = await lists.open_item_count(session, visit.sight)
    teams = {team.id: team.label for team in parts.world().teams.values()} if visit.sight.team_id is None else {}
    return page(request, name, lines=lines, teams=teams, missed_count=missed, most_counted=MOST_COUNTED)


# --- one of them --------------------------------------------------------------------------------------------------


async def show_campaign(request: web.Request) -> web.Response:
    """GET: the entry that he has, or the one that he asks for (`entry`), or what waits. Raises NotFoundError."""
    return await _show(request, "campaign.html", _id(request), Asking())


async def show_call(request: web.Request) -> web.Response:
    """GET: the same without the frame, which an open page asks for on news. Raises NotFoundError."""
    return await _show(request, "campaign_call.html", _id(request), Asking())


async def _show(request: web.Request, name: str, module_id: int, asking: Asking, status: int = 200) -> web.Response:
    parts, visit = request.app[PARTS], visit_of(request)
    world, at, agent = parts.world(), parts.clock(), visit.person.agent
    module = campaign_of(world, visit.person, module_id)
    wanted = asking.entry or _number(request, "entry")
    data: dict[str, Any] = {"waiting": Waiting(), "last": (), "known": None}
    async with parts.store.read() as session:
        row = await campaigns.one(session, visit.sight, wanted) if wanted else None
        if wanted and (row is None or row.module_id != module.id):
            raise web.HTTPNotFound
        has = await campaigns.held(session, agent.id) if agent else None
        if row is None and has is not None and has.module_id == module.id:
            row = has
        if row is not None:
            data["known"] = await preview(session, world, visit, module, row, at)
        if agent is not None:
            data["waiting"] = await campaigns.waiting(session, module.id, agent.id, at)
            data["last"] = await last_calls(session, module.id, agent.id) if row is None else ()
        missed = await lists.open_item_count(session, visit.sight)
    return page(
        request,
        name,
        status=status,
        module=module,
        tab="call",
        may_run=may_run(visit.person, module) and agent is not None,
        has_one=has is not None and has.module_id == module.id,
        is_open=module.calling.open_at(at),
        asking=asking.known_in(module, at, request[LANGUAGE].zone),
        address=f"/campaigns/{module.id}/call" + (f"?entry={wanted}" if wanted else ""),
        agents={each.id: each.name for each in world.agents.values()},
        modules=world.modules,
        missed_count=missed,
        most_counted=MOST_COUNTED,
        notice=request.query.get("notice", ""),
        **data,
    )


async def give_next(request: web.Request) -> web.StreamResponse:
    """POST: the next entry is his; then the page that shows it. Raises NotFoundError, ForbiddenError."""
    parts, module_id = request.app[PARTS], _id(request)
    person = visit_of(request).person
    try:
        entry_id, news = await take_next(parts.store, parts.world(), person, module_id, parts.clock())
    except EntryError as refusal:
        return _to(f"/campaigns/{module_id}?notice={refusal.trouble}")
    for each in news:
        parts.live.publish(each)
    return _to(f"/campaigns/{module_id}" if entry_id else f"/campaigns/{module_id}?notice=nobody")


async def give_result(request: web.Request) -> web.StreamResponse:
    """POST: what the call came to; what the result demands and is not there is asked for."""
    parts, entry_id = request.app[PARTS], _id(request)
    form = await read_form(request)
    module_id = ids([first(form, "campaign")])[0]
    result, note = first(form, "result"), first(form, "note").replace("\r\n", "\n")
    when = first(form, "callback_at") if first(form, "asking") == result else ""
    whose = first(form, "callback_for")
    wish = Wish(
        result, note, moment_in(when, request[LANGUAGE].zone), whose if when and whose in CALLBACK_FOR else None
    )
    asking = Asking(entry_id, result, note, first(form, "callback_at"), "anyone" if whose == "anyone" else "me")
    try:
        done = await say_result(parts.store, parts.world(), visit_of(request).person, entry_id, wish, parts.clock())
    except InvalidError as error:
        return await _show(request, "campaign.html", module_id, asking.with_faults(error), 422)
    except EntryError as refusal:
        return await _show(request, "campaign.html", module_id, Asking(entry_id, trouble=refusal.trouble), 409)
    for each in done.news:
        parts.live.publish(each)
    return _to(f"/campaigns/{done.module_id}?entry={entry_id}")


async def name_who(request: web.Request) -> web.StreamResponse:
    """POST: a new customer with this number."""
    parts, entry_id = request.app[PARTS], _id(request)
    form = await read_form(request)
    module_id = ids([first(form, "campaign")])[0]
    person, name = visit_of(request).person, first(form, "name")
    try:
        news = await name_customer(parts.store, parts.world(), person, entry_id, name, parts.clock())
    except InvalidError as error:
        return await _show(request, "campaign.html", module_id, Asking(entry_id).with_faults(error), 422)
    for each in news:
        parts.live.publish(each)
    return _to(f"/campaigns/{module_id}?entry={entry_id}")


async def leave_entry(request: web.Request) -> web.StreamResponse:
    """POST: he does not call it; somebody else may."""
    parts, entry_id = request.app[PARTS], _id(request)
    module_id = ids([first(await read_form(request), "campaign")])[0]
    try:
        news = await leave(parts.store, parts.world(), visit_of(request).person, entry_id, parts.clock())
    except EntryError as refusal:
        return await _show(request, "campaign.html", module_id, Asking(entry_id, trouble=refusal.trouble), 409)
    for each in news:
        parts.live.publish(each)
    return _to(f"/campaigns/{module_id}?notice=left")


def _id(request: web.Request) -> int:
    return ids([request.match_info["id"]])[0]


def _number(request: web.Request, name: str) -> int:
    value = request.query.get(name, "")
    return ids([value])[0] if value else 0


def _to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})
