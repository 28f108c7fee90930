"""Queues on every page of an agent - logged in, paused, wrapping up - and the page of who is there in his groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from daemon.handlers.duty import NotDoneError, Standing
from daemon.handlers.person import Person
from daemon.storage import lists
from daemon.web.addresses import safe_next
from daemon.web.forms import first, ids, read_form
from daemon.web.parts import PARTS, Visit, WebParts, visit_of
from daemon.web.rendering import page

Form = dict[str, list[str]]
Deed = Callable[[WebParts, Person, int | None, Form], Awaitable[Standing]]


async def _log_in(parts: WebParts, person: Person, agent: int | None, form: Form) -> Standing:
    return await parts.duty.log_in(person, agent, first(form, "queue"), first(form, "pbx"))


async def _log_out(parts: WebParts, person: Person, agent: int | None, form: Form) -> Standing:
    return await parts.duty.log_out(person, agent, first(form, "queue"), first(form, "pbx"))


async def _pause(parts: WebParts, person: Person, agent: int | None, form: Form) -> Standing:
    return await parts.duty.pause(person, agent, first(form, "reason"))


async def _resume(parts: WebParts, person: Person, agent: int | None, _form: Form) -> Standing:
    return await parts.duty.resume(person, agent)


DEEDS: Final[dict[str, Deed]] = {"log-in": _log_in, "log-out": _log_out, "pause": _pause, "resume": _resume}


def add_routes(router: web.UrlDispatcher) -> None:
    """What the menu asks, and the page of agents."""
    router.add_get("/duty", show_menu)
    router.add_post(f"/duty/{{deed:{'|'.join(DEEDS)}}}", do)
    router.add_get("/agents", show_agents)
    router.add_get("/agents/rows", show_rows)


# --- the menu --------------------------------------------------------------------------------------------------------


async def show_menu(request: web.Request) -> web.StreamResponse:
    """GET: the menu; without htmx as a page of its own. Raises HTTPForbidden for who is no agent."""
    if visit_of(request).person.agent is None:
        raise web.HTTPForbidden
    return page(request, "duty.html") if "HX-Request" in request.headers else await _page(request, "/work-orders")


async def do(request: web.Request) -> web.StreamResponse:
    """POST: log in or out, pause or resume; then where he was, or the menu or the rows (htmx).

    Raises NotFoundError, ForbiddenError.
    """
    form = await read_form(request)
    deed, agent, back = DEEDS[request.match_info["deed"]], first(form, "agent"), safe_next(first(form, "back"))
    trouble = ""
    try:
        await deed(request.app[PARTS], visit_of(request).person, ids([agent])[0] if agent else None, form)
    except NotDoneError as refusal:
        trouble = refusal.trouble
    if "HX-Request" in request.headers:
        return await _rows(request, trouble) if agent else page(request, "duty.html", duty_trouble=trouble)
    if trouble:
        return await _page(request, back, trouble)
    return web.Response(status=303, headers={"Location": back})


async def _page(request: web.Request, back: str, trouble: str = "") -> web.StreamResponse:
    async with request.app[PARTS].store.read() as session:
        count = await lists.open_item_count(session, visit_of(request).sight)
    status = 409 if trouble else 200
    return page(request, "duty_page.html", status=status, duty_trouble=trouble, back=back, missed_count=count)


# --- the page --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crew:
    """A group and how its agents stand; `managed`: those whom the visitor may pause, resume and log out."""

    label: str
    agents: Sequence[Standing]
    managed: frozenset[int]


async def show_agents(request: web.Request) -> web.StreamResponse:
    """The whole page."""
    visit, parts = visit_of(request), request.app[PARTS]
    async with parts.store.read() as session:
        count = await lists.open_item_count(session, visit.sight)
    return page(request, "agents.html", crews=_crews(parts, visit), rows_trouble="", missed_count=count)


async def show_rows(request: web.Request) -> web.StreamResponse:
    """Its tables alone, which an open page asks for on news."""
    return await _rows(request, "")


async def _rows(request: web.Request, trouble: str) -> web.StreamResponse:
    crews = _crews(request.app[PARTS], visit_of(request))
    return page(request, "agent_rows.html", crews=crews, rows_trouble=trouble, request_path="/agents")


def _crews(parts: WebParts, visit: Visit) -> Sequence[Crew]:
    """An agent sees his groups, an admin those of his team, a system admin all."""
    world, agent = parts.world(), visit.person.agent
    groups = [
        group
        for group in world.groups.values()
        if group.active and (group.id in agent.groups if agent else visit.sight.team_id in {None, group.team_id})
    ]
    groups.sort(key=lambda group: (world.teams[group.team_id].label, group.label.casefold(), group.id))
    crews = []
    for group in groups:
        known = (world.agents[id_] for id_ in group.members if id_ in world.agents)
        mates = sorted(known, key=lambda each: (len(each.number), each.number))
        managed = frozenset(each.id for each in mates if parts.duty.may_manage(visit.person, each))
        label = group.label if visit.sight.team_id else f"{world.teams[group.team_id].label}: {group.label}"
        crews.append(Crew(label, [parts.duty.of(each) for each in mates], managed))
    return crews
