"""Missed calls: the list (open, closed), what is looked for in it, make an order, dismiss many with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from daemon.errors import NotFoundError, RefusedError
from daemon.handlers.missed import create_order, dismiss
from daemon.handlers.world import World
from daemon.orders.template import Template
from daemon.storage import lists
from daemon.storage.lists import ItemContext, ItemState, Place, Sight
from daemon.storage.missed_lists import ItemFilter, find_items
from daemon.storage.outgoing import Tries, tries_of_items
from daemon.storage.tables import MissedItemRow, WorkOrderRow
from daemon.web import words
from daemon.web.addresses import ID
from daemon.web.cursors import from_cursor, to_cursor
from daemon.web.forms import first, ids, read_form
from daemon.web.parts import PARTS, visit_of
from daemon.web.rendering import page

ROWS: Final = 30
MOST_AT_ONCE: Final = 200
LONGEST_REASON: Final = 500
LONGEST_WORDS: Final = 200


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/missed-calls", show_missed_calls)
    router.add_get("/missed-calls/rows", show_missed_rows)
    router.add_get("/missed-calls/count", show_missed_count)
    router.add_get("/missed-calls/dismiss", ask_dismissal)
    router.add_post("/missed-calls/dismiss", dismiss_items)
    router.add_post(f"/missed-calls/{ID}/work-order", make_order)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list: the item, the queues' names, its order if he may open it, and what may be done."""

    item: MissedItemRow
    queues: tuple[str, ...]
    order: WorkOrderRow | None
    order_is_visible: bool
    may_act: bool
    template: Template | None
    tries: Tries | None


async def show_missed_calls(request: web.Request) -> web.Response:
    """The whole page."""
    return page(request, "missed_calls.html", **await _list(request))


async def show_missed_rows(request: web.Request) -> web.Response:
    """The list alone, which an open page asks for on news."""
    return page(request, "missed_rows.html", **await _list(request))


async def show_missed_count(request: web.Request) -> web.Response:
    """The number in the navigation."""
    async with request.app[PARTS].store.read() as session:
        count = await lists.open_item_count(session, visit_of(request).sight)
    return page(request, "missed_count.html", missed_count=count)


