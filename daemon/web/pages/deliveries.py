"""Deliveries, for admins: what became of mails and webhooks, live, and what is parked sent again or discarded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast, get_args
from urllib.parse import urlencode

from aiohttp import web

from daemon.handlers import deliveries
from daemon.handlers.deliveries import Change
from daemon.storage import lists
from daemon.storage.outbox import STATES, State
from daemon.web.addresses import ID
from daemon.web.forms import first, ids, read_form
from daemon.web.parts import PARTS, visit_of
from daemon.web.rendering import page

ROWS: Final = 50
LONGEST_ENDPOINT: Final = 255


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/deliveries", show_deliveries)
    router.add_get("/deliveries/rows", show_rows)
    router.add_post("/deliveries", change_deliveries)
    router.add_get(f"/deliveries/{ID}", show_delivery)


async def show_deliveries(request: web.Request) -> web.Response:
    """GET: the whole page. Raises ForbiddenError for agents."""
    parts, visit = request.app[PARTS], visit_of(request)
    shown = await _list(request)
    async with parts.store.read() as session:
        missed = await lists.open_item_count(session, visit.sight)
    many = request.query.get("many", "")
    return page(
        request,
        "deliveries.html",
        **shown,
        missed_count=missed,
        states=STATES,
        notice=request.query.get("notice", ""),
        many=int(many) if many.isascii() and many.isdigit() and len(many) <= 9 else 0,
    )


async def show_rows(request: web.Request) -> web.Response:
    """GET: the rows alone, which an open page asks for on news. Raises ForbiddenError."""
    return page(request, "deliveries_rows.html", **await _list(request))


async def _list(request: web.Request) -> Mapping[str, Any]:
    parts, visit, query = request.app[PARTS], visit_of(request), request.query
    world, person = parts.world(), visit.person
    state = _state(query.get("state", ""))
    endpoint = query.get("endpoint", "").strip().replace("\0", "")[:LONGEST_ENDPOINT]
    before = ids([query["before"]])[0] if query.get("before") else None
    async with parts.store.read() as session:
        rows, following = await deliveries.listed(session, world, person, state, endpoint or None, before, ROWS)
    asked = {**({"state": state} if state else {}), **({"endpoint": endpoint} if endpoint else {})}
    here = {**asked, **({"before": str(before)} if before else {})}
    known = {hook.name for hook in world.hooks if person.team_id in {None, hook.team_id}}
    return {
        "rows": rows,
        "state": state,
        "endpoint": endpoint,
        "endpoints": sorted(known),
        "teams": {team.id: team.label for team in world.teams.values()} if person.team_id is None else {},
        "rows_address": f"/deliveries/rows?{urlencode(here)}",
        "first_address": f"/deliveries?{urlencode(asked)}" if before else "",
        "next_address": f"/deliveries?{urlencode({**asked, 'before': str(following)})}" if following else "",
    }


async def show_delivery(request: web.Request) -> web.Response:
    """GET: one of them, with what is sent. Raises NotFoundError, ForbiddenError."""
    parts, visit = request.app[PARTS], visit_of(request)
    async with parts.store.read() as session:
        row = await deliveries.one(session, visit.person, ids([request.match_info["id"]])[0])
        missed = await lists.open_item_count(session, visit.sight)
    payload = json.dumps(row.payload, indent=2, ensure_ascii=False)
    kind, _, number = row.line.partition(":")
    order_id = int(number) if kind == "order" and number.isascii() and number.isdigit() else None
    return page(request, "delivery.html", row=row, payload=payload, order_id=order_id, missed_count=missed)


async def change_deliveries(request: web.Request) -> web.StreamResponse:
    """POST: chosen ones are sent again or discarded. Raises NotFoundError, ForbiddenError, RefusedError."""
    parts = request.app[PARTS]
    form = await read_form(request)
    chosen, what = ids(form.get("id", [])), first(form, "do")
    if what not in get_args(Change):
        raise web.HTTPBadRequest
    asked = {"state": _state(first(form, "state")) or "", "endpoint": first(form, "endpoint")[:LONGEST_ENDPOINT]}
    kept = {name: value for name, value in asked.items() if value}
    if not chosen:
        return _to({**kept, "notice": "none_chosen"})
    person = visit_of(request).person
    rows, news = await deliveries.change(parts.store, person, chosen, cast("Change", what), parts.clock())
    for each in news:
        parts.live.publish(each)
    return _to({**kept, "notice": what, "many": str(len(rows))})


def _to(query: Mapping[str, str]) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/deliveries?{urlencode(query)}"})


def _state(text: str) -> State | None:
    """Raises HTTPBadRequest for what the page never asks."""
    if not text:
        return None
    if text not in STATES:
        raise web.HTTPBadRequest
    return text
