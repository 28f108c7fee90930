"""Changing what an order says, while others may do so too: what they changed meanwhile is shown, never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from daemon.errors import Fault, ForbiddenError, InvalidError, RefusedError, StaleError
from daemon.handlers.contents import Wish, edit
from daemon.handlers.inspection import Seen, look
from daemon.handlers.labels import labels_of
from daemon.orders.commands import Action
from daemon.orders.fields import label
from daemon.storage import customers, lists
from daemon.storage.tables import CustomerRow
from daemon.web.addresses import ID
from daemon.web.api.order_models import WorkOrderChange
from daemon.web.api.reading import model_of
from daemon.web.forms import first, ids, read_form
from daemon.web.guard import wants_fragment
from daemon.web.pages.order_fields import PREFIX, by_place, entries
from daemon.web.pages.timeline import timeline
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page
from daemon.web.words import CONTENTS

OWN: Final = ("title", "priority", "cc", "customer")
MOST_TOLD: Final = 5  # entries that are told above the form; the others are in the history
BEFORE: Final = "was."
KEEP: Final = "theirs."

Form = dict[str, list[str]]
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that somebody else changed while this person was writing: as it was, as it is, as he wants it."""

    name: str
    label: str
    was: str
    now: str
    mine: str


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get(f"/work-orders/{ID}/edit", show_edit)
    router.add_post(f"/work-orders/{ID}/edit", save)
    router.add_get(f"/work-orders/{ID}/meanwhile", show_meanwhile)


async def show_edit(request: web.Request) -> web.Response:
    """GET: the form, a page of its own or a part for the dialog. Raises NotFoundError, HTTPForbidden."""
    seen, now = await _now(request)
    return await _show(request, seen, now, now)


async def show_meanwhile(request: web.Request) -> web.Response:
    """GET: what others did while somebody writes, from version `since` on. Raises NotFoundError."""
    parts, visit = request.app[PARTS], visit_of(request)
    since, world = ids([request.query.get("since", "")])[0], parts.world()
    async with parts.store.read() as session:
        seen = await look(session, world, visit.person, ids([request.match_info["id"]])[0])
        history = await lists.history_of_order(session, seen.row.id, since, MOST_TOLD)
        labels = await labels_of(session, world, [seen.row])
    told = timeline(history, world, seen.terms.template, labels, request[LANGUAGE])
    return page(request, "order_meanwhile.html", history=told)


async def save(request: web.Request) -> web.StreamResponse:
    """POST: then the order's page; or the form again with what is wrong, or with what others changed.

    Raises NotFoundError, HTTPForbidden.
    """
    parts, visit = request.app[PARTS], visit_of(request)
    form = await read_form(request)
    seen, now = await _now(request)
    was = {name: first(form, BEFORE + name).replace("\r\n", "\n") for name in now if BEFORE + name in form}
    mine = {name: first(form, name).replace("\r\n", "\n") for name in now if name in form}
    mine |= {name: now[name] for name in now if KEEP + name in form}
    version = ids([first(form, "version")])[0]
    conflicts = [] if version == seen.row.version else _differences(request, seen, was, now, mine)
    unsettled = [each for each in conflicts if KEEP + each.name not in form and version != seen.row.version]
    changed = {name: value for name, value in mine.items() if value != was.get(name, now[name])}
    if unsettled:
        return await _show(request, seen, now, {**now, **changed}, differences=unsettled, status=409)
    try:
        news = await edit(
            parts.store, parts.world(), visit.person, seen.row.id, _wish(changed), parts.clock(), seen.row.version
        )
    except StaleError:
        return await save(request)
    except InvalidError as error:
        return await _show(request, seen, now, {**now, **changed}, faults=by_place(error), status=422)
    except (ForbiddenError, RefusedError) as error:
        return await _show(request, seen, now, {**now, **changed}, trouble=str(error), status=409)
    for each in news:
        parts.live.publish(each)
    raise web.HTTPSeeOther(f"/work-orders/{seen.row.id}?notice=saved")


async def _now(request: web.Request) -> tuple[Seen, Values]:
    """The order as it is, and its values by their names in the form."""
    parts, visit = request.app[PARTS], visit_of(request)
    async with parts.store.read() as session:
        seen = await look(session, parts.world(), visit.person, ids([request.match_info["id"]])[0])
    if Action.EDIT not in seen.actions:
        raise web.HTTPForbidden
    row = seen.row
    own = {"title": row.title, "priority": str(row.priority), "cc": row.cc, "customer": str(row.customer_id or "")}
    fields = {
        PREFIX + each.identity: seen.fields.get(each.identity, "")
        for each in seen.terms.template.fields
        if each.type != "upload"
    }
    return seen, own | fields


def _wish(changed: Values) -> Wish:
    """Raises InvalidError by the rules of the API."""
    given: dict[str, Any] = {name: changed[name] for name in OWN if name in changed}
    if "priority" in given:
        given["priority"] = int(given["priority"]) if given["priority"].isdecimal() else None
    if "customer" in given:
        given["customer"] = int(given["customer"]) if given["customer"].isdecimal() else None
    if "title" in given:
        given["title"] = given["title"].strip()
    fields = {name.removeprefix(PREFIX): value for name, value in changed.items() if name.startswith(PREFIX)}
    body = model_of({**given, "fields": fields}, WorkOrderChange)
    if "priority" in given and body.priority is None:
        raise InvalidError([Fault("/priority", "1 to 5", "option")])
    names = {"title": "title", "customer": "customer_id", "cc": "cc", "priority": "priority"}
    return Wish({names[name]: getattr(body, name) for name in given}, body.fields)


def _differences(request: web.Request, seen: Seen, was: Values, now: Values, mine: Values) -> list[Difference]:
    """Where both have changed a value, to different ones."""
    language = request[LANGUAGE]
    labels = {PREFIX + each.identity: label(each, language.tag, "en") for each in seen.terms.template.fields}
    own = {"title": "title", "priority": "priority", "cc": "cc", "customer": "customer_id"}
    labels |= {name: language.word(CONTENTS[code]) for name, code in own.items()}
    return [
        Difference(name, labels.get(name, name), before, now[name], mine[name])
        for name, before in was.items()
        if name in mine and now[name] != before and mine[name] not in {before, now[name]}
    ]


async def _show(
    request: web.Request,
    seen: Seen,
    now: Values,
    values: Values,
    *,
    differences: list[Difference] | None = None,
    faults: Values | None = None,
    trouble: str = "",
    status: int = 200,
) -> web.Response:
    parts, visit, template = request.app[PARTS], visit_of(request), seen.terms.template
    async with parts.store.read() as session:
        chosen = int(values["customer"]) if values["customer"].isdecimal() else None
        customer: CustomerRow | None = await customers.customer(session, visit.sight, chosen) if chosen else None
        count = await lists.open_item_count(session, visit.sight)
    fields = {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
    return page(
        request,
        "order_edit_form.html" if wants_fragment(request) else "order_edit.html",
        status=status,
        order=seen.row,
        template=template,
        now_values=now,
        values=values,
        entries=entries(template, fields, faults or {}),
        faults=faults or {},
        differences=differences or [],
        chosen=customer,
        customers=[customer] if customer else [],
        trouble=trouble,
        missed_count=count,
    )
