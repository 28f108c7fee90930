"""One work order: what it says, where it stands, what was done with it, and what may be done now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.inspection import Place, Seen, look
from daemon.handlers.labels import labels_of
from daemon.handlers.world import World
from daemon.orders.commands import Action
from daemon.storage import attachments, customers, lists
from daemon.storage.tables import AgentRow, AttachmentRow, CustomerNumberRow, CustomerRow
from daemon.web.addresses import ID
from daemon.web.forms import ids
from daemon.web.pages.timeline import named_values, timeline
from daemon.web.parts import LANGUAGE, PARTS, visit_of
from daemon.web.rendering import page

LATEST: Final = 20  # entries of the history that are shown unfolded
NOTICES: Final = frozenset({"made", "done", "saved", "attached"})


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the flow as it is drawn. `group` "": that of the order's creator."""

    group: str
    state: str
    agent: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chooses from for an action."""

    agents: Sequence[tuple[int, str]]
    forwards: Sequence[tuple[int, str]]
    asks_successor: bool
    following: str


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get(f"/work-orders/{ID}", show_work_order)
    router.add_get(f"/work-orders/{ID}/content", show_work_order_content)


async def show_work_order(request: web.Request) -> web.Response:
    """The whole page."""
    return page(request, "work_order.html", **await contents(request))


async def show_work_order_content(request: web.Request) -> web.Response:
    """What an open page asks for on news."""
    return page(request, "work_order_content.html", **await contents(request))


async def contents(request: web.Request, note: str = "", trouble: str = "", detail: str = "") -> Mapping[str, Any]:
    """All that the page shows; `note`: what was typed for an action that was refused, `trouble` and `detail`: why.

    Raises NotFoundError.
    """
    parts, visit, language = request.app[PARTS], visit_of(request), request[LANGUAGE]
    order_id, world = ids([request.match_info["id"]])[0], parts.world()
    async with parts.store.read() as session:
        seen = await look(session, world, visit.person, order_id)
        row = seen.row
        labels = await labels_of(session, world, [row])
        history = await lists.history_of_order(session, order_id)
        item = await lists.missed_item(session, visit.sight, row.missed_item_id) if row.missed_item_id else None
        calls = await lists.calls_of_item(session, item.id) if item else ()
        customer = await session.get(CustomerRow, row.customer_id) if row.customer_id else None
        numbers: Sequence[CustomerNumberRow] = ()
        if customer is not None:
            numbers = (await customers.numbers_of(session, [customer.id]))[customer.id]
        files = [(row, await _adder(session, world, row)) for row in await attachments.of_order(session, order_id)]
        count = await lists.open_item_count(session, visit.sight)
    template = seen.terms.template
    queues = {(call.pbx, call.queue): world.queue(call.pbx, call.queue) for call in calls}
    told = tuple(reversed(timeline(history, world, template, labels, language)))
    return {
        "order": row,
        "labels": labels,
        "steps": _steps(seen) if template.has_flow else (),
        "actions": {action.value for action in seen.actions},
        "works": bool(set(seen.actions) - {Action.EDIT, Action.ATTACH}),
        "choices": _choices(seen, world),
        "fields": named_values(seen.fields, template, language),
        "history": told[:LATEST],
        "older": told[LATEST:],
        "item": item,
        "calls": calls,
        "customer": customer,
        "numbers": numbers,
        "files": files,
        "uploads": [(each.identity, each) for each in template.fields if each.type == "upload"],
        "queue_labels": {key: known.label if known else key[1] for key, known in queues.items()},
        "late": not seen.order.done and row.due_at is not None and row.due_at < parts.clock(),
        "missed_count": count,
        "pin": parts.order_pin(order_id),
        "note": note,
        "trouble": trouble,
        "detail": detail,
        "notice": request.query.get("notice", "") if request.query.get("notice") in NOTICES else "",
    }


async def _adder(session: AsyncSession, world: World, file: AttachmentRow) -> str:
    """Who added a file; "" for a system."""
    if file.added_by is None or file.added_by in world.agents:
        return world.agents[file.added_by].name if file.added_by is not None else ""
    gone = await session.get(AgentRow, file.added_by)
    return gone.name if gone else ""


def _steps(seen: Seen) -> tuple[Step, ...]:
    def step(place: Place) -> Step:
        group = seen.names.groups.get(place.group_id, "") if place.group_id is not None else ""
        return Step(group, place.state, seen.names.agents.get(place.agent_id or 0, ""))

    return tuple(map(step, seen.way))


def _choices(seen: Seen, world: World) -> Choices:
    order, template, groups = seen.order, seen.terms.template, world.groups
    here = groups.get(order.group_id)
    agents = sorted(
        ((world.agents[id_].number, id_, world.agents[id_].name) for id_ in here.members if id_ in world.agents)
        if here and Action.ASSIGN in seen.actions
        else ()
    )
    forwards = [id_ for id_ in template.range if id_ != order.group_id and id_ in groups and groups[id_].active]
    following = world.templates.get(template.next_template_id or 0)
    ends = not template.has_flow or not any(place.state == "ahead" for place in seen.way)
    return Choices(
        [(id_, name) for _, id_, name in agents if id_ != order.owner_id],
        [(id_, groups[id_].label) for id_ in forwards] if not template.has_flow else [],
        ends and template.end_action == "agent_decides" and following is not None and following.active,
        following.label if following else "",
    )
