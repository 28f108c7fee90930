from __future__ import annotations

from typing import Any

import pytest

from daemon.web.api.operation import BASE
from daemon.web.api.routes import OPERATIONS
from daemon.web.openapi import document
from tests.builders import group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Client, Desk, csrf


async def fill(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme, name="Ada", queues=("sales", "support"))
    await missed_call(desk.store, acme, number="030 7654321")
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), item=item)


async def got(client: Client, path: str, status: int = 200) -> Any:
    answer = await client.get(BASE + path)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def posted(client: Client, path: str, body: Any, status: int) -> Any:
    answer = await client.post(BASE + path, json=body, headers={"X-CSRF-Token": await csrf(client)})
    assert answer.status == status, await answer.text()
    return await answer.json()


async def test_a_missed_call_is_told_with_its_queues_and_its_order(desk: Desk) -> None:
    await fill(desk)
    found = await got(await desk.logged_in("anna"), "/missed-calls/1")
    assert found["queues"] == [
        {"pbx": "main", "name": "sales", "label": "Sales"},
        {"pbx": "main", "name": "support", "label": "Support"},
    ]
    assert found["work_order"] == {"id": 1, "serial": "#7-1", "status": "new", "visible": True}
    assert (found["e164"], found["reason"], found["wait"], found["count"]) == ("+49301234567", "abandoned", 42.0, 1)
    assert found["last_missed_at"] == "2026-11-23T12:00:00Z"
    assert found["closed"] is None


async def test_lists_are_turned_over_by_cursor(desk: Desk) -> None:
    for n in range(5):
        await missed_call(desk.store, team_id(desk.world, "acme"), number=f"030 123456{n}")
    client, seen, cursor = await desk.logged_in("anna"), [], ""
    while True:
        found = await got(client, f"/missed-calls?limit=2{cursor}")
        seen += [each["id"] for each in found["items"]]
        if found["next"] is None:
            break
        await missed_call(desk.store, team_id(desk.world, "acme"), number=f"030 999999{len(seen)}")
        cursor = f"&cursor={found['next']}"
    assert seen == [5, 4, 3, 2, 1]


async def test_an_order_is_made_once_and_dismissals_need_an_open_item(desk: Desk) -> None:
    await fill(desk)
    client = await desk.logged_in("anna")
    made = await posted(client, "/missed-calls/2/work-order", {}, 201)
    assert made == await posted(client, "/missed-calls/2/work-order", {"template": 8}, 200)
    assert (made["serial"], made["owner"], made["creator"]["name"]) == ("#7-2", None, "Anna")
    gone = await posted(client, "/missed-calls/2/dismiss", {"reason": "spam"}, 200)
    assert (gone["state"], gone["closed"]["by"], gone["closed"]["note"]) == ("dismissed", "Anna", "spam")
    refused = await posted(client, "/missed-calls/2/dismiss", {"reason": "spam"}, 409)
    assert refused["detail"] == "it is closed already: dismissed by Anna"
    history = await got(client, "/work-orders/2/history")
    assert [(each["n"], each["action"], each["actor"]) for each in history["items"]] == [
        (1, "create", "Anna"),
        (2, "missed_dismissed", "Anna"),
    ]
    assert (await got(client, "/work-orders/2/history?limit=1"))["next"] == 1
    assert len((await got(client, "/work-orders/2/history?after=1"))["items"]) == 1


async def test_calls_are_told_with_their_stays_in_queues(desk: Desk) -> None:
    await fill(desk)
    client = await desk.logged_in("anna")
    assert [each["id"] for each in (await got(client, "/calls?missed=true&e164=%2B49301234567"))["items"]] == [1]
    assert (await got(client, "/calls?living=true"))["items"] == []
    found = await got(client, "/calls/1")
    assert [stint["queue"] for stint in found["stints"]] == ["sales", "support"]
    assert found["missed_call_id"] == 1


