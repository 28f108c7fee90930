from __future__ import annotations

from datetime import timedelta

import pytest

from daemon.orders.history import SYSTEM, Actor, Entry
from daemon.orders.order import Status
from daemon.storage.engine import Store
from daemon.storage.tables import WorkOrderRow
from tests.builders import NOON, agent_id, group_id, missed_call, stepped, team_id, work_order
from tests.integration.web.desk import Desk


async def finish(store: Store, row: WorkOrderRow, ago: timedelta) -> None:
    await stepped(store, row, Entry(NOON - ago, SYSTEM, "done", "waiting", "done"), status=Status.DONE)


async def titles(desk: Desk, username: str, query: str = "") -> set[str]:
    client = await desk.logged_in(username)
    text = await (await client.get(f"/work-orders/rows{query}")).text()
    return {title for title in ("of support", "of sales", "owned", "made", "foreign", "old", "recent") if title in text}


async def fill(desk: Desk) -> None:
    acme, ben = team_id(desk.world, "acme"), agent_id(desk.world, "ben")
    support, sales = group_id(desk.world, "acme", "support"), group_id(desk.world, "acme", "sales")
    await work_order(desk.store, acme, support, title="of support")
    await work_order(desk.store, acme, sales, title="of sales")
    await work_order(desk.store, acme, sales, title="owned", owner=ben)
    await work_order(desk.store, acme, sales, title="made", creator=ben)


@pytest.mark.parametrize(
    ("username", "query", "seen"),
    [
        ("ben", "", {"of support", "owned", "made"}),
        ("ben", "?whose=mine", {"owned"}),
        ("ben", "?whose=groups", {"of support"}),
        ("ben", "?whose=created", {"made"}),
        ("ben", "?whose=led", {"of support", "owned", "made"}),  # he leads none
        ("anna", "?whose=led", {"of support"}),
        ("anna", "?whose=created_in_led", set()),
        ("anna", "", {"of support"}),
        ("boss", "", {"of support", "of sales", "owned", "made"}),
        ("boss", "?whose=mine", {"of support", "of sales", "owned", "made"}),
        ("root", "", {"of support", "of sales", "owned", "made"}),
        ("olga", "", set()),
    ],
)
async def test_everybody_sees_the_orders_that_are_his_to_see(
    desk: Desk, username: str, query: str, seen: set[str]
) -> None:
    await fill(desk)
    assert await titles(desk, username, query) == seen


@pytest.mark.parametrize(
    ("username", "statuses"),
    [
        ("ben", [200, 404, 200, 200]),
        ("anna", [200, 404, 404, 404]),
        ("boss", [200, 200, 200, 200]),
        ("root", [200, 200, 200, 200]),
        ("olga", [404, 404, 404, 404]),
    ],
)
async def test_one_order_is_open_to_those_who_see_it_in_the_list(
    desk: Desk, username: str, statuses: list[int]
) -> None:
    await fill(desk)
    client = await desk.logged_in(username)
    for pattern in (
        "/work-orders/{}",
        "/work-orders/{}/content",
        "/api/v1/work-orders/{}",
        "/api/v1/work-orders/{}/history",
    ):
        assert [(await client.get(pattern.format(n))).status for n in (1, 2, 3, 4)] == statuses


async def test_finished_orders_are_listed_for_some_days(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    for title, ago in (("recent", timedelta(days=1)), ("old", timedelta(days=4))):
        order = await work_order(desk.store, acme, support, title=title, at=NOON - ago)
        await finish(desk.store, order, ago)
    assert await titles(desk, "ben") == set()
    assert await titles(desk, "ben", "?tab=finished") == {"recent"}
    assert await titles(desk, "ben", "?tab=history") == {"old"}


async def test_an_order_shows_its_caller_its_calls_and_its_history(desk: Desk) -> None:
    acme, anna = team_id(desk.world, "acme"), agent_id(desk.world, "anna")
    item = await missed_call(desk.store, acme, name="Ada", wait=83)
    actor = Actor("agent", "Anna", anna)
    row = await work_order(
        desk.store,
        acme,
        group_id(desk.world, "acme", "support"),
        item=item,
        creator=anna,
        actor=actor,
        description="first line\nsecond line",
    )
    replied = Entry(NOON, actor, "reply", note="<b>tried</b>\nagain", changes={"a": "b"})
    row = await stepped(desk.store, row, replied)
    await stepped(desk.store, row, Entry(NOON, SYSTEM, "of_tomorrow", to="somewhere"))
    text = await (await (await desk.logged_in("anna")).get("/work-orders/1")).text()
    for said in ("#7-1", "first line\nsecond line", "+49 30 1234567", "waited 1:23", "Created", "Reply", "of_tomorrow"):
        assert said in text, said
    assert "&lt;b&gt;tried&lt;/b&gt;\nagain" in text
    text = text[text.index('<ol class="timeline">') :]
    assert text.index("of_tomorrow") < text.index("Reply") < text.index("Created")
