"""The popup: the panel on every page of an agent, and a page of its own for him and for other systems.

The panel is drawn whole, whatever changed. What it was drawn of has a key; an open page names the key that it shows
and gets 204 when that is still so, and its own state: which call is looked at, which result asks for more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web
from markupsafe import Markup

from daemon.errors import InvalidError, NotFoundError, RefusedError
from daemon.handlers.live import News
from daemon.handlers.popup import (
    Known,
    OnDesk,
    add_customer,
    call_asked_for,
    choose_customer,
    know,
    number_asked_for,
    on_desk,
    put_away,
)
from daemon.handlers.results import choose_result
from daemon.orders.results import CALLBACK_FOR
from daemon.storage import calls, lists
from daemon.web.addresses import ID, safe_next
from daemon.web.forms import first, ids, read_form
from daemon.web.headers import FRAMED_BY
from daemon.web.pages.popup_link import Linked, linked
from daemon.web.parts import LANGUAGE, PARTS, POPUP, VISIT, visit_of
from daemon.web.rendering import page, render

QUARTER: Final = 15  # minutes
AHEAD: Final = timedelta(minutes=60)  # of the call back that is offered
LONGEST_NUMBER: Final = 80

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/popup", show_popup)
    router.add_get("/popup/panel", show_panel)
    router.add_post(f"/popup/{ID}/result", give_result)
    router.add_post(f"/popup/{ID}/customer", say_who)
    router.add_post(f"/popup/{ID}/new-customer", add_who)
    router.add_post(f"/popup/{ID}/put-away", put_call_away)


@dataclass(frozen=True, slots=True)
class Looking:
    """What an agent looks at: `call` or `number` on a page of its own, else the panel with `shown`.

    `asking`: the result that he chose and that demands more; `faults`: what is missing, by field.
    """

    call: int | None = None
    number: str = ""
    shown: str = ""
    asking: str = ""
    note: str | None = None
    callback_at: str = ""
    callback_for: str = "me"
    faults: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    onward: str = "/"

    @property
    def alone(self) -> bool:
        """Whether it is a page of its own."""
        return self.call is not None or bool(self.number)


# --- drawing -------------------------------------------------------------------------------------------------------


@web.middleware
async def with_popup(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page that an agent opens shows his calls from its first moment on."""
    visit = request.get(VISIT)
    page_wanted = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    has_place = "HX-Request" not in request.headers and request.path != "/popup"  # which draws its own
    if visit and visit.person.agent and page_wanted and has_place:
        request[POPUP] = (await _draw(request, Looking(onward=request.path_qs))).html
    return await handler(request)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The panel, and the key of what it was drawn of, which it carries."""

    html: Markup
    key: str


async def _draw(request: web.Request, looking: Looking) -> Drawn:
    body = render(request, "popup_panel.html", **await _data(request, looking))
    key = sha256(body.encode()).hexdigest()[:16]
    carried = Markup('<input type="hidden" name="key" value="{}" data-popup-state>').format(key)
    return Drawn(Markup(body) + carried, key)  # noqa: S704 - the template has escaped it


async def _data(request: web.Request, looking: Looking) -> dict[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    world, at, agent = parts.world(), parts.clock(), visit.person.agent
    async with parts.store.read() as session:
        if looking.call is not None:
            desk: tuple[OnDesk, ...] = (await call_asked_for(session, world, agent, visit.sight, looking.call),)
        elif looking.number:
            team = world.teams.get(visit.person.team_id or 0)
            desk = (number_asked_for(team, looking.number, at),) if team else ()
        else:
            desk = await on_desk(session, world, agent, parts.ringing.of(agent.id), at) if agent else ()
        shown = next((each for each in desk if each.key == looking.shown), desk[0] if desk else None)
        known = await know(session, world, agent, visit.sight, shown) if shown else Known()
    return {
        "desk": desk,
        "shown": shown,
        "known": known,
        "looking": looking,
        "agents": {each.id: each.name for each in world.agents.values()},
        "modules": world.modules,
        "asking": _asking(shown, looking),
        "offered_at": _offered(at, request[LANGUAGE].zone),
        "may_act": agent is not None,
    }


def _asking(shown: OnDesk | None, looking: Looking) -> Any:
    offered = shown.module.results if shown and shown.module else ()
    return next((each for each in offered if each.identity == looking.asking), None)


def _offered(at: datetime, zone: Any) -> str:
    """An hour ahead, at the next quarter, as <input type=datetime-local> writes it."""
    there = (at + AHEAD).astimezone(zone)
    late = (-there.minute) % QUARTER
    return (there + timedelta(minutes=late)).strftime("%Y-%m-%dT%H:%M")


# --- showing -------------------------------------------------------------------------------------------------------


async def show_popup(request: web.Request) -> web.Response:
    """A page of its own: my calls, one call, or a number. By a signed link: that agent's view, to read only."""
    request[FRAMED_BY] = request.app[PARTS].http.frame_ancestors
    if VISIT not in request:
        return await _show_linked(request, linked(request))
    return await _show_page(request, await _looking(request))


