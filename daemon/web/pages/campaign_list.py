"""The list of a campaign: how far it is, its entries, and how it is filled and emptied. Agents of it may look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final, cast, get_args
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.campaign_lists import Change, change, empty
from daemon.handlers.campaigns import campaign_of, may_run
from daemon.handlers.world import AgentView, ModuleView, World
from daemon.orders.campaign import NOT_REACHED, State
from daemon.orders.number import read_number
from daemon.storage import campaigns, lists
from daemon.storage.campaigns import Tally
from daemon.storage.tables import CampaignEntryRow
from daemon.web.addresses import ID
from daemon.web.forms import first, ids, read_form
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page

ROWS: Final = 50
LONGEST_NUMBER: Final = 80


def add_routes(router: web.UrlDispatcher) -> None:
    """What these pages answer to."""
    router.add_get(f"/campaigns/{ID}/progress", show_progress)
    router.add_get(f"/campaigns/{ID}/progress/content", show_progress_content)
    router.add_get(f"/campaigns/{ID}/list", show_list)
    router.add_get(f"/campaigns/{ID}/list/rows", show_rows)
    router.add_post(f"/campaigns/{ID}/list", change_entries)
    router.add_get(f"/campaigns/{ID}/empty", ask_to_empty)
    router.add_post(f"/campaigns/{ID}/empty", empty_list)


# --- how far it is ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """So many entries stand there; `x` and `width` of its part of the bar, which is 100 wide."""

    state: State
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Worker:
    """What an agent has done today."""

    name: str
    calls: int
    reached: int


async def show_progress(request: web.Request) -> web.Response:
    """GET: the whole page. Raises NotFoundError."""
    return await _show_progress(request, "campaign_progress.html")


async def show_progress_content(request: web.Request) -> web.Response:
    """GET: the figures alone, which an open page asks for on news. Raises NotFoundError."""
    return await _show_progress(request, "campaign_progress_content.html")


async def _show_progress(request: web.Request, name: str) -> web.Response:
    parts, module = request.app[PARTS], _module(request)
    world, midnight = parts.world(), _midnight(parts.clock(), request)
    async with parts.store.read() as session:
        counts = (await campaigns.counts(session, [module.id]))[module.id]
        tallies = await campaigns.tallies(session, module.id, midnight)
        common = await _common(session, request, module, "progress")
    return page(
        request,
        name,
        shares=shares(counts),
        total=sum(counts.values()) - counts.get(State.WITHDRAWN, 0),
        over=counts.get(State.DONE, 0) + counts.get(State.UNREACHABLE, 0),
        counts=counts,
        workers=_workers(world, tallies),
        results=_results(tallies),
        **common,
    )


BAR: Final = (State.DONE, State.UNREACHABLE, State.TRIED, State.TAKEN, State.WAITING)


def shares(counts: Mapping[State, int]) -> Sequence[Share]:
    """The parts of the bar, what is finished first; withdrawn entries are no part of it."""
    total, x, found = sum(counts.get(state, 0) for state in BAR), 0.0, []
    for state in BAR:
        width = 100 * counts.get(state, 0) / total if total else 0.0
        found.append(Share(state, counts.get(state, 0), x, width))
        x += width
    return found


def _workers(world: World, tallies: Sequence[Tally]) -> Sequence[Worker]:
    calls: dict[int, int] = {}
    reached: dict[int, int] = {}
    for each in tallies:
        calls[each.agent_id] = calls.get(each.agent_id, 0) + each.count
        reached[each.agent_id] = reached.get(each.agent_id, 0) + (each.count if each.result != NOT_REACHED else 0)
    names = {id_: world.agents[id_].name if id_ in world.agents else str(id_) for id_ in calls}
    found = [Worker(names[id_], count, reached[id_]) for id_, count in calls.items()]
    return sorted(found, key=lambda each: (-each.calls, each.name.casefold()))


def _results(tallies: Sequence[Tally]) -> Sequence[tuple[str, int]]:
    counts: dict[str, int] = {}
    for each in tallies:
        counts[each.result] = counts.get(each.result, 0) + each.count
    return sorted(counts.items(), key=lambda each: -each[1])


def _midnight(at: datetime, request: web.Request) -> datetime:
    zone = request[LANGUAGE].zone
    return datetime.combine(at.astimezone(zone).date(), time(), zone)


# --- its entries --------------------------------------------------------------------------------------------------


async def show_list(request: web.Request) -> web.Response:
    """GET: the whole page. Raises NotFoundError."""
    return await _show_list(request, "campaign_list.html")


async def show_rows(request: web.Request) -> web.Response:
    """GET: the rows alone, which an open page asks for on news. Raises NotFoundError."""
    return await _show_list(request, "campaign_list_rows.html")


async def _show_list(request: web.Request, name: str) -> web.Response:
    parts, module = request.app[PARTS], _module(request)
    world, query = parts.world(), request.query
    state = _state(query.get("state", ""))
    number = query.get("number", "").strip().replace("\0", "")[:LONGEST_NUMBER]
    after = ids([query["after"]])[0] if query.get("after") else 0
    async with parts.store.read() as session:
        rows, following = await _rows(session, world, module, state, number, after)
        whom = await campaigns.customers_of(session, rows)
        counts = (await campaigns.counts(session, [module.id]))[module.id]
        common = await _common(session, request, module, "list")
    asked = {"state": state.value, **({"number": number} if number else {})}
    here = {**asked, **({"after": str(after)} if after else {})}
    base = f"/campaigns/{module.id}/list"
    return page(
        request,
        name,
        rows=rows,
        whom=whom,
        counts=counts,
        states=tuple(State),
        state=state,
        number=number,
        rows_address=f"{base}/rows?{urlencode(here)}",
        first_address=f"{base}?{urlencode(asked)}" if after else "",
        next_address=f"{base}?{urlencode({**asked, 'after': str(following)})}" if following else "",
        **common,
    )


async def _rows(
    session: AsyncSession, world: World, module: ModuleView, state: State, number: str, after: int
) -> tuple[Sequence[CampaignEntryRow], int | None]:
    if not number:
        return await campaigns.listed(session, module.id, state, after, ROWS)
    team = world.teams[module.team_id]
    key = read_number(number, team.region, team.last_digits).key
    found = await campaigns.of_number(session, module.id, key) if key else None
    return ([found] if found else []), None


def _state(text: str) -> State:
    """Raises HTTPBadRequest for what the page never asks."""
    try:
        return State(text or State.WAITING)
    except ValueError:
        raise web.HTTPBadRequest from None


async def change_entries(request: web.Request) -> web.StreamResponse:
    """POST: chosen entries are withdrawn, put back or given to an agent. Raises NotFoundError, ForbiddenError."""
    parts, module = request.app[PARTS], _module(request)
    form = await read_form(request)
    chosen, what, state = ids(form.get("id", [])), first(form, "do"), _state(first(form, "state"))
    back = f"/campaigns/{module.id}/list?state={state.value}&"
    if what not in get_args(Change):
        raise web.HTTPBadRequest
    if not chosen:
        return _to(f"{back}notice=none_chosen")
    agent = ids([first(form, "agent")])[0] if first(form, "agent") and what == "give" else None
    person, at = visit_of(request).person, parts.clock()
    count, news = await change(parts.store, parts.world(), person, module.id, chosen, cast("Change", what), agent, at)
    for each in news:
        parts.live.publish(each)
    return _to(f"{back}notice=changed&many={count}")


async def ask_to_empty(request: web.Request) -> web.Response:
    """GET: really? A page of its own, or a part of the list's page (htmx). Raises NotFoundError, HTTPForbidden."""
    parts, module = request.app[PARTS], _module(request)
    if not may_run(visit_of(request).person, module):
        raise web.HTTPForbidden
    async with parts.store.read() as session:
        counts = (await campaigns.counts(session, [module.id]))[module.id]
        common = await _common(session, request, module, "list")
    name = "campaign_empty_form.html" if "HX-Request" in request.headers else "campaign_empty.html"
    waiting = counts.get(State.WAITING, 0) + counts.get(State.TRIED, 0)
    return page(request, name, waiting=waiting, **common)


