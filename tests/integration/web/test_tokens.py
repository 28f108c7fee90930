from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy import event, select

from daemon.errors import InvalidError, NotFoundError, RefusedError
from daemon.handlers import tokens
from daemon.handlers.tokens import READING, SCOPES, NewToken, make_token
from daemon.storage.engine import Store
from daemon.storage.tables import ApiTokenRow
from daemon.web.api.operation import BASE
from daemon.web.api.routes import OPERATIONS
from tests.builders import NOON, agent_id, group_id, missed_call, team_id, work_order
from tests.integration.web.bearer import bearer, token_of
from tests.integration.web.desk import Client, Desk
from tests.worlds import small_world

PLACE = re.compile(r"\{\w+\}")


async def fill(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme)
    await missed_call(desk.store, acme, number="030 7654321")
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), item=item)


async def told(answer: ClientResponse, status: int = 200) -> Any:
    assert answer.status == status, await answer.text()
    return await answer.json()


async def me(client: Client) -> Any:
    return await told(await client.get(f"{BASE}/me"))


async def test_a_system_sees_its_team_and_no_other(desk: Desk) -> None:
    await fill(desk)
    ours, theirs = await bearer(desk, "crm"), await bearer(desk, "spy", team="other")
    found = await me(ours)
    assert (found["role"], found["username"], found["agent"], found["csrf_token"]) == ("system", "crm", None, "")
    assert found["scopes"] == sorted(SCOPES)
    assert [each["id"] for each in (await told(await ours.get(f"{BASE}/work-orders")))["items"]] == [1]
    for path in ("/missed-calls", "/work-orders", "/calls"):
        assert (await told(await theirs.get(BASE + path)))["items"] == []
    for path in ("/missed-calls/1", "/work-orders/1", "/work-orders/1/history", "/calls/1"):
        await told(await ours.get(BASE + path))
        await told(await theirs.get(BASE + path), 404)


async def test_a_token_of_an_agent_acts_as_he_does(desk: Desk) -> None:
    await fill(desk)
    client = await bearer(desk, agent="1001")
    assert ((await me(client))["role"], (await me(client))["agent"]["name"]) == ("agent", "Ben")
    made = await told(await client.post(f"{BASE}/missed-calls/2/work-order", json={}), 201)
    assert made["creator"] == {"id": agent_id(desk.world, "ben"), "name": "Ben"}


async def test_a_write_by_token_needs_no_csrf_token_and_any_origin_will_do(desk: Desk) -> None:
    await fill(desk)
    client = await bearer(desk, agent="1000")
    headers = {"Origin": "https://crm.example", "Sec-Fetch-Site": "cross-site"}
    answer = await client.post(f"{BASE}/missed-calls/1/dismiss", json={"reason": "spam"}, headers=headers)
    assert (await told(answer))["closed"]["by"] == "Anna"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        "bearer " + make_token("y" * 43),
        "Bearer " + token_of("crm")[:-1],
        "Bearer " + token_of("crm") + "x",
        "Bearer " + token_of("crm").upper(),
        "Bearer " + token_of("crm") + ", Bearer " + token_of("crm"),
        "Bearer wo_" + "ü" * 43,
        "Bearer " + "x" * 7000,
    ],
)
async def test_a_token_that_is_none_of_ours_opens_nothing_even_beside_a_good_session(desk: Desk, header: str) -> None:
    await bearer(desk, "crm")
    for client in (desk.visitor(), await desk.logged_in("anna")):
        answer = await client.get(f"{BASE}/missed-calls", headers={"Authorization": header})
        assert (await told(answer, 401))["title"] == "Unauthorized"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="workorderd", error="invalid_token"'


async def test_without_any_token_one_is_asked_for(desk: Desk) -> None:
    answer = await desk.visitor().get(f"{BASE}/missed-calls")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="workorderd"')
    basic = await (await desk.logged_in("anna")).get(f"{BASE}/me", headers={"Authorization": "Basic YTpi"})
    assert (await told(basic))["username"] == "anna"


async def test_where_token_and_session_are_both_sent_the_token_counts(desk: Desk) -> None:
    await bearer(desk, "crm", scopes=["calls:read"])
    client = await desk.logged_in("anna")
    shown = {"Authorization": f"Bearer {token_of('crm')}"}
    assert (await told(await client.get(f"{BASE}/me", headers=shown)))["username"] == "crm"
    await told(await client.get(f"{BASE}/missed-calls", headers=shown), 403)


async def test_a_token_opens_no_page(desk: Desk) -> None:
    client = await bearer(desk)
    for path in ("/missed-calls", "/work-orders", "/status", "/live", "/logout"):
        answer = await client.get(path, allow_redirects=False)
        assert answer.status in {303, 401}, path
        assert "wo_" not in answer.headers.get("Location", "")


