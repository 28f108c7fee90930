"""Work orders: list, create, one, its history, and everything that is done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from daemon.errors import Fault, InvalidError, NotFoundError
from daemon.handlers.contents import Wish, edit
from daemon.handlers.inspection import Names, Seen, look
from daemon.handlers.labels import Labels, labels_of
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.work_orders import Wanted, act, assign_many
from daemon.handlers.world import World
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
from daemon.orders.creation import New
from daemon.orders.customer import Dialling
from daemon.orders.words import read_query
from daemon.storage import lists, search
from daemon.storage.lists import OrderFilter
from daemon.storage.tables import HistoryRow, WorkOrderRow
from daemon.storage.work_orders import Origin
from daemon.web.api.models import (
    History,
    HistoryEntry,
    HistoryQuery,
    Nothing,
    Reference,
    WorkOrder,
    WorkOrders,
    WorkOrdersQuery,
)
from daemon.web.api.operation import BASE, Answer, Asked
from daemon.web.api.order_models import (
    ActionWish,
    BulkAssignment,
    FlowNode,
    NewWorkOrder,
    Proposal,
    ReplyText,
    WorkOrderBriefs,
    WorkOrderChange,
    WorkOrderInFull,
)
from daemon.web.api.places import place_of
from daemon.web.cursors import to_cursor
from daemon.web.parts import CREATOR, Visit, WebParts


async def list_work_orders(asked: Asked[WorkOrdersQuery, Nothing]) -> Answer[WorkOrders]:
    """GET /work-orders."""
    query, sight, place = asked.query, asked.visit.sight, place_of(asked.query.cursor)
    wanted = _filter(query, asked.parts)
    async with asked.parts.store.read() as session:
        if query.q is not None and query.q.strip():
            words = read_query(query.q, _dialling(asked))
            found = await search.find(session, sight, words, wanted, place, query.limit)
        else:
            found = await lists.work_orders(session, sight, wanted, place, query.limit)
        labels = await labels_of(session, asked.parts.world(), found.rows)
    items = tuple(WorkOrder(**_told(row, labels)) for row in found.rows)
    return Answer(WorkOrders(items=items, next=to_cursor(found.next) if found.next else None))


def _filter(query: WorkOrdersQuery, parts: WebParts) -> OrderFilter:
    now = parts.clock()
    recently = now - parts.recently_finished
    since = [at for at in (query.finished_since, recently if query.state == "recent" else None) if at]
    before = [at for at in (query.finished_before, recently if query.state == "history" else None) if at]
    return OrderFilter(
        open={"open": True, "any": None}.get(query.state, False),
        whose=query.whose,
        template_id=query.template,
        group_id=query.group,
        owner_id=query.owner,
        unowned=query.unowned,
        creator_id=query.creator,
        customer_id=query.customer,
        status=query.status,
        node_status=query.node_status,
        priority=query.priority,
        late_at=now if query.late else None,
        created_since=query.created_since,
        created_before=query.created_before,
        finished_since=max(since, default=None),
        finished_before=min(before, default=None),
        sort=query.sort,
    )


def _dialling(asked: Asked[Any, Any]) -> Dialling | None:
    """How who asks reads numbers; who sees every team writes them in full."""
    team = asked.parts.world().teams.get(asked.visit.person.team_id or 0)
    return Dialling(team.region, team.last_digits) if team else None


async def create_order(asked: Asked[Nothing, NewWorkOrder]) -> Answer[WorkOrderInFull]:
    """POST /work-orders. Raises ForbiddenError, RefusedError, InvalidError."""
    parts, person, world = asked.parts, asked.visit.person, asked.parts.world()
    wanted = wanted_of(world, person, asked.body)
    created = await asked.request.app[CREATOR].create(world, person, wanted, asked.receipt, parts.clock())
    _publish(parts, created.news)
    location = {"Location": f"{BASE}/work-orders/{created.id}"}
    if created.seen:
        return Answer(_in_full(parts, created.seen), 201, location, etag=created.seen.order.version)
    order = await read_order(parts, asked.visit, created.id)
    return Answer(order, 200, location, etag=order.version)


def wanted_of(world: World, person: Person, body: NewWorkOrder) -> Wanted:
    """The order that is wanted. Raises InvalidError for a template that is not his team's."""
    template = world.templates.get(body.template)
    if template is None or person.team_id not in {None, template.team_id}:
        raise InvalidError([Fault("/template", "there is no such template", "unknown")])
    return Wanted(
        new=New(
            template=template,
            title=body.title.strip(),
            group_id=body.group,
            customer_id=body.customer,
            cc=body.cc,
            priority=body.priority,
        ),
        origin=Origin(description=body.description, module_id=body.module, call_id=body.call),
        fields=body.fields,
    )


