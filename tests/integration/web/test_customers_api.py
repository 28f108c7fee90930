from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from daemon.storage.customers import NamePlace
from daemon.web.api.customer_routes import CSV
from daemon.web.api.customers import from_name_cursor, to_name_cursor
from daemon.web.api.operation import BASE
from daemon.web.parts import PARTS
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Client, Desk, csrf

ADA = {
    "name": "Ada Lovelace",
    "reference": "A1",
    "email": "ada@example.com",
    "address": "Hof 1\n12345 Berlin",
    "numbers": ["030 1234567", "12345"],
}


async def asked(client: Client, method: str, path: str, status: int, body: Any = None, **headers: str) -> Any:
    answer = await client.request(method, BASE + path, json=body, headers=headers)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def sent(client: Client, content: str | bytes, status: int, query: str = "", **headers: str) -> Any:
    headers = {"Content-Type": "text/csv", **headers}
    answer = await client.post(f"{BASE}/customers/import{query}", data=content, headers=headers)
    assert answer.status == status, await answer.text()
    return await answer.json()


@asynccontextmanager
async def importing(desk: Desk) -> AsyncIterator[None]:
    """Imports are done in this block."""
    app: Any = desk.server.app
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(app[PARTS].imports.run())
        yield
        task.cancel()


async def ended(client: Client, import_id: int) -> Any:
    while True:
        told = await asked(client, "GET", f"/customers/imports/{import_id}", 200)
        if told["state"] != "running":
            return told


async def test_a_customer_is_made_told_changed_and_found(desk: Desk) -> None:
    crm = await bearer(desk)
    answer = await crm.post(f"{BASE}/customers", json=ADA)
    told = await answer.json()
    assert (answer.status, answer.headers["Location"], answer.headers["ETag"]) == (201, f"{BASE}/customers/1", '"1"')
    assert told["numbers"] == [
        {"number": "030 1234567", "e164": "+49301234567"},
        {"number": "12345", "e164": None},
    ]
    assert (told["kind"], told["address"], told["created_at"]) == (
        "individual",
        "Hof 1\n12345 Berlin",
        "2026-11-23T12:00:00Z",
    )
    change = {"name": "Ada L", "email": None, "add_numbers": ["0171 1234567"], "remove_numbers": ["12345"]}
    changed = await asked(crm, "PATCH", "/customers/1", 200, change, **{"If-Match": '"1"'})
    assert (changed["name"], changed["email"], changed["reference"], changed["version"]) == ("Ada L", None, "A1", 2)
    assert [each["number"] for each in changed["numbers"]] == ["030 1234567", "0171 1234567"]
    assert await asked(crm, "GET", "/customers/1", 200) == changed
    for query in ("name=ada", "number=%2B49301234567", "name=ADA%20L&number=0171%201234567", ""):
        assert (await asked(crm, "GET", f"/customers?{query}", 200))["items"] == [changed]
    assert (await asked(crm, "GET", "/customers?number=12345", 200))["items"] == []


async def test_a_stale_change_is_refused_and_changes_nothing(desk: Desk) -> None:
    crm = await bearer(desk)
    await asked(crm, "POST", "/customers", 201, ADA)
    await asked(crm, "PATCH", "/customers/1", 200, {"note": "x"}, **{"If-Match": '"1"'})
    await asked(crm, "PATCH", "/customers/1", 412, {"note": "y"}, **{"If-Match": '"1"'})
    assert (await asked(crm, "GET", "/customers/1", 200))["note"] == "x"


async def test_a_request_that_is_sent_twice_makes_one_customer(desk: Desk) -> None:
    crm = await bearer(desk)
    first = await asked(crm, "POST", "/customers", 201, ADA, **{"Idempotency-Key": "k"})
    assert await asked(crm, "POST", "/customers", 200, ADA, **{"Idempotency-Key": "k"}) == first
    await asked(crm, "POST", "/customers", 409, ADA, **{"Idempotency-Key": "other"})
    await asked(crm, "POST", "/customers", 422, {**ADA, "name": "Bob"}, **{"Idempotency-Key": "k"})