async def empty_list(request: web.Request) -> web.StreamResponse:
    """POST: what waits is withdrawn. Raises NotFoundError, ForbiddenError."""
    parts, module = request.app[PARTS], _module(request)
    await read_form(request)
    count, news = await empty(parts.store, parts.world(), visit_of(request).person, module.id, parts.clock())
    for each in news:
        parts.live.publish(each)
    return _to(f"/campaigns/{module.id}/list?state=withdrawn&notice=changed&many={count}")


# --- what all of them show ----------------------------------------------------------------------------------------


def _module(request: web.Request) -> ModuleView:
    world, person = request.app[PARTS].world(), visit_of(request).person
    return campaign_of(world, person, ids([request.match_info["id"]])[0])


async def _common(session: AsyncSession, request: web.Request, module: ModuleView, tab: str) -> dict[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    world, many = parts.world(), request.query.get("many", "")
    return {
        "module": module,
        "tab": tab,
        "may_run": may_run(visit.person, module) and visit.person.agent is not None,
        "agents": {each.id: each.name for each in world.agents.values()},
        "workers_of": agents_of(world, module),
        "modules": world.modules,
        "missed_count": await lists.open_item_count(session, visit.sight),
        "notice": request.query.get("notice", ""),
        "many": int(many) if many.isascii() and many.isdigit() and len(many) <= 9 else 0,
    }


def agents_of(world: World, module: ModuleView) -> Sequence[AgentView]:
    """The agents who work in a campaign, by name."""
    found = [each for each in world.agents.values() if each.team_id == module.team_id and module.is_worked_by(each)]
    return sorted(found, key=lambda each: each.name.casefold())


def _to(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})
