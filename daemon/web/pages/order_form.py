"""The form that creates an order, from wherever: popup, campaign, missed calls, My work orders.

`/work-orders/new` takes template, missed (an item), call, customer, module, group and title; what is not said is
asked. Sent twice, it makes one order: the form carries a receipt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import ForbiddenError, InvalidError, NotFoundError, RefusedError
from daemon.handlers.live import News
from daemon.handlers.missed import create_order
from daemon.handlers.work_orders import Wanted
from daemon.orders.creation import New
from daemon.orders.number import Number, read_number
from daemon.orders.template import Template
from daemon.storage import customers, lists
from daemon.storage.receipts import Receipt
from daemon.storage.tables import CallRow, CustomerRow, MissedItemRow
from daemon.storage.work_orders import Origin
from daemon.web.api.order_models import NewWorkOrder
from daemon.web.api.reading import model_of
from daemon.web.forms import ids, read_form
from daemon.web.pages.order_fields import by_place, defaults, entries, written
from daemon.web.parts import CREATOR, PARTS, Visit, visit_of
from daemon.web.rendering import page

NUMBERS: Final = ("template", "missed", "call", "customer", "module", "group")
TEXTS: Final = ("title", "description", "cc", "priority", "find", "receipt")
MOST_FOUND: Final = 10
LONGEST_SEARCH: Final = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of the order so far: ids by name, texts by name, custom fields by identity."""

    numbers: Mapping[str, int] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None

    @property
    def address(self) -> Mapping[str, int]:
        """What links to the form carry on."""
        return {name: value for name, value in self.numbers.items() if name != "template"}


@dataclass(frozen=True, slots=True)
class Source:
    """What the order comes from: a missed caller or a call, his number, and customers who have it."""

    item: MissedItemRow | None
    call: CallRow | None
    number: Number | None
    title: str


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/work-orders/new", show_form)
    router.add_post("/work-orders", make)
    router.add_get("/customers/find", find_customers)


async def show_form(request: web.Request) -> web.Response:
    """GET: the form, or which template is meant. Raises HTTPForbidden for who creates nothing, NotFoundError."""
    query = {name: [request.query[name]] for name in (*NUMBERS, *TEXTS) if name in request.query}
    return await _show(request, _draft(query, None))


async def find_customers(request: web.Request) -> web.Response:
    """GET: customers by the beginning of their name or by number, to choose from."""
    visit, text = visit_of(request), request.query.get("find", "")[:LONGEST_SEARCH].strip()
    async with request.app[PARTS].store.read() as session:
        found = await _found(session, request, visit, text)
    return page(request, "order_customers.html", customers=found, chosen=None, find=text)


async def make(request: web.Request) -> web.StreamResponse:
    """POST: then the order's page. Raises HTTPForbidden, NotFoundError."""
    parts, visit = request.app[PARTS], visit_of(request)
    form = await read_form(request)
    draft = _draft(form, written(form))
    template = _template(request, visit, draft)
    if template is None or "find_now" in form:
        return await _show(request, draft)
    try:
        order_id, news = await _create(request, visit, draft, template)
    except InvalidError as error:
        return await _show(request, draft, by_place(error), status=422)
    except RefusedError as error:
        return await _show(request, draft, trouble=str(error), status=409)
    for each in news:
        parts.live.publish(each)
    async with parts.store.read() as session:
        visible = await lists.work_order(session, visit.sight, order_id) is not None
    raise web.HTTPSeeOther(f"/work-orders/{order_id}?notice=made" if visible else "/work-orders?notice=made_elsewhere")


async def _create(request: web.Request, visit: Visit, draft: Draft, template: Template) -> tuple[int, tuple[News, ...]]:
    parts, world, texts, numbers = request.app[PARTS], request.app[PARTS].world(), draft.texts, draft.numbers
    body = model_of(
        {
            "template": template.id,
            "title": texts.get("title", "").strip(),
            "description": texts.get("description", "").replace("\r\n", "\n"),
            "group": numbers.get("group") if not template.has_flow else None,
            "customer": numbers.get("customer"),
            "module": numbers.get("module"),
            "call": numbers.get("call"),
            "cc": texts.get("cc", ""),
            "priority": int(texts["priority"]) if texts.get("priority", "").isdecimal() else None,
            "fields": {name: value[:100_000] for name, value in (draft.fields or {}).items()},
        },
        NewWorkOrder,
    )
    new = New(
        template=template,
        title=body.title,
        group_id=body.group,
        customer_id=body.customer,
        cc=body.cc,
        priority=body.priority,
    )
    origin = Origin(description=body.description, module_id=body.module, call_id=body.call)
    wanted = Wanted(new=new, origin=origin, fields=body.fields)
    receipt = _receipt(visit, draft)
    if "missed" in numbers:
        item = numbers["missed"]
        return await create_order(parts.store, world, visit.person, item, template.id, parts.clock(), receipt, wanted)
    created = await request.app[CREATOR].create(world, visit.person, wanted, receipt, parts.clock())
    return created.id, created.news


def _receipt(visit: Visit, draft: Draft) -> Receipt | None:
    key = draft.texts.get("receipt", "")
    if not key:
        return None
    said = repr((sorted(draft.numbers.items()), sorted(draft.texts.items()), sorted((draft.fields or {}).items())))
    return Receipt(visit.who, f"form:{key[:64]}", sha256(said.encode("utf-8", "replace")).hexdigest())


