"""What an agent does in the popup: the result of a call, who calls, put away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from daemon.errors import InvalidError, RefusedError
from daemon.handlers.live import News
from daemon.handlers.popup import add_customer, choose_customer, put_away
from daemon.handlers.results import choose_result
from daemon.orders.results import CALLBACK_FOR
from daemon.web.addresses import ID, safe_next
from daemon.web.forms import first, ids, read_form
from daemon.web.moments import moment_in
from daemon.web.pages.popup import show_page
from daemon.web.pages.popup_panel import Looking, show
from daemon.web.parts import LANGUAGE, PARTS, visit_of


def add_routes(router: web.UrlDispatcher) -> None:
    """What the panel's forms post to."""
    router.add_post(f"/popup/{ID}/result", give_result)
    router.add_post(f"/popup/{ID}/customer", say_who)
    router.add_post(f"/popup/{ID}/new-customer", add_who)
    router.add_post(f"/popup/{ID}/put-away", put_call_away)


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
            moment_in(when, request[LANGUAGE].zone),
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


async def _done(request: web.Request, looking: Looking, news: Sequence[News]) -> web.StreamResponse:
    for each in news:
        request.app[PARTS].live.publish(each)
    if "HX-Request" in request.headers:
        return await show(request, looking)
    return web.Response(status=303, headers={"Location": looking.onward})


async def _answer(request: web.Request, looking: Looking, call_id: int, status: int) -> web.StreamResponse:
    """What is wrong, where he was: htmx swaps only what succeeded; without it, the call's own page."""
    if "HX-Request" in request.headers:
        return await show(request, looking)
    return await show_page(request, replace(looking, call=call_id), status)
