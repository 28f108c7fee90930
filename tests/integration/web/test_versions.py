from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.web.api.operation import BASE
from tests.builders import agent_id, group_id, missed_call, team_id, work_order
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Client, Desk

ORDER = f"{BASE}/work-orders/1"


@pytest.fixture
async def anna(desk: Desk) -> Client:
    """A program that acts as Anna, who owns order 1."""
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    await work_order(desk.store, acme, support, owner=agent_id(desk.world, "anna"))
    return await bearer(desk, agent="1000")


async def change(client: Client, tag: str | None, **changes: Any) -> tuple[int, str | None, Any]:
    headers = {} if tag is None else {"If-Match": tag}
    answer = await client.patch(ORDER, json=changes, headers=headers)
    return answer.status, answer.headers.get("ETag"), await answer.json()


async def test_what_is_read_has_a_tag_and_each_change_another(anna: Client) -> None:
    read = await anna.get(ORDER)
    assert read.headers["ETag"] == f'"{(await read.json())["version"]}"'
    status, tag, order = await change(anna, read.headers["ETag"], title="Call back soon")
    assert (status, order["title"], tag) == (200, "Call back soon", f'"{order["version"]}"')
    assert tag != read.headers["ETag"]
    assert (await anna.get(ORDER)).headers["ETag"] == tag


async def test_who_was_slower_gets_a_412_that_tells_the_present_version_and_changes_nothing(anna: Client) -> None:
    seen = (await anna.get(ORDER)).headers["ETag"]
    _, present, _ = await change(anna, seen, title="Faster")
    status, tag, problem = await change(anna, seen, title="Slower")
    assert (status, tag) == (412, present)
    assert [(each["where"], each["rule"]) for each in problem["errors"]] == [("If-Match", "stale")]
    assert (await (await anna.get(ORDER)).json())["title"] == "Faster"


async def test_of_many_who_saw_the_same_one_is_first(anna: Client) -> None:
    seen = (await anna.get(ORDER)).headers["ETag"]
    done = await asyncio.gather(*(change(anna, seen, title=f"Number {n}") for n in range(8)))
    assert sorted(status for status, _, _ in done) == [200] + 7 * [412]
    first = next(order["title"] for status, _, order in done if status == 200)
    assert (await (await anna.get(ORDER)).json())["title"] == first


@pytest.mark.parametrize("tag", [None, "*"])
async def test_who_names_no_version_writes_over_any(anna: Client, tag: str | None) -> None:
    await change(anna, None, title="Faster")
    assert (await change(anna, tag, title="Whatever"))[0] == 200


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 412), ('"one"', 412), ('"0"', 412), ("1", 400), ("", 400)])
async def test_a_tag_that_is_not_ours_matches_nothing_and_what_is_no_tag_is_refused(
    anna: Client, tag: str, status: int
) -> None:
    assert (await change(anna, tag, title="Never"))[0] == status
    assert (await (await anna.get(ORDER)).json())["title"] == "Call back"


async def test_what_is_not_there_is_not_there_whatever_its_version(desk: Desk, anna: Client) -> None:
    stranger = await bearer(desk, "spy", team="other", agent="2000")
    for client, path in ((anna, f"{BASE}/work-orders/4711"), (stranger, ORDER)):
        for tag in ('"1"', '"9"', "*"):
            answer = await client.patch(path, json={"title": "x"}, headers={"If-Match": tag})
            assert answer.status == 404, (path, tag)


async def test_a_condition_on_what_has_no_version_is_refused_and_not_ignored(desk: Desk, anna: Client) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    answer = await anna.post(f"{BASE}/missed-calls/1/dismiss", json={"reason": "x"}, headers={"If-Match": '"1"'})
    assert (answer.status, (await answer.json())["errors"][0]["where"]) == (400, "If-Match")
    assert (await (await anna.get(f"{BASE}/missed-calls/1")).json())["state"] == "open"