async def _show_page(request: web.Request, looking: Looking, status: int = 200) -> web.Response:
    drawn = await _draw(request, looking)
    async with request.app[PARTS].store.read() as session:
        count = await lists.open_item_count(session, visit_of(request).sight)
    return page(request, "popup.html", status=status, panel=drawn.html, looking=looking, missed_count=count)


async def _looking(request: web.Request) -> Looking:
    """Raises NotFoundError for a call that is not there, HTTPBadRequest for a number that can't be one."""
    query = request.query
    if "call" in query:
        return Looking(call=ids([query["call"]])[0], onward=request.path_qs)
    number = query.get("number", "")
    if len(number) > LONGEST_NUMBER or not number.isprintable():
        raise web.HTTPBadRequest
    if "uniqueid" in query:
        async with request.app[PARTS].store.read() as session:
            call = await calls.find(session, query.get("pbx", "")[:60], query["uniqueid"][:150])
        if call is not None:
            return Looking(call=call.id, onward=request.path_qs)
        if not number:
            message = "this call has not reached a queue yet"
            raise NotFoundError(message)
    return Looking(number=number, onward=request.path_qs)


async def _show_linked(request: web.Request, link: Linked) -> web.Response:
    parts = request.app[PARTS]
    world, at = parts.world(), parts.clock()
    async with parts.store.read() as session:
        shown = number_asked_for(world.teams[link.agent.team_id], link.number, at)
        known = await know(session, world, link.agent, link.sight, shown)
    return page(
        request,
        "popup_linked.html",
        shown=shown,
        known=known,
        modules=world.modules,
        agents={each.id: each.name for each in world.agents.values()},
        agent=link.agent,
        may_act=False,
    )


async def show_panel(request: web.Request) -> web.Response:
    """What an open page asks for on news; 204 when it shows just that."""
    query = request.query
    looking = Looking(
        call=ids([query["asked_call"]])[0] if query.get("asked_call") else None,
        number=query.get("asked_number", "")[:LONGEST_NUMBER],
        shown=query.get("shown", ""),
        asking=query.get("asking", ""),
        callback_at=query.get("callback_at", ""),
        callback_for="anyone" if query.get("callback_for") == "anyone" else "me",
        onward=safe_next(query.get("onward", "/")),
    )
    return await _panel(request, looking, shows=query.get("key", ""))


async def _panel(request: web.Request, looking: Looking, shows: str = "") -> web.Response:
    drawn = await _draw(request, looking)
    if shows == drawn.key:
        return web.Response(status=204)
    return web.Response(text=drawn.html, content_type="text/html")


# --- doing ---------------------------------------------------------------------------------------------------------