@pytest.mark.parametrize(
    ("wrong", "where", "rule"),
    [
        ({"name": "x" * 100_000}, "/name", "too_long"),
        ({"name": " "}, "/name", "required"),
        ({"name": "a\x00b"}, "/name", "control_character"),
        ({"name": None}, "/name", "string_type"),
        ({"email": "ada"}, "/email", "email"),
        ({"email": "a@b.de\r\nBcc: c@d.de"}, "/email", "control_character"),
        ({"numbers": ["030 1234567", "+49301234567"]}, "/numbers/1", "number_twice"),
        ({"numbers": ["anonymous"]}, "/numbers/0", "number"),
        ({"numbers": [f"030 {1000000 + n}" for n in range(101)]}, "/numbers", "too_many"),
        ({"kind": "robot"}, "/kind", "option"),
        ({"vip": True}, "/vip", "unknown"),
    ],
)
async def test_what_is_wrong_is_named_with_its_place_and_rule(desk: Desk, wrong: Any, where: str, rule: str) -> None:
    crm = await bearer(desk)
    told = await asked(crm, "POST", "/customers", 422, {**ADA, **wrong})
    assert [(each["where"], each["rule"]) for each in told["errors"]] == [(where, rule)]
    assert (await asked(crm, "GET", "/customers", 200))["items"] == []


async def test_another_teams_customers_and_imports_are_not_there(desk: Desk) -> None:
    crm, other = await bearer(desk), await bearer(desk, "other", team="other")
    await asked(crm, "POST", "/customers", 201, ADA)
    await sent(crm, "name\nBob\n", 202)
    await asked(other, "GET", "/customers/1", 404)
    await asked(other, "PATCH", "/customers/1", 404, {"name": "x"})
    await asked(other, "GET", "/customers/imports/1", 404)
    assert (await asked(other, "GET", "/customers", 200))["items"] == []
    assert (await asked(other, "GET", "/customers?number=030%201234567", 200))["items"] == []
    await asked(other, "POST", "/customers", 201, ADA)


async def test_admins_see_and_do_not_write(desk: Desk) -> None:
    crm = await bearer(desk)
    await asked(crm, "POST", "/customers", 201, ADA)
    for username in ("boss", "root"):
        client = await desk.logged_in(username)
        token = {"X-CSRF-Token": await csrf(client)}
        assert (await asked(client, "GET", "/customers/1", 200))["name"] == "Ada Lovelace"
        assert len((await asked(client, "GET", "/customers?number=%2B49301234567", 200))["items"]) == 1
        await asked(client, "POST", "/customers", 403, {"name": "x"}, **token)
        await asked(client, "PATCH", "/customers/1", 403, {"name": "x"}, **token)
        await sent(client, "name\nx\n", 403, **token)
    anna = await desk.logged_in("anna")
    await asked(anna, "PATCH", "/customers/1", 200, {"note": "x"}, **{"X-CSRF-Token": await csrf(anna)})


async def test_a_token_needs_the_scopes(desk: Desk) -> None:
    reader = await bearer(desk, "reader", scopes=["customers:read"])
    stranger = await bearer(desk, "stranger", scopes=["orders:read"])
    await asked(reader, "GET", "/customers", 200)
    await asked(reader, "POST", "/customers", 403, ADA)
    await sent(reader, "name\nx\n", 403)
    await asked(stranger, "GET", "/customers", 403)


