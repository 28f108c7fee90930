"""Every operation of the API by every role, on records of one's own group, of another group, of another team.

What is right follows from the engine's table and from what a role sees; an operation that is not in CASES fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import func, select

from daemon.handlers.campaign_lists import Filling, fill
from daemon.handlers.campaigns import take_next
from daemon.handlers.person import Person
from daemon.handlers.terms import by_of
from daemon.handlers.work_orders import Wanted, create_in, step
from daemon.handlers.world import World
from daemon.orders.commands import Action, Assign, Pending
from daemon.orders.creation import New
from daemon.orders.permissions import roles_of
from daemon.orders.transitions import TRANSITIONS
from daemon.storage import work_orders
from daemon.storage.engine import Store, database_url
from daemon.storage.schema import migrate
from daemon.storage.tables import (
    AttachmentRow,
    CallRow,
    CampaignEntryRow,
    CampaignResultRow,
    CustomerRow,
    HistoryRow,
    OutboxRow,
    WorkOrderRow,
)
from daemon.web.accounts import Account
from daemon.web.api.operation import AnyOperation
from daemon.web.api.routes import OPERATIONS
from daemon.web.parts import PARTS
from tests.builders import NOON, agent_id, answered_call, missed_call, team_id
from tests.exchange import Queues
from tests.integration.rivals import applied, furnish
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import PEOPLE, Client, Desk, csrf, open_desk

AGENTS = {
    "anna": "1000",
    "ben": "1001",
    "chen": "1002",
    "dora": "1003",
    "emil": "1004",
    "fatma": "1005",
    "olga": "2000",
}
"""The order stands in support: Ben owns it, Anna leads the group, Chen is of it; Dora created it and leads sales."""

ROLES = (*AGENTS, "boss", "root", "rival-boss", "system", "rival-system", "ben-by-token", "no-scope", "nobody")
TEAM = {*AGENTS, "boss", "root", "system", "ben-by-token"} - {"olga"}
DOERS = TEAM - {"boss", "root"}
_numbers = itertools.count(1)


@dataclass
class Stage:
    """The application with both teams, a client for each role, and what requests speak of."""

    desk: Desk
    clients: Mapping[str, Client]
    csrf: Mapping[str, str]
    customer: int
    call: int
    queues: Queues

    @property
    def world(self) -> World:
        return self.desk.world

    async def order(self) -> int:
        """An order that Dora made, which Ben works on in support."""
        support = next(g.id for g in self.world.groups.values() if g.name == "support")
        dora, anna, ben = (self.person(name) for name in ("dora", "anna", "ben"))
        async with self.desk.store.write() as session:
            new = New(template=self.world.templates[1], title="Call back", group_id=support)
            made = await create_in(session, self.world, dora, Wanted(new=new), NOON)
            assert ben.agent_id is not None
            await step(session, self.world, made.row, Assign(agent_id=ben.agent_id), anna, NOON)
            await step(session, self.world, made.row, Pending(), ben, NOON)
            session.add(
                AttachmentRow(
                    order_id=made.row.id,
                    name="a.txt",
                    media_type="text/plain",
                    size=1,
                    sha256="0" * 64,
                    added_by=None,
                    added_at=NOON,
                )
            )
            return made.row.id

    async def attachment(self) -> int:
        order = await self.order()
        async with self.desk.store.read() as session:
            query = select(AttachmentRow.id).where(AttachmentRow.order_id == order)
            return (await session.scalars(query)).one()

    async def item(self) -> int:
        row = await missed_call(self.desk.store, team_id(self.world, "acme"), number=f"030 {next(_numbers) + 10**6}")
        return row.id

    def person(self, role: str) -> Any:
        """A role as the engine sees it."""
        name = role.removesuffix("-by-token")
        agent = self.world.agent_by_username(name)
        if agent:
            return by_of(Person("agent", name, agent.name, agent.team_id, agent))
        acme, rival = team_id(self.world, "acme"), team_id(self.world, "rival")
        kinds: dict[str, Person] = {
            "boss": Person("team_admin", "boss", "boss", acme),
            "rival-boss": Person("team_admin", "rival-boss", "boss", rival),
            "root": Person("system_admin", "root", "root", None),
            "system": Person("system", "system", "system", acme),
            "rival-system": Person("system", "rival", "rival", rival),
        }
        return by_of(kinds[name])

    async def roles(self, role: str) -> frozenset[Any]:
        """What a role is to an order such as `order` makes."""
        async with self.desk.store.read() as session:
            query = select(WorkOrderRow).where(WorkOrderRow.template_id == 1).order_by(WorkOrderRow.id.desc()).limit(1)
            row = (await session.scalars(query)).one()
            return roles_of(await work_orders.read(session, row), self.person(role), self.world.groups)


Expect = Callable[[Stage, str], Awaitable[set[int]]]


@dataclass(frozen=True)
class Case:
    """A valid request: its path, its body, and which statuses are right for a role that is let in."""

    path: Callable[[Stage], Awaitable[str]]
    expect: Expect
    body: Callable[[Stage], Any] = lambda _stage: None


def fixed(path: str) -> Callable[[Stage], Awaitable[str]]:
    async def made(_stage: Stage) -> str:
        return path

    return made


def of_order(path: str) -> Callable[[Stage], Awaitable[str]]:
    async def made(stage: Stage) -> str:
        return path.format(id=await stage.order())

    return made


async def anybody(_stage: Stage, _role: str) -> set[int]:
    return {200}


async def who_sees(stage: Stage, role: str) -> set[int]:
    return {200} if await stage.roles(role) else {404}


async def who_sees_the_file(_stage: Stage, _role: str) -> set[int]:
    return {404}  # its bytes were never stored; who may not know of it gets the same answer


def by_table(action: Action) -> Expect:
    async def expected(stage: Stage, role: str) -> set[int]:
        roles = await stage.roles(role)
        if not roles:
            return {404}
        return {200, 201} if roles & TRANSITIONS[action].by else {403}

    return expected


def team(yes: set[str], ok: set[int], no: int = 403) -> Expect:
    async def expected(_stage: Stage, role: str) -> set[int]:
        if role in yes:
            return ok
        return {no} if role in TEAM else {404}

    return expected


async def may_create(_stage: Stage, role: str) -> set[int]:
    if role in DOERS:
        return {201}
    return {403} if role in {"boss", "root"} else {422}  # another team's template is unknown


async def may_create_customer(_stage: Stage, role: str) -> set[int]:
    return {403} if role in {"boss", "root", "rival-boss"} else {201, 202}  # in his own team


async def may_call(_stage: Stage, role: str) -> set[int]:
    return {202, 409} if role in (DOERS | {"olga"}) - {"system"} else {403}  # 409: no PBX dials here


async def may_call_back(_stage: Stage, role: str) -> set[int]:
    if role in DOERS - {"system"}:
        return {202, 409}
    return {409} if role == "olga" else {403}  # no PBX dials for her, whatever she names


async def rule_path(stage: Stage) -> str:
    support = next(g.id for g in stage.world.groups.values() if g.name == "support")
    return f"/assign-rules/1/{support}"


async def item_path(stage: Stage) -> str:
    return f"/missed-calls/{await stage.item()}"


def below(make: Callable[[Stage], Awaitable[str]], rest: str) -> Callable[[Stage], Awaitable[str]]:
    async def made(stage: Stage) -> str:
        return await make(stage) + rest

    return made


async def attachment_path(stage: Stage) -> str:
    return f"/attachments/{await stage.attachment()}"


async def customer_path(stage: Stage) -> str:
    return f"/customers/{stage.customer}"


async def call_path(stage: Stage) -> str:
    return f"/calls/{stage.call}"


async def talk_path(stage: Stage) -> str:
    call = await answered_call(stage.desk.store, team_id(stage.world, "acme"), agent_id(stage.world, "ben"))
    return f"/calls/{call.id}/result"


def campaign_of(stage: Stage) -> int:
    return next(each.id for each in stage.world.modules.values() if each.kind == "campaign")


def in_campaign(rest: str = "") -> Callable[[Stage], Awaitable[str]]:
    async def made(stage: Stage) -> str:
        await called(stage)
        return f"/campaigns/{campaign_of(stage)}{rest}"

    return made


async def entry_path(stage: Stage) -> str:
    """An entry that Ben has."""
    await called(stage)
    ben = stage.world.agents[agent_id(stage.world, "ben")]
    person = Person("agent", "ben", "ben", ben.team_id, ben)
    entry, _ = await take_next(stage.desk.store, stage.world, person, campaign_of(stage), NOON)
    return f"/campaign-entries/{entry}"


async def called(stage: Stage) -> None:
    """One more number is to be called."""
    anna = stage.world.agents[agent_id(stage.world, "anna")]
    person = Person("agent", "anna", "anna", anna.team_id, anna)
    filling = Filling(numbers=(f"030 {next(_numbers) + 10**6}",))
    await fill(stage.desk.store, stage.world, person, campaign_of(stage), filling, NOON)


def callers(ok: set[str], others: int = 403) -> Expect:
    """Of those who work in the campaign `ok` may; who is of another group knows nothing of it."""

    async def expected(_stage: Stage, role: str) -> set[int]:
        if role in ok:
            return {200}
        if role in CALLERS:
            return {others}
        return {403} if role in {"boss", "root", "system"} else {404}

    return expected


CALLERS = {"anna", "ben", "chen", "dora", "ben-by-token"}


def new_order(stage: Stage) -> Any:
    support = next(g.id for g in stage.world.groups.values() if g.name == "support")
    return {"template": 1, "title": "New", "group": support}


async def delivery(stage: Stage) -> int:
    """One that is parked."""
    async with stage.desk.store.write() as session:
        row = OutboxRow(
            team_id=team_id(stage.world, "acme"),
            channel="webhook",
            endpoint="crm",
            line="",
            message_id=f"msg_{next(_numbers)}",
            event="order.created",
            version=1,
            payload={},
            state="parked",
            attempts=1,
            created_at=NOON,
            ended_at=NOON,
        )
        session.add(row)
        await session.flush()
        return row.id


async def delivery_path(stage: Stage) -> str:
    return f"/webhooks/deliveries/{await delivery(stage)}"


def operators(others: int) -> Expect:
    """Admins and systems of the team; `others`: what those of another team get. Agents: nothing."""

    async def expected(_stage: Stage, role: str) -> set[int]:
        if role in {"boss", "root", "system"}:
            return {200}
        return {others} if role in {"rival-boss", "rival-system"} else {403}

    return expected


READING = team(TEAM, {200})
HIMSELF = {"ben", "ben-by-token", "system"}


def ben_path(deed: str) -> Callable[[Stage], Awaitable[str]]:
    """Ben, who is a member of two queues again each time."""

    async def path(stage: Stage) -> str:
        for queue in ("support", "sales"):
            stage.queues.seat("PJSIP/1001", queue, dynamic=True)
        return f"/agents/{agent_id(stage.world, 'ben')}/{deed}"

    return path


CASES: dict[tuple[str, str], Case] = {
    ("GET", "/me"): Case(fixed("/me"), anybody),
    ("GET", "/missed-calls"): Case(fixed("/missed-calls"), anybody),
    ("GET", "/missed-calls/{id}"): Case(item_path, READING),
    ("POST", "/missed-calls/{id}/work-order"): Case(
        below(item_path, "/work-order"), team(DOERS - {"system"}, {201}), lambda _: {"template": 1}
    ),
    ("POST", "/missed-calls/{id}/dismiss"): Case(
        below(item_path, "/dismiss"), team(DOERS - {"system"}, {200}), lambda _: {"reason": "a test"}
    ),
    ("GET", "/work-orders"): Case(fixed("/work-orders?state=any&limit=200"), anybody),
    ("GET", "/work-orders/{id}"): Case(of_order("/work-orders/{id}"), who_sees),
    ("GET", "/work-orders/{id}/history"): Case(of_order("/work-orders/{id}/history"), who_sees),
    ("GET", "/work-orders/{id}/attachments"): Case(of_order("/work-orders/{id}/attachments"), who_sees),
    ("GET", "/attachments/{id}"): Case(attachment_path, who_sees_the_file),
    ("POST", "/work-orders"): Case(fixed("/work-orders"), may_create, new_order),
    ("PATCH", "/work-orders/{id}"): Case(
        of_order("/work-orders/{id}"), by_table(Action.EDIT), lambda _: {"title": f"Other {next(_numbers)}"}
    ),
    ("POST", "/work-orders/{id}/replies"): Case(
        of_order("/work-orders/{id}/replies"), by_table(Action.REPLY), lambda _: {"text": "hello"}
    ),
    ("POST", "/work-orders/{id}/attachments"): Case(
        of_order("/work-orders/{id}/attachments?name=note.txt"), by_table(Action.ATTACH), lambda _: b"hello"
    ),
    ("GET", "/assign-rules"): Case(fixed("/assign-rules"), anybody),
    ("PUT", "/assign-rules/{template}/{group}"): Case(
        rule_path, team({"anna"}, {200}), lambda _: {"mode": "manual", "verify": False}
    ),
    ("GET", "/calls"): Case(fixed("/calls"), anybody),
    ("GET", "/calls/{id}"): Case(call_path, READING),
    ("POST", "/calls/{id}/result"): Case(
        talk_path, team(DOERS & {"anna", "ben", "chen", "ben-by-token"}, {200}), lambda _: {"result": "solved"}
    ),
    ("GET", "/outgoing-calls"): Case(fixed("/outgoing-calls"), anybody),
    ("POST", "/calls"): Case(fixed("/calls"), may_call, lambda _: {"number": "+493023125117"}),
    ("POST", "/missed-calls/{id}/call-back"): Case(below(item_path, "/call-back"), may_call_back, lambda _: {}),
    ("GET", "/templates"): Case(fixed("/templates"), anybody),
    ("GET", "/modules"): Case(fixed("/modules"), anybody),
    ("GET", "/groups"): Case(fixed("/groups"), anybody),
    ("GET", "/agents"): Case(fixed("/agents"), anybody),
    ("POST", "/agents/{id}/log-in"): Case(ben_path("log-in"), team(HIMSELF, {200}), lambda _: {"queue": "support"}),
    ("POST", "/agents/{id}/pause"): Case(
        ben_path("pause"), team(HIMSELF | {"anna"}, {200}), lambda _: {"reason": "break"}
    ),
    ("POST", "/agents/{id}/resume"): Case(ben_path("resume"), team(HIMSELF | {"anna"}, {200})),
    ("POST", "/agents/{id}/log-out"): Case(ben_path("log-out"), team(HIMSELF | {"anna"}, {200})),
    ("GET", "/customers"): Case(fixed("/customers"), anybody),
    ("GET", "/customers/{id}"): Case(customer_path, READING),
    ("POST", "/customers"): Case(
        fixed("/customers"), may_create_customer, lambda _: {"kind": "individual", "name": f"Customer {next(_numbers)}"}
    ),
    ("GET", "/campaigns"): Case(fixed("/campaigns"), anybody),
    ("GET", "/campaigns/{id}"): Case(in_campaign(), callers({*CALLERS, "boss", "root", "system"})),
    ("POST", "/campaigns/{id}/entries"): Case(
        in_campaign("/entries"),
        callers({"anna", "dora", "system"}),
        lambda _: {"numbers": [f"030 {next(_numbers) + 10**6}"]},
    ),
    ("POST", "/campaigns/{id}/next"): Case(in_campaign("/next"), callers(CALLERS), lambda _: {}),
    ("GET", "/campaign-entries/{id}"): Case(entry_path, callers({*CALLERS, "boss", "root", "system"})),
    ("POST", "/campaign-entries/{id}/result"): Case(
        below(entry_path, "/result"), callers({"ben", "ben-by-token"}, 409), lambda _: {"result": "refused"}
    ),
    ("GET", "/webhooks/deliveries"): Case(fixed("/webhooks/deliveries"), operators(200)),
    ("GET", "/webhooks/deliveries/{id}"): Case(delivery_path, operators(404)),
    ("PATCH", "/customers/{id}"): Case(
        customer_path, team(DOERS, {200}), lambda _: {"name": f"Customer {next(_numbers)}"}
    ),
}
ACTIONS = {
    Action.PENDING: {"action": "pending"},
    Action.DONE: {"action": "done"},
    Action.VERIFIED: {"action": "verified"},
    Action.DENIED: {"action": "denied", "note": "no"},
    Action.RETURN_TO_NODE: {"action": "return_to_node"},
    Action.RETURN_TO_GROUP: {"action": "return_to_group"},
}
ELSEWHERE = {
    ("POST", "/work-orders/{id}/actions"): "test_every_action_is_for_whom_the_table_says",
    ("POST", "/work-orders/assign"): "test_many_are_assigned_by_their_group_admin_alone",
    ("POST", "/webhooks/deliveries"): "test_deliveries.py",
    ("POST", "/customers/import"): "test_customers_api.py: a task of the process does it",
    ("GET", "/customers/imports/{id}"): "test_customers_api.py",
}
"""Operations that have tests of their own."""


@pytest.fixture
async def stage(tmp_path: Path) -> Any:
    store = Store(database_url(f"sqlite:///{tmp_path}/workorderd.sqlite"))
    await migrate(store)
    world = await applied(store, furnish(tmp_path))
    async with open_desk(store, world=world) as desk:
        known = PEOPLE["anna"]
        for name in AGENTS:
            side = "rival" if name == "olga" else "acme"
            desk.accounts[name] = Account(name, name, "agent", side, None, known.password_hash)
        desk.accounts["rival-boss"] = Account(
            "rival-boss", "Their boss", "team_admin", "rival", None, known.password_hash
        )
        clients = {name: await desk.logged_in(name) for name in (*AGENTS, "boss", "root", "rival-boss")}
        tokens = {name: await csrf(client) for name, client in clients.items()}
        clients["system"] = await bearer(desk, "system")
        clients["rival-system"] = await bearer(desk, "rival", team="rival")
        clients["ben-by-token"] = await bearer(desk, "ben", agent="1001")
        clients["no-scope"] = await bearer(desk, "no-scope", agent="1001", scopes=())
        clients["nobody"] = desk.visitor()
        acme = team_id(world, "acme")
        await missed_call(store, acme)
        async with store.write() as session:
            customer = CustomerRow(team_id=acme, kind="individual", name="Ms Liu", created_at=NOON)
            session.add(customer)
            await session.flush()
            call = (await session.scalars(select(CallRow))).first()
        assert call is not None
        app = desk.server.app
        assert isinstance(app, web.Application)
        queues = Queues(app[PARTS].presence)
        desk.lines["main"] = queues
        yield Stage(desk, clients, tokens, customer.id, call.id, queues)
    await store.close()


async def ask(stage: Stage, role: str, method: str, path: str, body: Any) -> tuple[int, str]:
    headers = {"X-CSRF-Token": stage.csrf[role]} if role in stage.csrf else {}
    told = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    if isinstance(body, bytes):
        headers["Content-Type"] = "application/octet-stream"
    answer = await stage.clients[role].request(method, f"/api/v1{path}", headers=headers, **told)
    return answer.status, await answer.text()


async def written(stage: Stage) -> tuple[int, ...]:
    async with stage.desk.store.read() as session:
        tables = (HistoryRow, WorkOrderRow, CustomerRow, AttachmentRow, CampaignEntryRow, CampaignResultRow)
        counts = [await session.scalar(select(func.count()).select_from(table)) for table in tables]
        versions = await session.scalar(select(func.coalesce(func.sum(WorkOrderRow.version), 0)))
    return (*(count or 0 for count in counts), versions or 0)


def test_every_operation_has_its_case() -> None:
    assert {(each.method, each.path) for each in OPERATIONS} == {*CASES, *ELSEWHERE}


async def wrong_answers(stage: Stage, operation: AnyOperation, case: Case) -> list[str]:
    wrong = []
    for role in ROLES:
        path = await case.path(stage)
        before = await written(stage)
        status, text = await ask(stage, role, operation.method, path, case.body(stage))
        if role == "nobody":
            right = {401}
        elif role == "no-scope":
            right = {403} if operation.scope else {200}
        else:
            right = await case.expect(stage, role)
        if status not in right:
            wrong.append(f"{role}: {operation.method} {path} gives {status}, not {right}: {text[:200]}")
        if status >= 400 and await written(stage) != before:
            wrong.append(f"{role}: {operation.method} {path} was refused with {status} and wrote all the same")
    return wrong


async def test_everybody_gets_what_is_his_and_nobody_more(stage: Stage) -> None:
    await stage.order()
    wrong = []
    for operation in OPERATIONS:
        case = CASES.get((operation.method, operation.path))
        if case:
            wrong += await wrong_answers(stage, operation, case)
    assert wrong == []


async def test_every_action_is_for_whom_the_table_says(stage: Stage) -> None:
    wrong = []
    for action, body in ACTIONS.items():
        for role in ROLES[:-2]:
            order = await stage.order()
            roles = await stage.roles(role)
            before = await written(stage)
            status, text = await ask(stage, role, "POST", f"/work-orders/{order}/actions", body)
            may = roles & TRANSITIONS[action].by
            now = "working" in {str(stand) for stand in TRANSITIONS[action].at} and action is not Action.RETURN_TO_NODE
            right = 404 if not roles else 403 if not may else 200 if now else 409
            if status != right:
                wrong.append(f"{role}: {action} gives {status}, not {right}: {text[:200]}")
            if status >= 400 and await written(stage) != before:
                wrong.append(f"{role}: {action} was refused with {status} and wrote all the same")
    assert wrong == []


async def test_many_are_assigned_by_their_group_admin_alone(stage: Stage) -> None:
    wrong = []
    for role in ROLES[:-2]:
        orders = [await stage.order(), await stage.order()]
        roles = await stage.roles(role)
        body = {"ids": orders, "agent": agent_id(stage.world, "chen")}
        status, text = await ask(stage, role, "POST", "/work-orders/assign", body)
        right = 404 if not roles else 200 if roles & TRANSITIONS[Action.ASSIGN].by else 403
        if status != right:
            wrong.append(f"{role}: {status}, not {right}: {text[:200]}")
    assert wrong == []


async def test_no_list_tells_of_what_somebody_may_not_see(stage: Stage) -> None:
    order = await stage.order()
    mine = await stage.item()
    for role in ROLES[:-2]:
        sees = bool(await stage.roles(role))
        _, orders = await ask(stage, role, "GET", "/work-orders?state=any&limit=200", None)
        _, found = await ask(stage, role, "GET", "/work-orders?state=any&q=call+back", None)
        assert (f'"id":{order},' in orders) == (f'"id":{order},' in found) == sees, role
        _, items = await ask(stage, role, "GET", "/missed-calls?limit=200", None)
        assert (f'"id":{mine},' in items) == (role in TEAM), role
        _, lists = await ask(stage, role, "GET", "/campaigns", None)
        assert ("spring_campaign" in lists) == (role in {*CALLERS, "boss", "root", "system"}), role
        for path in ("/customers", "/calls", "/agents", "/groups", "/templates", "/assign-rules"):
            _, text = await ask(stage, role, "GET", path, None)
            theirs = ("Anna Albrecht", "Ms Liu", "Missed call", "Support", "030 1234567")
            if role not in TEAM:
                assert not any(word in text for word in theirs), (role, path)
            elif role != "root":
                assert "Olga" not in text, (role, path)