async def give_result(request: web.Request) -> web.StreamResponse:
    """POST: what the call came to; what the result demands and is not there is asked for."""
    parts, call_id = request.app[PARTS], _call_id(request)
    form, looking = await _posted(request)
    result = first(form, "result")
    note, when = first(form, "note"), first(form, "callback_at") if looking.asking == result else ""
    looking = replace(looking, asking=result, note=note, callback_at=when or looking.callback_at)
    try:
        chosen = await choose_result(
            parts.store,
            parts.world(),
            visit_of(request).person,
            call_id,
            result,
            note.replace("\r\n", "\n"),
            _moment(when, request[LANGUAGE].zone),
            first(form, "callback_for") if when and first(form, "callback_for") in CALLBACK_FOR else None,
            parts.clock(),
        )
    except InvalidError as error:
        faults = {fault.where: fault.rule for fault in error.faults}
        return await _answer(request, replace(looking, faults=faults), call_id, 422)
    except RefusedError as error:
        return await _answer(request, replace(looking, asking="", trouble=str(error)), call_id, 409)
    return await _done(request, replace(looking, asking="", note=None), chosen.news)


async def say_who(request: web.Request) -> web.StreamResponse:
    """POST: this customer calls."""
    parts, call_id = request.app[PARTS], _call_id(request)
    form, looking = await _posted(request)
    customer_id = ids([first(form, "customer")])[0]
    person = visit_of(request).person
    return await _done(
        request, looking, await choose_customer(parts.store, parts.world(), person, call_id, customer_id)
    )


async def add_who(request: web.Request) -> web.StreamResponse:
    """POST: a new customer calls."""
    parts, call_id = request.app[PARTS], _call_id(request)
    form, looking = await _posted(request)
    person, name, kind = visit_of(request).person, first(form, "name"), first(form, "kind")
    try:
        news = await add_customer(parts.store, parts.world(), person, call_id, name, kind, parts.clock())
    except InvalidError as error:
        faults = {fault.where.strip("/"): fault.rule for fault in error.faults}
        return await _answer(request, replace(looking, faults=faults), call_id, 422)
    return await _done(request, looking, news)


async def put_call_away(request: web.Request) -> web.StreamResponse:
    """POST: he is done with it."""
    parts = request.app[PARTS]
    _, looking = await _posted(request)
    person, at = visit_of(request).person, parts.clock()
    return await _done(request, looking, await put_away(parts.store, parts.world(), person, _call_id(request), at))


def _call_id(request: web.Request) -> int:
    return ids([request.match_info["id"]])[0]


async def _posted(request: web.Request) -> tuple[dict[str, list[str]], Looking]:
    form = await read_form(request)
    asked = first(form, "asked_call")
    looking = Looking(
        call=ids([asked])[0] if asked else None,
        shown=first(form, "shown"),
        asking=first(form, "asking"),
        callback_at=first(form, "callback_at"),
        callback_for="anyone" if first(form, "callback_for") == "anyone" else "me",
        onward=safe_next(first(form, "onward")),
    )
    return form, looking


async def _done(request: web.Request, looking: Looking, news: tuple[News, ...]) -> web.StreamResponse:
    for each in news:
        request.app[PARTS].live.publish(each)
    if "HX-Request" in request.headers:
        return await _panel(request, looking)
    return web.Response(status=303, headers={"Location": looking.onward})


async def _answer(request: web.Request, looking: Looking, call_id: int, status: int) -> web.StreamResponse:
    """What is wrong, where he was: htmx swaps only what succeeded; without it, the call's own page."""
    if "HX-Request" in request.headers:
        return await _panel(request, looking)
    request[FRAMED_BY] = request.app[PARTS].http.frame_ancestors
    return await _show_page(request, replace(looking, call=call_id), status)


def _moment(text: str, zone: Any) -> datetime | None:
    """A time as <input type=datetime-local> writes it, in the reader's zone; None for none. Raises HTTPBadRequest."""
    if not text:
        return None
    try:
        there = datetime.fromisoformat(text)
        return (there if there.tzinfo else there.replace(tzinfo=zone)).astimezone(ZoneInfo("UTC"))
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest from None