async def test_a_token_is_good_until_it_is_over_or_revoked(desk: Desk) -> None:
    for_a_day, for_ever = await bearer(desk, "day", expires_at=NOON + timedelta(days=1)), await bearer(desk, "ever")
    desk.clock.pass_by(hours=23, minutes=59)
    assert (await me(for_a_day))["username"] == "day"
    desk.clock.pass_by(minutes=1)
    await told(await for_a_day.get(f"{BASE}/me"), 401)
    desk.clock.pass_by(days=4000)
    assert (await me(for_ever))["username"] == "ever"
    await tokens.revoke(desk.store, "ever")
    await told(await for_ever.get(f"{BASE}/me"), 401)


async def test_a_token_ends_with_its_agent_and_with_its_team(desk: Desk) -> None:
    system, ben = await bearer(desk, "crm"), await bearer(desk, "ben", agent="1001")
    world, his = desk.world, agent_id(desk.world, "ben")
    desk.world = replace(world, agents={id_: agent for id_, agent in world.agents.items() if id_ != his})
    await told(await ben.get(f"{BASE}/me"), 401)
    assert (await me(system))["username"] == "crm"
    desk.world = replace(world, teams={})
    await told(await system.get(f"{BASE}/me"), 401)
    await told(await ben.get(f"{BASE}/me"), 401)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
@pytest.mark.parametrize("agent", [None, "1000"])
async def test_every_operation_is_closed_to_a_token_without_its_scope(
    desk: Desk, operation: Any, agent: str | None
) -> None:
    await fill(desk)
    without = await bearer(desk, agent=agent, scopes=[scope for scope in SCOPES if scope != operation.scope])
    answer = await without.request(operation.method, BASE + PLACE.sub("1", operation.path))
    if not operation.scope:
        assert answer.status == 200
        return
    problem = await told(answer, 403)
    assert problem["detail"] == f"this token has not the scope {operation.scope}"
    assert [(each["where"], each["rule"]) for each in problem["errors"]] == [("Authorization", "scope")]
    assert answer.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{operation.scope}"'
    only = await bearer(desk, "only", agent=agent, scopes=[operation.scope])
    allowed = await only.request(operation.method, BASE + PLACE.sub("1", operation.path))
    assert "WWW-Authenticate" not in allowed.headers, await allowed.text()


async def test_who_asks_by_token_costs_one_select_by_index(desk: Desk) -> None:
    client = await bearer(desk)
    await me(client)  # the connection is there
    seen: list[str] = []
    event.listen(desk.store.engine.sync_engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    await me(client)
    asked = [statement for statement in seen if statement.startswith("SELECT")]
    assert len(asked) == 1
    async with desk.store.read() as session:
        plan = await (await session.connection()).exec_driver_sql(
            f"EXPLAIN QUERY PLAN {asked[0]}", (token_of("crm"), "2026-11-23")
        )
        assert "USING INDEX" in str(plan.all())


async def test_only_the_hash_of_a_token_is_kept(store: Store) -> None:
    await small_world(store)
    token = token_of("crm")
    await tokens.create(store, NewToken("crm", "acme", "1001", READING, NOON), token, NOON)
    async with store.read() as session:
        row = await session.scalar(select(ApiTokenRow))
    assert row is not None
    assert row.token_hash == tokens.hash_of(token)
    assert not any(token in str(value) for value in vars(row).values())
    (listed,) = await tokens.listed(store)
    assert (listed.name, listed.team, listed.agent, listed.expires_at) == ("crm", "acme", "1001", NOON)
    assert set(listed.scopes) == set(READING)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": "with blanks"}, InvalidError),
        ({"name": ""}, InvalidError),
        ({"name": "x" * 61}, InvalidError),
        ({"scopes": ("orders:red",)}, InvalidError),
        ({"team": "nobody"}, NotFoundError),
        ({"agent": "2000"}, NotFoundError),  # of another team
        ({"name": "taken"}, RefusedError),
    ],
)
async def test_a_token_that_can_not_be_is_not_made(store: Store, wrong: Any, error: type[Exception]) -> None:
    await small_world(store)
    new = NewToken("crm", "acme", None, READING, None)
    await tokens.create(store, replace(new, name="taken"), token_of("taken"), NOON)
    with pytest.raises(error):
        await tokens.create(store, replace(new, **wrong), token_of("crm"), NOON)
    assert [each.name for each in await tokens.listed(store)] == ["taken"]
    with pytest.raises(NotFoundError):
        await tokens.revoke(store, "crm")