# --- what the form shows -----------------------------------------------------------------------------------------


async def _show(
    request: web.Request,
    draft: Draft,
    faults: Mapping[str, str] | None = None,
    trouble: str = "",
    status: int = 200,
) -> web.Response:
    parts, visit, world = request.app[PARTS], visit_of(request), request.app[PARTS].world()
    if visit.person.agent is None:
        raise ForbiddenError("orders are created by agents; this account is no agent's")
    template = _template(request, visit, draft)
    async with parts.store.read() as session:
        source = await _source(session, request, visit, draft)
        count = await lists.open_item_count(session, visit.sight)
        chosen, found = await _customers(session, request, visit, draft, source)
    common: dict[str, Any] = {"draft": draft, "source": source, "missed_count": count, "trouble": trouble}
    if template is None:
        groups = {id_: group.label for id_, group in world.groups.items()}
        return page(
            request, "order_templates.html", templates=world.templates_of(visit.person.team_id), groups=groups, **common
        )
    texts = {"title": source.title, "priority": str(template.priority), "cc": "", **draft.texts}
    texts["receipt"] = texts.get("receipt") or parts.random_token()
    return page(
        request,
        "order_form.html",
        status=status,
        template=template,
        texts=texts,
        entries=entries(
            template, draft.fields if draft.fields is not None else defaults(template.fields), faults or {}
        ),
        faults=faults or {},
        groups=_groups(request, template),
        group=draft.numbers.get("group") or _own_group(request, visit, template),
        modules=[each for each in world.modules.values() if each.team_id == template.team_id]
        if visit.person.agent.leads
        else [],
        chosen=chosen,
        customers=found,
        **common,
    )


def _draft(form: Mapping[str, Sequence[str]], fields: Mapping[str, str] | None) -> Draft:
    numbers = {name: ids([form[name][0]])[0] for name in NUMBERS if form.get(name) and form[name][0]}
    return Draft(numbers, {name: form[name][0] for name in TEXTS if form.get(name)}, fields)


def _template(request: web.Request, visit: Visit, draft: Draft) -> Template | None:
    wanted = draft.numbers.get("template")
    templates = request.app[PARTS].world().templates_of(visit.person.team_id)
    return next((each for each in templates if each.id == wanted), None)


async def _source(session: AsyncSession, request: web.Request, visit: Visit, draft: Draft) -> Source:
    world, numbers = request.app[PARTS].world(), draft.numbers
    item = await lists.missed_item(session, visit.sight, numbers["missed"]) if "missed" in numbers else None
    seen = await lists.call(session, visit.sight, numbers["call"]) if "call" in numbers else None
    call = seen.call if seen else None
    if ("missed" in numbers and item is None) or ("call" in numbers and call is None):
        raise NotFoundError("there is no such call")
    row = item or call
    if row is None:
        return Source(None, None, None, "")
    team = world.teams.get(visit.person.team_id or 0)
    number = read_number(row.number, team.region if team else "ZZ", team.last_digits if team else 8)
    queue = world.queue(call.pbx, call.queue) if call else None
    who = row.name or row.e164 or row.number
    return Source(item, call, number, f"{who} · {queue.label if queue else row.queue}".strip(" ·")[:200])


async def _customers(
    session: AsyncSession, request: web.Request, visit: Visit, draft: Draft, source: Source
) -> tuple[CustomerRow | None, list[CustomerRow]]:
    """The one that is chosen, and those to choose from."""
    chosen = await customers.customer(session, visit.sight, draft.numbers.get("customer", 0))
    found = {chosen.id: chosen} if chosen else {}
    if source.number is not None and visit.person.team_id is not None:
        rows = await customers.customers_of_number(session, visit.person.team_id, source.number, MOST_FOUND)
        found |= {row.id: row for row in rows}
        if chosen is None and len(rows) == 1 and draft.fields is None:
            chosen = rows[0]
    for row in await _found(session, request, visit, draft.texts.get("find", "")[:LONGEST_SEARCH].strip()):
        found.setdefault(row.id, row)
    return chosen, list(found.values())


async def _found(session: AsyncSession, request: web.Request, visit: Visit, text: str) -> Sequence[CustomerRow]:
    if len(text) < 2:
        return ()
    team = request.app[PARTS].world().teams.get(visit.person.team_id or 0)
    number = read_number(text, team.region if team else "ZZ", team.last_digits if team else 8)
    if sum(each.isdigit() for each in text) >= 4 and not number.hidden:
        return (await customers.customers(session, visit.sight, number=number, limit=MOST_FOUND)).rows
    return (await customers.customers(session, visit.sight, name=text, limit=MOST_FOUND)).rows


def _groups(request: web.Request, template: Template) -> list[tuple[int, str]]:
    """Where it can begin, when no flow says it."""
    if template.has_flow:
        return []
    known = request.app[PARTS].world().groups
    possible = template.range or [id_ for id_, group in known.items() if group.team_id == template.team_id]
    return [(id_, known[id_].label) for id_ in possible if id_ in known and known[id_].active]


def _own_group(request: web.Request, visit: Visit, template: Template) -> int | None:
    possible = [id_ for id_, _ in _groups(request, template)]
    own = visit.person.agent.groups if visit.person.agent else frozenset()
    return next((id_ for id_ in possible if id_ in own), possible[0] if possible else None)
