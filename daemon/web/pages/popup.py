"""The popup's own pages: my calls, one call, a caller's number; by a signed link to read only. And the panel alone."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from daemon.errors import NotFoundError
from daemon.handlers.popup import know, number_asked_for
from daemon.storage import calls, lists
from daemon.web.addresses import safe_next
from daemon.web.forms import ids
from daemon.web.headers import FRAMED_BY
from daemon.web.pages.popup_link import Linked, linked
from daemon.web.pages.popup_panel import Looking, draw, show
from daemon.web.parts import PARTS, VISIT, visit_of
from daemon.web.rendering import page

LONGEST_NUMBER: Final = 80


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/popup", show_popup)
    router.add_get("/popup/panel", show_panel)


async def show_popup(request: web.Request) -> web.Response:
    """A page of its own: my calls, one call, or a number. By a signed link: that agent's view, to read only."""
    request[FRAMED_BY] = request.app[PARTS].http.frame_ancestors
    if VISIT not in request:
        return await _show_linked(request, linked(request))
    return await show_page(request, await _looking(request))


async def show_page(request: web.Request, looking: Looking, status: int = 200) -> web.Response:
    """A page of its own, which sites that the configuration names may frame."""
    request[FRAMED_BY] = request.app[PARTS].http.frame_ancestors
    drawn = await draw(request, looking)
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
    return await show(request, looking, shows=query.get("key", ""))