async def test_a_list_is_turned_over_by_cursor(desk: Desk) -> None:
    crm = await bearer(desk)
    for name in ("Zoe", "ada", "Bob", "ÄHN", "bea"):
        await asked(crm, "POST", "/customers", 201, {"name": name})
    names, cursor = [], ""
    while True:
        page = await asked(crm, "GET", f"/customers?limit=2{cursor}", 200)
        names += [each["name"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert names == ["ada", "bea", "Bob", "Zoe", "ÄHN"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!", "W10", "WzEsIngiXQ", "bnVsbA", "é", "W" * 5000, "WzEsIlx1ZDgwMCIsMV0"]
)
async def test_a_cursor_that_is_none_of_ours_is_refused(desk: Desk, cursor: str) -> None:
    crm = await bearer(desk)
    answer = await crm.get(f"{BASE}/customers", params={"cursor": cursor})
    assert answer.status == 422, await answer.text()
    assert [each["rule"] for each in (await answer.json())["errors"]] == ["cursor"]


def test_a_cursor_comes_back_as_the_place_that_it_was() -> None:
    for place in (NamePlace(1, "", 1), NamePlace(2**53 - 1, "ß\u0301张" * 60, 2**53 - 1)):
        assert from_name_cursor(to_name_cursor(place)) == place


async def test_a_number_without_digits_finds_nobody_and_says_so(desk: Desk) -> None:
    crm = await bearer(desk)
    await asked(crm, "GET", "/customers?number=anonymous", 422)


async def test_a_file_is_accepted_and_told_until_it_is_done(desk: Desk) -> None:
    crm = await bearer(desk)
    answer = await crm.post(
        f"{BASE}/customers/import?kind=enterprise&name=big.csv",
        data="name;phone\nAcme;030 1234567\n",
        headers={"Content-Type": "text/csv; charset=utf-8"},
    )
    told = await answer.json()
    assert (answer.status, answer.headers["Location"]) == (202, f"{BASE}/customers/imports/1")
    assert (told["state"], told["lines"], told["seen"], told["name"]) == ("running", 2, 0, "big.csv")
    async with importing(desk):
        done = await ended(crm, 1)
    assert (done["state"], done["seen"], done["created"], done["errors"]) == ("done", 2, 1, [])
    ((found,)) = (await asked(crm, "GET", "/customers", 200))["items"]
    assert (found["name"], found["kind"]) == ("Acme", "enterprise")


async def test_a_wrong_file_is_refused_line_by_line(desk: Desk) -> None:
    crm = await bearer(desk)
    await sent(crm, 'name,note\nAda,"a\nb"\n,x\n', 202)
    await sent(crm, "nöme\nAda\n".encode("latin-1"), 202)
    await sent(crm, b"", 202)
    await sent(crm, b'name\n"cut', 202)
    await sent(crm, ",".join(["x"] * 10_000), 202)
    async with importing(desk):
        first, *others = [await ended(crm, n) for n in range(1, 6)]
    assert (first["state"], first["error_count"]) == ("refused", 1)
    assert first["errors"] == [{"line": 4, "column": "name", "what": "is missing"}]
    assert [each["state"] for each in others] == ["refused"] * 4
    assert [each["errors"][0]["line"] for each in others] == [1, 1, 2, 1]
    assert (await asked(crm, "GET", "/customers", 200))["items"] == []


async def test_a_file_that_is_sent_twice_with_one_key_is_one_import(desk: Desk) -> None:
    crm = await bearer(desk)
    key = {"Idempotency-Key": "k"}
    first = await sent(crm, "name\nAda\n", 202, **key)
    assert await sent(crm, "name\nAda\n", 200, **key) == first
    await sent(crm, "name\nBob\n", 422, **key)
    await asked(crm, "GET", "/customers/imports/2", 404)


async def test_what_is_no_csv_or_too_big_is_refused_at_the_door(desk: Desk) -> None:
    crm = await bearer(desk)
    answer = await crm.post(f"{BASE}/customers/import", json={"name": "x"})
    assert answer.status == 415
    announced = await crm.post(
        f"{BASE}/customers/import", data=b"x" * (CSV.most_bytes + 1), headers={"Content-Type": "text/csv"}
    )
    assert announced.status == 413
    await asked(crm, "GET", "/customers/imports/1", 404)