async def test_names_are_those_of_the_team(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    assert [each["name"] for each in (await got(client, "/agents"))["items"]] == ["Anna", "Ben"]
    assert [each["name"] for each in (await got(client, "/groups"))["items"]] == ["support", "sales"]
    assert [each["id"] for each in (await got(client, "/templates"))["items"]] == [7, 8]
    assert [each["name"] for each in (await got(await desk.logged_in("olga"), "/agents"))["items"]] == ["Olga"]
    assert len((await got(await desk.logged_in("root"), "/agents"))["items"]) == 3


async def test_another_teams_records_are_not_there(desk: Desk) -> None:
    await fill(desk)
    client = await desk.logged_in("olga")
    for path in ("/missed-calls", "/work-orders", "/calls"):
        assert (await got(client, path))["items"] == []
    missing = ["/missed-calls/1", "/work-orders/1", "/work-orders/1/history", "/calls/1"]
    for path in missing:
        there, nowhere = await got(client, path, 404), await got(client, path.replace("1", "4711"), 404)
        assert {**there, "detail": ""} == {**nowhere, "detail": ""}
    await posted(client, "/missed-calls/1/work-order", {}, 404)
    await posted(client, "/missed-calls/1/dismiss", {"reason": "x"}, 404)


@pytest.mark.parametrize("username", ["boss", "root"])
async def test_admins_read_all_of_it_and_write_nothing(desk: Desk, username: str) -> None:
    await fill(desk)
    client = await desk.logged_in(username)
    for operation in (each for each in OPERATIONS if each.tag == "missed calls"):
        path = operation.path.replace("{id}", "1")
        if operation.method == "GET":
            await got(client, path)
        else:
            body = {"reason": "x"} if path.endswith("dismiss") else {}
            await posted(client, path, body, 403)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/missed-calls?limit=0", "limit"),
        ("/missed-calls?limit=201", "limit"),
        ("/missed-calls?limit=many", "limit"),
        ("/missed-calls?state=lost", "state"),
        ("/missed-calls?colour=red", "colour"),
        ("/missed-calls?limit=1&limit=2", "limit"),
        ("/missed-calls?cursor=forged", "cursor"),
        ("/work-orders?group=99999999999999999999", "group"),
        ("/calls?e164=1%20OR%201=1", "e164"),
        ("/me?x=1", "x"),
    ],
)
async def test_a_query_that_is_not_allowed_is_named(desk: Desk, path: str, where: str) -> None:
    problem = await got(await desk.logged_in("anna"), path, 422)
    assert [each["where"] for each in problem["errors"]] == [where]
    assert problem["title"] == "Unprocessable Entity"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b'"\\ud800"', "application/json", 400),
        (b'{"reason": "\\ud800"}', "application/json", 400),
        (b'{"reason": "a\\u0000b"}', "application/json", 422),
        (b'{"reason": ""}', "application/json", 422),
        (b'{"reason": 7}', "application/json", 422),
        (b'{"reason": "x", "extra": 1}', "application/json", 422),
        (b"[" * 50_000, "application/json", 400),
        (b'{"reason": "x"}', "text/plain", 415),
        (b"reason=x", "application/x-www-form-urlencoded", 415),
        (b'{"reason": "' + b"x" * 300_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_body_that_is_not_understood_gets_a_clear_refusal(
    desk: Desk, body: bytes, content_type: str, status: int
) -> None:
    await fill(desk)
    client = await desk.logged_in("anna")
    headers = {"X-CSRF-Token": await csrf(client), "Content-Type": content_type}
    answer = await client.post(f"{BASE}/missed-calls/1/dismiss", data=body, headers=headers)
    assert (answer.status, answer.content_type) == (status, "application/problem+json"), await answer.text()
    assert (await answer.json())["status"] == status


async def test_addresses_and_methods_that_do_not_exist_are_problems_too(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    assert (await got(client, "/nowhere", 404))["status"] == 404
    assert (await got(client, "/missed-calls/999999999999999999", 404))["status"] == 404
    answer = await client.delete(f"{BASE}/missed-calls", headers={"X-CSRF-Token": await csrf(client)})
    assert (answer.status, answer.content_type, answer.headers["Allow"]) == (
        405,
        "application/problem+json",
        "GET,HEAD",
    )


async def test_the_document_is_there_for_everybody(desk: Desk) -> None:
    answer = await desk.visitor().get(f"{BASE}/openapi.json")
    assert await answer.json() == document()