async def show_work_order(asked: Asked[Nothing, Nothing]) -> Answer[WorkOrderInFull]:
    """GET /work-orders/{id}. Raises NotFoundError."""
    order = await read_order(asked.parts, asked.visit, asked.id)
    return Answer(order, etag=order.version)


async def change_work_order(asked: Asked[Nothing, WorkOrderChange]) -> Answer[WorkOrderInFull]:
    """PATCH /work-orders/{id}. Raises NotFoundError, StaleError, ForbiddenError, RefusedError, InvalidError."""
    parts, body = asked.parts, asked.body
    names = {"title": "title", "customer": "customer_id", "cc": "cc", "priority": "priority"}
    given = {names[name]: getattr(body, name) for name in body.model_fields_set if name in names}
    emptied = [name for name in ("title", "cc", "priority") if name in given and given[name] is None]
    if emptied:
        raise InvalidError([Fault(f"/{name}", "a value is a must here", "required") for name in emptied])
    wish = Wish(given, body.fields, body.note)
    person, at = asked.visit.person, parts.clock()
    _publish(parts, await edit(parts.store, parts.world(), person, asked.id, wish, at, asked.if_match))
    return await _answer(asked)


async def act_on_work_order(asked: Asked[Nothing, ActionWish]) -> Answer[WorkOrderInFull]:
    """POST /work-orders/{id}/actions. Raises NotFoundError, StaleError, ForbiddenError, RefusedError, InvalidError."""
    return await _act(asked, command_of(asked.body))


async def reply_to_work_order(asked: Asked[Nothing, ReplyText]) -> Answer[WorkOrderInFull]:
    """POST /work-orders/{id}/replies. Raises NotFoundError, StaleError, ForbiddenError, RefusedError."""
    return await _act(asked, Reply(note=asked.body.text))


async def assign_work_orders(asked: Asked[Nothing, BulkAssignment]) -> Answer[WorkOrderBriefs]:
    """POST /work-orders/assign. Raises NotFoundError, ForbiddenError, RefusedError."""
    parts, visit, body = asked.parts, asked.visit, asked.body
    _publish(
        parts,
        await assign_many(parts.store, parts.world(), visit.person, body.ids, body.agent, body.note, parts.clock()),
    )
    async with parts.store.read() as session:
        rows = [row for id_ in dict.fromkeys(body.ids) if (row := await session.get(WorkOrderRow, id_))]
        labels = await labels_of(session, parts.world(), rows)
    return Answer(WorkOrderBriefs(items=tuple(WorkOrder(**_told(row, labels)) for row in rows)))


