"""What is done with a work order on its page: one form, a button for each action that is allowed now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from daemon.errors import Fault, ForbiddenError, InvalidError, NotFoundError, RefusedError, StaleError
from daemon.handlers.inspection import look
from daemon.handlers.work_orders import act
from daemon.orders.commands import (
    Assign,
    Command,
    Denied,
    Done,
    Pending,
    Reply,
    ReturnToGroup,
    ReturnToNode,
    Verified,
)
from daemon.orders.fields import has_controls
from daemon.web.addresses import ID
from daemon.web.forms import first, ids, read_form
from daemon.web.pages.work_order import contents
from daemon.web.parts import PARTS, visit_of
from daemon.web.rendering import page

LONGEST_NOTE: Final = 10_000
PLAIN: Final[Mapping[str, type[Command]]] = {
    "pending": Pending,
    "denied": Denied,
    "return_to_node": ReturnToNode,
    "return_to_group": ReturnToGroup,
}

Form = dict[str, list[str]]


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_post(f"/work-orders/{ID}/actions", do)


async def do(request: web.Request) -> web.StreamResponse:
    """POST: then its page again, or the list where it left his sight. A refusal shows the page with what he typed.

    Raises NotFoundError.
    """
    parts, visit = request.app[PARTS], visit_of(request)
    order_id = ids([request.match_info["id"]])[0]
    form = await read_form(request)
    note = first(form, "note").replace("\r\n", "\n").strip()
    try:
        command = read_command(form, note)
        version = None if isinstance(command, Reply) else ids([first(form, "version")])[0]
        news = await act(parts.store, parts.world(), visit.person, order_id, command, parts.clock(), version)
    except StaleError:
        return page(request, "work_order.html", status=409, **await contents(request, note, "stale"))
    except InvalidError as error:
        return page(request, "work_order.html", status=422, **await contents(request, note, error.faults[0].rule))
    except (ForbiddenError, RefusedError) as error:
        status = 403 if isinstance(error, ForbiddenError) else 409
        return page(request, "work_order.html", status=status, **await contents(request, note, "refused", str(error)))
    for each in news:
        parts.live.publish(each)
    async with parts.store.read() as session:
        try:
            await look(session, parts.world(), visit.person, order_id)
        except NotFoundError:
            raise web.HTTPSeeOther("/work-orders?notice=gone") from None
    raise web.HTTPSeeOther(f"/work-orders/{order_id}?notice=done")


def read_command(form: Form, note: str) -> Command:
    """The command that a form means. Raises InvalidError, HTTPBadRequest."""
    if len(note) > LONGEST_NOTE or has_controls(note):
        raise _fault("note", "too_long" if len(note) > LONGEST_NOTE else "control")
    match first(form, "action"):
        case "reply" if not note:
            raise _fault("note", "note_required")
        case "reply":
            return Reply(note=note)
        case "assign":
            chosen = ids([value for value in form.get("agent", []) if value])
            if not chosen:
                raise _fault("agent", "agent_required")
            return Assign(agent_id=chosen[0], note=note)
        case "done":
            groups = ids([value for value in form.get("group", []) if value])
            return Done(group_id=groups[0] if groups else None, successor=bool(first(form, "successor")), note=note)
        case "verified":
            asked = "asks_successor" in form
            return Verified(successor=bool(first(form, "successor")) if asked else None, note=note)
        case "denied" if not note:
            raise _fault("note", "reason_required")
        case action if action in PLAIN:
            return PLAIN[action](note=note)
    raise web.HTTPBadRequest


def _fault(where: str, rule: str) -> InvalidError:
    return InvalidError([Fault(where, rule, rule)])
