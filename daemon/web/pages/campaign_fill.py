"""The list of a campaign is filled: by customers that are known, or by a column of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from daemon.errors import InvalidError
from daemon.handlers.campaign_lists import Filled, Filling, fill
from daemon.handlers.campaigns import campaign_of, may_run
from daemon.storage import lists
from daemon.web.addresses import ID
from daemon.web.forms import first, ids, read_form
from daemon.web.pages.campaign_list import agents_of
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page

TEXTS: Final = ("name", "since", "numbers", "note", "agent", "who")


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get(f"/campaigns/{ID}/fill", show_form)
    router.add_post(f"/campaigns/{ID}/fill", fill_list)


async def show_form(request: web.Request) -> web.Response:
    """GET: the forms. Raises NotFoundError, HTTPForbidden."""
    query = request.query
    added, known = query.get("added", ""), query.get("known", "")
    said = all(each.isascii() and each.isdigit() and len(each) <= 9 for each in (added, known))
    return await _show(request, {}, Filled(int(added), int(known)) if said else None)


async def fill_list(request: web.Request) -> web.StreamResponse:
    """POST: then the form again, with what was added. Raises NotFoundError, ForbiddenError."""
    parts, module_id = request.app[PARTS], _id(request)
    form = await read_form(request)
    texts = {name: first(form, name) for name in TEXTS}
    try:
        filling = _filling(request, texts)
        person = visit_of(request).person
        done, news = await fill(parts.store, parts.world(), person, module_id, filling, parts.clock())
    except InvalidError as error:
        faults = {fault.where.strip("/"): fault.rule for fault in error.faults}
        return await _show(request, texts, None, faults, 422)
    for each in news:
        parts.live.publish(each)
    if done.unreadable:
        return await _show(request, {"who": texts["who"]}, done)
    figures = urlencode({"added": done.added, "known": done.known})
    return web.Response(status=303, headers={"Location": f"/campaigns/{module_id}/fill?{figures}"})


def _filling(request: web.Request, texts: Mapping[str, str]) -> Filling:
    """Raises HTTPBadRequest for what the form never sends."""
    agent = ids([texts["agent"]])[0] if texts["agent"] else None
    note = texts["note"].strip().replace("\r\n", "\n")
    if texts["who"] == "numbers":
        lines = (line.strip(" \t\r;,\"'") for line in texts["numbers"].split("\n"))
        return Filling(numbers=tuple(line for line in lines if line), note=note, for_agent=agent)
    since = None
    if texts["since"]:
        try:
            day = date.fromisoformat(texts["since"])
            since = datetime.combine(day, time(), request[LANGUAGE].zone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise web.HTTPBadRequest from None
    return Filling(everyone=True, name=texts["name"].strip()[:200], since=since, note=note, for_agent=agent)


async def _show(
    request: web.Request,
    texts: Mapping[str, str],
    done: Filled | None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> web.Response:
    parts, visit = request.app[PARTS], visit_of(request)
    world = parts.world()
    module = campaign_of(world, visit.person, _id(request))
    if not may_run(visit.person, module) or visit.person.agent is None:
        raise web.HTTPForbidden
    async with parts.store.read() as session:
        missed = await lists.open_item_count(session, visit.sight)
    return page(
        request,
        "campaign_fill.html",
        status=status,
        module=module,
        tab="fill",
        may_run=True,
        texts={name: texts.get(name, "") for name in TEXTS},
        done=done,
        faults=faults or {},
        workers_of=agents_of(world, module),
        missed_count=missed,
    )


def _id(request: web.Request) -> int:
    return ids([request.match_info["id"]])[0]