async def show_history(asked: Asked[HistoryQuery, Nothing]) -> Answer[History]:
    """GET /work-orders/{id}/history. Raises NotFoundError."""
    query = asked.query
    async with asked.parts.store.read() as session:
        if await lists.work_order(session, asked.visit.sight, asked.id) is None:
            message = f"there is no work order {asked.id}"
            raise NotFoundError(message)
        rows = await lists.history_of_order(session, asked.id, query.after, query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return Answer(History(items=tuple(map(_entry, shown)), next=shown[-1].n if more else None))


async def read_order(parts: WebParts, visit: Visit, order_id: int, *, acted: bool = False) -> WorkOrderInFull:
    """An order with its fields, its way, and what may be done with it. Raises NotFoundError. `acted`: see `look`."""
    async with parts.store.read() as session:
        return _in_full(parts, await look(session, parts.world(), visit.person, order_id, acted=acted))


def _in_full(parts: WebParts, seen: Seen) -> WorkOrderInFull:
    row, way, names = seen.row, seen.order.proposal, seen.names
    return WorkOrderInFull(
        **_told(row, names),
        cc=row.cc,
        module_id=row.module_id,
        creator_group=_named(row.creator_group_id, names.groups),
        previous_id=row.previous_id,
        fields=dict(seen.fields),
        nodes=tuple(
            FlowNode(
                group=_named(place.group_id, names.groups),
                state=place.state,
                agent=_named(place.agent_id, names.agents),
            )
            for place in seen.way
        ),
        proposal=Proposal(group=_named(way.group_id, names.groups), successor=way.successor) if way else None,
        actions=seen.actions,
        late=not seen.order.done and row.due_at is not None and row.due_at < parts.clock(),
        pin=parts.order_pin(row.id) or None,
    )


async def _act(asked: Asked[Any, Any], command: Command) -> Answer[WorkOrderInFull]:
    parts, person = asked.parts, asked.visit.person
    _publish(parts, await act(parts.store, parts.world(), person, asked.id, command, parts.clock(), asked.if_match))
    return await _answer(asked)


async def _answer(asked: Asked[Any, Any]) -> Answer[WorkOrderInFull]:
    """What a write has come to."""
    order = await read_order(asked.parts, asked.visit, asked.id, acted=True)
    return Answer(order, etag=order.version)


def _publish(parts: WebParts, news: Iterable[News]) -> None:
    for each in news:
        parts.live.publish(each)


def command_of(wish: ActionWish) -> Command:
    """The command that is meant. Raises InvalidError for what an action does not take, or lacks."""
    takes = {"assign": {"agent"}, "done": {"group", "successor"}, "verified": {"successor"}}.get(wish.action, set())
    given = {name for name in ("agent", "group", "successor") if getattr(wish, name) is not None}
    faults = [Fault(f"/{name}", f"{wish.action} takes no {name}", "unknown") for name in sorted(given - takes)]
    if wish.action == "assign" and wish.agent is None:
        faults.append(Fault("/agent", "say who gets it", "required"))
    if faults:
        raise InvalidError(faults)
    match wish.action:
        case "assign":
            return Assign(agent_id=wish.agent or 0, note=wish.note)
        case "done":
            return Done(group_id=wish.group, successor=bool(wish.successor), note=wish.note)
        case "verified":
            return Verified(successor=wish.successor, note=wish.note)
    plain: Mapping[str, type[Command]] = {
        "pending": Pending,
        "denied": Denied,
        "return_to_node": ReturnToNode,
        "return_to_group": ReturnToGroup,
    }
    return plain[wish.action](note=wish.note)


def _told(row: WorkOrderRow, labels: Labels | Names) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "serial": row.serial,
        "title": row.title,
        "description": row.description,
        "template": _named(row.template_id, labels.templates),
        "status": row.status,
        "node_status": row.node_status,
        "node_index": row.node_index,
        "group": _named(row.group_id, labels.groups),
        "owner": _named(row.owner_id, labels.agents),
        "creator": _named(row.creator_id, labels.agents),
        "priority": row.priority,
        "call_id": row.call_id,
        "missed_call_id": row.missed_item_id,
        "customer_id": row.customer_id,
        "due_at": row.due_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "finished_at": row.finished_at,
        "version": row.version,
    }


def _named(id_: int | None, names: Mapping[int, str]) -> Reference | None:
    return None if id_ is None else Reference(id=id_, name=names[id_])


def _entry(row: HistoryRow) -> HistoryEntry:
    return HistoryEntry(
        n=row.n,
        at=row.at,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor=row.actor,
        action=row.action,
        from_state=row.from_,
        to_state=row.to,
        note=row.note,
        changes=row.changes,
        hash=row.hash,
    )
