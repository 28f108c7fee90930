"""Work orders of one group are given to one of its agents: the question who gets them, and the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers.assigning import loads, refusals
from daemon.handlers.work_orders import assign_many
from daemon.storage import lists
from daemon.storage.tables import WorkOrderRow
from daemon.web.addresses import safe_next
from daemon.web.forms import first, ids, read_form
from daemon.web.parts import PARTS, visit_of
from daemon.web.rendering import page

MOST_AT_ONCE: Final = 200
LONGEST_NOTE: Final = 2000


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/work-orders/assign", ask_who)
    router.add_post("/work-orders/assign", assign)


async def ask_who(request: web.Request) -> web.Response:
    """GET: which orders, and who gets them? A page of its own, or a part of the list's page (htmx)."""
    back = _back(request.query.get("back", ""))
    wanted = ids(request.query.getall("id", []))
    if not wanted:
        raise web.HTTPSeeOther(_with_notice(back, "none_chosen"))
    return await _show(request, wanted, back)


async def assign(request: web.Request) -> web.StreamResponse:
    """POST: all of them, or none; with a trouble the question is asked again."""
    parts, visit = request.app[PARTS], visit_of(request)
    form = await read_form(request)
    wanted, agent, back = ids(form.get("id", [])), ids(form.get("agent", [])), _back(first(form, "back"))
    note = first(form, "note").strip()
    if not wanted:
        raise web.HTTPSeeOther(_with_notice(back, "none_chosen"))
    if not agent or len(wanted) > MOST_AT_ONCE or len(note) > LONGEST_NOTE:
        trouble = "agent" if not agent else ("many" if len(wanted) > MOST_AT_ONCE else "note")
        return await _show(request, wanted, back, trouble, note, 422)
    try:
        news = await assign_many(parts.store, parts.world(), visit.person, wanted, agent[0], note, parts.clock())
    except (NotFoundError, ForbiddenError, RefusedError):
        return await _show(request, wanted, back, "nothing_done", note, 409)
    for each in news:
        parts.live.publish(each)
    raise web.HTTPSeeOther(_with_notice(back, "assigned"))


async def _show(
    request: web.Request, wanted: Sequence[int], back: str, trouble: str = "", note: str = "", status: int = 200
) -> web.Response:
    parts = request.app[PARTS]
    async with parts.store.read() as session:
        told = await _question(session, request, wanted[:MOST_AT_ONCE])
    name = "assign_form.html" if "HX-Request" in request.headers else "assign.html"
    return page(request, name, status=status, **told, back=back, trouble=trouble, note=note, most=MOST_AT_ONCE)


async def _question(session: AsyncSession, request: web.Request, wanted: Sequence[int]) -> Mapping[str, Any]:
    """Which of these can be given, to whom, and why the others can't. Raises NotFoundError, HTTPForbidden."""
    parts, visit = request.app[PARTS], visit_of(request)
    world = parts.world()
    if visit.person.agent is None or not visit.person.agent.leads:
        raise web.HTTPForbidden
    query = select(WorkOrderRow).where(WorkOrderRow.id.in_(wanted), visit.sight.of_order())
    orders = (await session.scalars(query.order_by(WorkOrderRow.id))).all()
    if not orders:
        message = "there are no such work orders"
        raise NotFoundError(message)
    refused = dict(await refusals(session, world, visit.person, orders))
    group = next((order.group_id for order in orders if order.id not in refused), None)
    refused |= {each.id: "other_group" for each in orders if each.id not in refused and each.group_id != group}
    agents = await loads(session, world, group, parts.presence.online) if group is not None else ()
    return {
        "orders": [order for order in orders if order.id not in refused],
        "refused": [(order, refused[order.id]) for order in orders if order.id in refused],
        "gone": len(set(wanted)) - len(orders),
        "group": world.groups[group].label if group is not None else "",
        "agents": agents,
        "missed_count": await lists.open_item_count(session, visit.sight),
    }


def _back(wanted: str) -> str:
    """The list to go back to."""
    return safe_next(wanted) if wanted.startswith("/work-orders") else "/work-orders"


def _with_notice(back: str, notice: str) -> str:
    return f"{back}{'&' if '?' in back else '?'}notice={notice}"
