"""Work orders over the API: made, found, changed, moved; each refusal with its reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from daemon.storage.tables import HistoryRow, OrderWordRow, WorkOrderRow
from tests.builders import agent_id, group_id
from tests.integration.web.desk import Client, Desk, csrf

BASE = "/api/v1"


async def ask(client: Client, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    own = {"X-CSRF-Token": await csrf(client), **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = await client.request(method, BASE + path, json=body, headers=own)
    told = await answer.json()
    assert answer.status == status, told
    return told


async def made(desk: Desk, client: Client, **more: Any) -> Any:
    body = {"template": 7, "title": "Call Müller back", "group": group_id(desk.world, "acme", "support"), **more}
    return await ask(client, "POST", "/work-orders", body, 201)


async def test_an_order_is_made_once_for_one_idempotency_key(desk: Desk) -> None:
    client = await desk.logged_in("ben")
    body = {"template": 7, "title": "Once", "group": group_id(desk.world, "acme", "support")}
    first = await ask(client, "POST", "/work-orders", body, 201, Idempotency_Key="k1")
    again = await ask(client, "POST", "/work-orders", body, 200, Idempotency_Key="k1")
    assert (first["id"], first["serial"], first) == (again["id"], "#7-1", again)
    other = await ask(client, "POST", "/work-orders", {**body, "title": "Other"}, 422, Idempotency_Key="k1")
    assert other["errors"][0]["rule"] == "idempotency_key_reused"
    async with desk.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(WorkOrderRow)) == 1


@pytest.mark.parametrize(
    ("body", "where", "rule"),
    [
        ({"template": 99, "title": "x"}, "/template", "unknown"),
        ({"template": 7}, "/title", "required"),
        ({"template": 7, "title": " "}, "/title", "pattern"),
        ({"template": 7, "title": "x" * 100_000}, "/title", "too_long"),
        ({"template": 7, "title": "x\x00y"}, "/title", "pattern"),
        ({"template": 7, "title": "x", "colour": "red"}, "/colour", "unknown"),
        ({"template": 7, "title": "x", "group": 3}, "/group", "range"),
        ({"template": 7, "title": "x", "group": 1, "customer": 4711}, "/customer", "unknown"),
        ({"template": 7, "title": "x", "group": 1, "priority": 6}, "/priority", "too_great"),
        ({"template": 7, "title": "x", "group": 1, "cc": "nobody"}, "/cc", "value_error"),
        ({"template": 7, "title": "x", "group": 1, "fields": {"size": "XL"}}, "/fields/size", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_named_with_its_place_and_rule(desk: Desk, body: Any, where: str, rule: str) -> None:
    client = await desk.logged_in("ben")
    told = await ask(client, "POST", "/work-orders", body, 422)
    assert [(each["where"], each["rule"]) for each in told["errors"]] == [(where, rule)], told


async def test_a_stale_version_is_refused_and_nothing_is_changed(desk: Desk) -> None:
    client = await desk.logged_in("ben")
    order = await made(desk, client)
    path = f"/work-orders/{order['id']}"
    changed = await ask(client, "PATCH", path, {"title": "Second", "priority": 1}, If_Match='"1"')
    assert (changed["title"], changed["priority"], changed["version"]) == ("Second", 1, 2)
    stale = await ask(client, "PATCH", path, {"title": "Third"}, 412, If_Match='"1"')
    assert "version 2" in stale["detail"]
    assert (await ask(client, "GET", path))["title"] == "Second"
    same = await ask(client, "PATCH", path, {"title": "Second"})
    assert same["version"] == 2  # what stays as it was leaves no trace
    history = (await ask(client, "GET", f"{path}/history"))["items"]
    assert history[-1]["changes"] == {"title": ["Call Müller back", "Second"], "priority": [3, 1]}


async def test_a_step_that_is_not_allowed_says_why(desk: Desk) -> None:
    ben, anna = await desk.logged_in("ben"), await desk.logged_in("anna")
    order = await made(desk, ben)
    path = f"/work-orders/{order['id']}"
    refused = await ask(ben, "POST", f"{path}/actions", {"action": "assign", "agent": agent_id(desk.world, "ben")}, 403)
    assert "group admin" in refused["detail"]
    assert order["actions"] == ["reply", "edit", "attach"]
    early = await ask(anna, "POST", f"{path}/actions", {"action": "pending"}, 409)
    assert "waiting" in early["detail"]
    odd = await ask(anna, "POST", f"{path}/actions", {"action": "pending", "agent": 1}, 422)
    assert odd["errors"][0]["where"] == "/agent"
    given = await ask(anna, "POST", f"{path}/actions", {"action": "assign", "agent": agent_id(desk.world, "ben")})
    assert (given["owner"]["name"], given["version"]) == ("Ben", 2)
    assert set((await ask(ben, "GET", path))["actions"]) >= {"pending", "done", "return_to_group"}
    done = await ask(ben, "POST", f"{path}/actions", {"action": "done", "note": "He has got his money."})
    assert (done["status"], done["actions"]) == ("done", [])
    late = await ask(ben, "POST", f"{path}/replies", {"text": "one more thing"}, 409)
    assert "nobody changes it any more" in late["detail"]


async def test_many_are_assigned_together_when_they_are_in_one_group(desk: Desk) -> None:
    anna = await desk.logged_in("anna")
    orders = [await made(desk, anna, title=f"Order {n}") for n in range(3)]
    ben = agent_id(desk.world, "ben")
    told = await ask(anna, "POST", "/work-orders/assign", {"ids": [each["id"] for each in orders], "agent": ben})
    assert [each["owner"]["name"] for each in told["items"]] == ["Ben"] * 3
    elsewhere = await made(desk, anna, group=group_id(desk.world, "acme", "sales"))
    mixed = {"ids": [orders[0]["id"], elsewhere["id"]], "agent": agent_id(desk.world, "anna")}
    refused = await ask(anna, "POST", "/work-orders/assign", mixed, 409)
    assert "one group" in refused["detail"]
    first = await ask(anna, "GET", f"/work-orders/{orders[0]['id']}")
    assert (first["owner"]["name"], first["version"]) == ("Ben", 2)
    await ask(anna, "POST", "/work-orders/assign", {"ids": [orders[0]["id"], 4711], "agent": ben}, 404)


async def test_orders_are_found_by_what_they_say(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    await made(desk, client, description="退款单 for +49 30 1234567")
    await made(desk, client, title="Another one")

    async def found(q: str, **more: str) -> list[str]:
        address = "&".join(f"{name}={value}" for name, value in {"q": q, "state": "any", **more}.items())
        return [each["serial"] for each in (await ask(client, "GET", f"/work-orders?{address}"))["items"]]

    for q in ("muller", "MÜLL", "%237-1", "7-1", "030+1234567", "1234567", "退款", "call+back"):
        assert await found(q) == ["#7-1"], q
    assert await found("nothing") == []
    assert await found("another", state="done") == []
    await ask(client, "PATCH", "/work-orders/2", {"title": "Renamed"})
    assert (await found("another"), await found("renamed")) == ([], ["#7-2"])


async def test_lists_are_by_category_and_state(desk: Desk) -> None:
    anna, ben = await desk.logged_in("anna"), await desk.logged_in("ben")
    mine = await made(desk, ben, title="of Ben")
    await made(desk, anna, title="of Anna")

    async def titles(client: Client, query: str) -> set[str]:
        return {each["title"] for each in (await ask(client, "GET", f"/work-orders?{query}"))["items"]}

    assert await titles(ben, "whose=created") == {"of Ben"}
    assert await titles(ben, "whose=mine") == await titles(ben, "whose=led") == set()
    assert await titles(anna, "whose=led") == await titles(anna, "whose=created_in_led") == {"of Ben", "of Anna"}
    await ask(anna, "POST", f"/work-orders/{mine['id']}/actions", {"action": "done"})
    assert await titles(ben, "") == {"of Anna"}
    assert await titles(ben, "state=recent") == await titles(ben, "status=done&state=any") == {"of Ben"}
    desk.clock.pass_by(days=4)
    anna = await desk.logged_in("anna")
    assert await titles(anna, "state=recent") == set()
    assert await titles(anna, "state=history") == {"of Ben"}


async def test_nothing_of_a_refused_creation_stays(desk: Desk) -> None:
    client = await desk.logged_in("ben")
    body = {"template": 7, "title": "x", "group": group_id(desk.world, "acme", "support"), "customer": 4711}
    await ask(client, "POST", "/work-orders", body, 422, Idempotency_Key="k")
    assert (await made(desk, client))["serial"] == "#7-1"  # no gap
    async with desk.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(HistoryRow)) == 1
        assert await session.scalar(select(func.count()).select_from(OrderWordRow)) > 0  # type: ignore[operator]


async def test_ten_equal_requests_at_once_make_one_order_and_wrong_ones_among_them_harm_none(desk: Desk) -> None:
    client = await desk.logged_in("ben")
    token = await csrf(client)
    support = group_id(desk.world, "acme", "support")

    async def post(key: str, **more: Any) -> tuple[int, Any]:
        body = {"template": 7, "title": "At once", "group": support, **more}
        headers = {"X-CSRF-Token": token, "Idempotency-Key": key}
        answer = await client.post(f"{BASE}/work-orders", json=body, headers=headers)
        return answer.status, await answer.json()

    same = [post("same") for _ in range(10)]
    wrong = [post("wrong", customer=4711), post("same", title="Another")]
    told = await asyncio.gather(*same, *wrong, *(post(f"other-{n}") for n in range(5)))
    statuses = [status for status, _ in told]
    assert sorted(statuses[:10]) == [200] * 9 + [201]
    assert {body["id"] for _, body in told[:10]} == {told[0][1]["id"]}
    assert statuses[10:12] == [422, 422]
    assert statuses[12:] == [201] * 5
    async with desk.store.read() as session:
        sequences = (await session.scalars(select(WorkOrderRow.sequence).order_by(WorkOrderRow.sequence))).all()
    assert list(sequences) == list(range(1, 7))
