"""One work order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from daemon.storage import lists
from daemon.web.addresses import ID
from daemon.web.forms import ids
from daemon.web.pages.timeline import named_values, timeline
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get(f"/work-orders/{ID}", show_work_order)
    router.add_get(f"/work-orders/{ID}/content", show_work_order_content)


async def show_work_order(request: web.Request) -> web.Response:
    """One order: the whole page."""
    return page(request, "work_order.html", **await _one(request))


async def show_work_order_content(request: web.Request) -> web.Response:
    """One order: what an open page asks for on news."""
    return page(request, "work_order_content.html", **await _one(request))


async def _one(request: web.Request) -> Mapping[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    order_id = ids([request.match_info["id"]])[0]
    async with parts.store.read() as session:
        order = await lists.work_order(session, visit.sight, order_id)
        if order is None:
            raise web.HTTPNotFound
        labels = await lists.labels_of(session, [order])
        fields = await lists.fields_of_order(session, order_id)
        history = await lists.history_of_order(session, order_id)
        item = await lists.missed_item(session, visit.sight, order.missed_item_id) if order.missed_item_id else None
        calls = await lists.calls_of_item(session, item.id) if item else ()
        count = await lists.open_item_count(session, visit.sight)
    world = parts.world()
    template = world.templates.get(order.template_id)
    queues = {(call.pbx, call.queue): world.queue(call.pbx, call.queue) for call in calls}
    return {
        "order": order,
        "labels": labels,
        "fields": named_values(fields, template, request[LANGUAGE]),
        "history": timeline(history, world, template, labels, request[LANGUAGE]),
        "item": item,
        "calls": calls,
        "queue_labels": {key: known.label if known else key[1] for key, known in queues.items()},
        "missed_count": count,
    }
