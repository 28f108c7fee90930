"""Calls that an agent places from any page: the button's answer, and the strip that says how his call goes."""

from __future__ import annotations

from aiohttp import web

from daemon.errors import RefusedError
from daemon.handlers.dialling import NotPlacedError, Wish
from daemon.storage import lists
from daemon.web.addresses import safe_next
from daemon.web.forms import first, ids, read_form
from daemon.web.parts import PARTS, visit_of
from daemon.web.rendering import page


def add_routes(router: web.UrlDispatcher) -> None:
    """What the buttons and the strip ask."""
    router.add_post("/dial", dial)
    router.add_get("/dialling", show_call)
    router.add_post("/dialling/put-away", put_away)


async def dial(request: web.Request) -> web.StreamResponse:
    """POST: place a call; then where he was, or the strip (htmx). Raises NotFoundError, ForbiddenError."""
    form = await read_form(request)
    item, order, customer = (_id(form, name) for name in ("item", "order", "customer"))
    back = safe_next(first(form, "back"))
    try:
        await request.app[PARTS].dialler.call(
            visit_of(request).person, Wish(first(form, "number"), item, order, customer)
        )
    except NotPlacedError as refusal:
        detail = refusal.detail if refusal.trouble in {"in_call", "called_back"} else ""
        return await _show(request, back, 409, refusal.trouble, detail)
    except RefusedError:
        return await _show(request, back, 409, "closed")
    return await _show(request, back)


async def show_call(request: web.Request) -> web.StreamResponse:
    """GET: the strip."""
    return page(request, "dialling.html") if "HX-Request" in request.headers else await _show(request, "/", 200)


async def put_away(request: web.Request) -> web.StreamResponse:
    """POST: he has seen how it ended."""
    form, agent = await read_form(request), visit_of(request).person.agent
    if agent is None:
        raise web.HTTPForbidden
    request.app[PARTS].dialler.put_away(agent.id)
    return await _show(request, safe_next(first(form, "back")))


def _id(form: dict[str, list[str]], name: str) -> int | None:
    value = first(form, name)
    return ids([value])[0] if value else None


async def _show(
    request: web.Request, back: str, status: int = 303, trouble: str = "", detail: str = ""
) -> web.StreamResponse:
    """Where he was; with a trouble a page that says it. To htmx, which swaps only what succeeded, the strip."""
    if "HX-Request" in request.headers:
        return page(request, "dialling.html", dial_trouble=trouble, dial_detail=detail)
    if status == 303:
        return web.Response(status=303, headers={"Location": back})
    async with request.app[PARTS].store.read() as session:
        count = await lists.open_item_count(session, visit_of(request).sight)
    return page(
        request,
        "dialling_page.html",
        status=status,
        dial_trouble=trouble,
        dial_detail=detail,
        back=back,
        missed_count=count,
    )