async def _list(request: web.Request) -> Mapping[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    state: ItemState = "closed" if request.query.get("tab") == "closed" else "open"
    after = place(request)
    wanted = _wanted(request)
    async with parts.store.read() as session:
        found = await find_items(session, visit.sight, state, wanted, after, ROWS)
        contexts = await lists.item_contexts(session, [item.id for item in found.rows])
        tries = await tries_of_items(session, [item.id for item in found.rows])
        count = await lists.open_item_count(session, visit.sight)
    world = parts.world()
    may_act = visit.person.agent is not None and state == "open"
    lines = [_line(each, contexts[each.id], tries.get(each.id), visit.sight, world, may_act) for each in found.rows]
    asked = {"tab": state, **_pairs(wanted)}
    here = {**asked, **({"cursor": request.query["cursor"]} if after else {})}
    return {
        "tab": state,
        "wanted": wanted,
        "queues": _queues(world, visit.sight),
        "lines": lines,
        "templates": _templates(world, visit.sight),
        "may_act": may_act,
        "agents": world.agents,
        "missed_count": count,
        "rows_address": f"/missed-calls/rows?{urlencode(here)}",
        "first_page": after is None,
        "first_address": f"/missed-calls?{urlencode(asked)}",
        "next_address": _next(asked, found.next),
        "teams": _teams(world, visit.sight),
        "notice": request.query.get("notice", ""),
    }


def _wanted(request: web.Request) -> ItemFilter:
    """What is looked for. Raises HTTPBadRequest for what the form never sends."""
    reason = request.query.get("reason", "")
    if reason and reason not in words.REASONS:
        raise web.HTTPBadRequest
    queue, text = (request.query.get(name, "").strip().replace("\0", "") for name in ("queue", "q"))
    return ItemFilter(queue[:LONGEST_WORDS], reason, text[:LONGEST_WORDS])


def _pairs(wanted: ItemFilter) -> Mapping[str, str]:
    pairs = {"queue": wanted.queue, "reason": wanted.reason, "q": wanted.words}
    return {name: value for name, value in pairs.items() if value}


def _next(asked: Mapping[str, str], following: Place | None) -> str:
    return f"/missed-calls?{urlencode({**asked, 'cursor': to_cursor(following)})}" if following else ""


def _queues(world: World, sight: Sight) -> Sequence[tuple[str, str]]:
    """The queues that somebody may choose: name and label; one that is on several PBXs once."""
    queues = (queue for queue in world.queues.values() if sight.team_id in {None, queue.team_id})
    return sorted({queue.name: queue.label for queue in queues}.items(), key=lambda each: each[1].casefold())


def place(request: web.Request) -> Place | None:
    """Where in a list to go on. Raises HTTPBadRequest for a cursor that we did not give out."""
    try:
        return from_cursor(request.query["cursor"]) if "cursor" in request.query else None
    except ValueError:
        raise web.HTTPBadRequest from None


def _line(
    item: MissedItemRow, context: ItemContext, tries: Tries | None, sight: Sight, world: World, may_act: bool
) -> Line:
    queues = [world.queue(pbx, name) for pbx, name in context.queues]
    labels = [known.label if known else name for known, (_, name) in zip(queues, context.queues, strict=True)]
    ids_ = [known.template_id for known in queues if known and known.name.casefold() == item.queue.casefold()]
    template = world.templates.get(ids_[-1] or 0) if ids_ else None
    visible = context.order is not None and sight.sees(context.order)
    names = tuple(dict.fromkeys(labels)) or (item.queue,)
    return Line(item, names, context.order, visible, may_act, template, tries)


def _templates(world: World, sight: Sight) -> Sequence[Template]:
    return world.templates_of(sight.team_id)


def _teams(world: World, sight: Sight) -> Mapping[int, str]:
    """Names of teams, for those who see several."""
    return {team.id: team.label for team in world.teams.values()} if sight.team_id is None else {}


async def make_order(request: web.Request) -> web.StreamResponse:
    """POST: the order of an item, then its page. Raises NotFoundError, ForbiddenError, RefusedError."""
    parts, visit = request.app[PARTS], visit_of(request)
    form = await read_form(request)
    chosen = ids([value for value in form.get("template", []) if value])
    item_id = ids([request.match_info["id"]])[0]
    template_id = chosen[0] if chosen else None
    order_id, news = await create_order(parts.store, parts.world(), visit.person, item_id, template_id, parts.clock())
    for each in news:
        parts.live.publish(each)
    async with parts.store.read() as session:
        visible = await lists.work_order(session, visit.sight, order_id) is not None
    return web.Response(
        status=303, headers={"Location": f"/work-orders/{order_id}" if visible else "/missed-calls?notice=has_order"}
    )


async def ask_dismissal(request: web.Request) -> web.Response:
    """GET: which ones, and why? A page of its own, or a part of the list's page (htmx)."""
    wanted = ids(request.query.getall("id", []))
    if not wanted:
        raise web.HTTPSeeOther("/missed-calls?notice=none_chosen")
    return await _show_dismissal(request, wanted, "")


async def _show_dismissal(request: web.Request, wanted: Sequence[int], trouble: str, status: int = 200) -> web.Response:
    parts, visit = request.app[PARTS], visit_of(request)
    if visit.person.agent is None:
        raise web.HTTPForbidden
    async with parts.store.read() as session:
        items = await lists.missed_items_by_id(session, visit.sight, wanted[:MOST_AT_ONCE])
    still_open = [item for item in items if item.state == "open"]
    if not items:
        message = "there are no such missed calls"
        raise NotFoundError(message)
    name = "dismiss_form.html" if "HX-Request" in request.headers else "dismiss.html"
    return page(
        request,
        name,
        status=status,
        items=still_open,
        gone=len(items) - len(still_open),
        trouble=trouble,
        reasons=words.DISMISSALS,
    )


async def dismiss_items(request: web.Request) -> web.StreamResponse:
    """POST: all of them, or none; with a trouble the question is asked again."""
    parts, visit = request.app[PARTS], visit_of(request)
    form = await read_form(request)
    wanted, reason = ids(form.get("id", [])), (first(form, "other") or first(form, "reason")).strip()
    if not wanted:
        raise web.HTTPSeeOther("/missed-calls?notice=none_chosen")
    if not reason or len(reason) > LONGEST_REASON:
        return await _show_dismissal(request, wanted, "reason", 422)
    try:
        news = await dismiss(parts.store, parts.world(), visit.person, wanted[:MOST_AT_ONCE], reason, parts.clock())
    except RefusedError:
        return await _show_dismissal(request, wanted, "gone", 409)
    for each in news:
        parts.live.publish(each)
    raise web.HTTPSeeOther("/missed-calls?notice=dismissed")
