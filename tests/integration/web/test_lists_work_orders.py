"""My work orders: what is looked for, how much there is, where the day begins, and many assigned at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from daemon.handlers.live import News
from daemon.orders.history import SYSTEM, Entry
from daemon.orders.order import NodeStatus, Status
from daemon.orders.template import Node
from daemon.storage.search import index_again
from daemon.storage.tables import AssignRuleRow, HistoryRow, MembershipRow, WorkOrderRow
from daemon.web.pages import order_query
from tests.builders import NOON, agent_id, group_id, missed_call, stepped, team_id, work_order
from tests.integration.web.desk import Client, Desk, csrf


async def shown(client: Client, query: str = "") -> list[int]:
    """The ids of the orders of a list, from the top."""
    text = await (await client.get(f"/work-orders/rows{query}")).text()
    return [int(id_) for id_ in re.findall(r'id="order-(\d+)"', text)]


async def changed(desk: Desk, row: WorkOrderRow, **columns: object) -> WorkOrderRow:
    """The order with other columns."""
    async with desk.store.write() as session:
        kept = await session.merge(row)
        for name, value in columns.items():
            setattr(kept, name, value)
        return kept


async def fill(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    ben = agent_id(desk.world, "ben")
    item = await missed_call(desk.store, acme, number="030 1234567", name="Ada Meyer")
    past = NOON - timedelta(days=2)
    said = "Ada Meyer +49301234567"
    rows = [
        await work_order(desk.store, acme, support, title="Invoice wrong", description=said, item=item, at=past),
        await work_order(desk.store, acme, support, title="Printer broken", owner=ben, template=8),
        await work_order(desk.store, acme, support, title="Invoice lost", at=NOON - timedelta(hours=1)),
    ]
    await changed(desk, rows[0], due_at=NOON - timedelta(hours=1), priority=1)
    await changed(desk, rows[2], due_at=NOON - timedelta(hours=2), node_status="return")
    async with desk.store.write() as session:
        await index_again(session, [row.id for row in rows])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [2, 3, 1]),
        ("?q=invoice", [3, 1]),
        ("?q=inv", [3, 1]),
        ("?q=%237-1", [1]),
        ("?q=1234567", [1]),
        ("?q=meyer", [1]),
        ("?q=nothing", []),
        ("?template=8", [2]),
        ("?owner=nobody", [3, 1]),
        ("?priority=1", [1]),
        ("?node_status=return", [3]),
        ("?late=1", [3, 1]),
        ("?since=2026-11-23", [2, 3]),
        ("?until=2026-11-22", [1]),
        ("?since=2026-11-21&until=2026-11-21", [1]),
        ("?q=invoice&priority=1", [1]),
        ("?whose=mine", []),
    ],
)
async def test_orders_are_found_by_words_and_filters(desk: Desk, query: str, found: list[int]) -> None:
    await fill(desk)
    assert await shown(await desk.logged_in("anna"), query) == found


async def test_orders_of_an_agent_are_found_by_his_name_in_the_form(desk: Desk) -> None:
    await fill(desk)
    client, ben = await desk.logged_in("anna"), agent_id(desk.world, "ben")
    assert await shown(client, f"?owner={ben}") == [2]
    text = await (await client.get(f"/work-orders?owner={ben}&q=printer&late=1")).text()
    assert f'<option value="{ben}" selected>Ben (1001)</option>' in text
    for said in ("Owner: Ben (1001)", "Words: printer", "Only late ones"):
        assert said in text, said
    assert f'href="/work-orders?whose=all&amp;tab=open&amp;owner={ben}&amp;late=1"' in text  # without the words


@pytest.mark.parametrize(
    "query",
    ["?template=x", "?priority=9", "?status=odd", "?since=2026-13-01", "?until=0001-01-01", "?rows=7", "?team=%00"],
)
async def test_what_the_form_never_sends_is_refused(desk: Desk, query: str) -> None:
    assert (await (await desk.logged_in("anna")).get(f"/work-orders{query}")).status == 400


async def test_a_row_tells_for_whom_where_until_when_and_how_urgent(desk: Desk) -> None:
    support, sales = group_id(desk.world, "acme", "support"), group_id(desk.world, "acme", "sales")
    flow = (Node(sales), Node(support), Node(None))
    desk.world.templates[8] = replace(desk.world.templates[8], flow=flow)
    await fill(desk)
    async with desk.store.write() as session:
        (await session.get_one(WorkOrderRow, 2)).node_index = 1
    text = await (await (await desk.logged_in("anna")).get("/work-orders")).text()
    for said in ("Ada Meyer", "+49 30 1234567", '<span class="node">2/3</span> Support', "Late", "Returned"):
        assert said in text, said


async def test_how_much_there_is_stands_on_each_tab(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    ben = agent_id(desk.world, "ben")
    for n in range(3):
        await work_order(desk.store, acme, support, owner=ben if n else None, creator=ben)
    done = await work_order(desk.store, acme, support, at=NOON - timedelta(hours=2))
    await stepped(desk.store, done, Entry(NOON, SYSTEM, "done", "waiting", "done"), status=Status.DONE)
    for _ in range(101):
        await work_order(desk.store, acme, group_id(desk.world, "acme", "sales"))
    agent = await (await (await desk.logged_in("anna")).get("/work-orders")).text()
    counts = re.findall(r'aria-current="page">([\w ]+) <span class="many">([\d+]+)<', agent)
    assert counts == [("All", "3"), ("Open", "3")]
    assert 'Mine <span class="many">0<' in agent
    assert 'Recently finished <span class="many">1<' in agent
    boss = await (await (await desk.logged_in("boss")).get("/work-orders")).text()
    assert 'Open <span class="many">99+<' in boss


async def test_the_day_begins_at_ones_unfinished_orders_and_without_any_at_the_missed_calls(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    places = {}
    for username in ("anna", "ben", "boss", "root"):
        client = await desk.logged_in(username)
        before = await client.get("/", allow_redirects=False)
        places[username] = [before.headers["Location"]]
    await work_order(desk.store, acme, support, owner=agent_id(desk.world, "anna"))
    for username, seen in places.items():
        after = await (await desk.logged_in(username)).get("/", allow_redirects=False)
        seen.append(after.headers["Location"])
    assert places.pop("anna") == ["/missed-calls", "/work-orders?whose=mine"]
    assert set(map(tuple, places.values())) == {("/missed-calls", "/missed-calls")}


async def test_a_long_list_is_turned_over_without_gaps_and_tells_what_is_new_on_top(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    for n in range(30):
        await work_order(desk.store, acme, support, at=NOON - timedelta(minutes=n // 2))
    client = await desk.logged_in("anna")
    first = await (await client.get("/work-orders?rows=25")).text()
    address = re.findall(r'href="([^"]+)">Older', first)[0].replace("&amp;", "&")
    second = await (await client.get(address)).text()
    ids = re.findall(r'id="order-(\d+)"', first + second)
    assert sorted(map(int, ids)) == list(range(1, 31))
    assert "new or changed" not in second
    for minute in (1, 2):
        await work_order(desk.store, acme, support, at=NOON + timedelta(minutes=minute))
    rows = re.findall(r'hx-get="(/work-orders/rows[^"]+)"', second)[0].replace("&amp;", "&")
    assert "2 orders are new or changed" in await (await client.get(rows)).text()


async def test_pages_of_a_filter_come_to_the_last_match_however_rare(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    old = await work_order(desk.store, acme, support, at=NOON - timedelta(days=1))
    await changed(desk, old, priority=1)
    for n in range(120):
        await work_order(desk.store, acme, support, at=NOON - timedelta(seconds=n))
    monkeypatch.setattr(order_query, "EFFORT", 16)
    client, address, turned = await desk.logged_in("anna"), "/work-orders?priority=1&rows=25", 0
    while 'id="order-1"' not in (text := await (await client.get(address)).text()):
        assert "there are older orders to be looked through" in text
        address, turned = re.findall(r'href="([^"]+)">Older', text)[0].replace("&amp;", "&"), turned + 1
    assert turned > 0


# --- many at once --------------------------------------------------------------------------------------------------


async def lead_both(desk: Desk) -> tuple[int, int]:
    """Anna leads support and sales, where nobody else works."""
    support, sales = group_id(desk.world, "acme", "support"), group_id(desk.world, "acme", "sales")
    anna = agent_id(desk.world, "anna")
    both = frozenset({support, sales})
    desk.world.agents[anna] = replace(desk.world.agents[anna], groups=both, leads=both)
    of_sales = replace(desk.world.groups[sales], members=frozenset({anna}), admins=frozenset({anna}))
    desk.world.groups[sales] = of_sales
    async with desk.store.write() as session:
        session.add(MembershipRow(group_id=sales, agent_id=anna, admin=True))
    return support, sales


async def owners(desk: Desk) -> Mapping[int, int | None]:
    async with desk.store.read() as session:
        return {row.id: row.owner_id for row in await session.scalars(select(WorkOrderRow))}


async def test_only_who_leads_a_group_chooses_rows_and_only_those_that_can_be_assigned(desk: Desk) -> None:
    acme, (support, _) = team_id(desk.world, "acme"), await lead_both(desk)
    waiting = await work_order(desk.store, acme, support, template=7)
    await work_order(desk.store, acme, support, template=8)
    verifying = await work_order(desk.store, acme, support, template=8, owner=agent_id(desk.world, "ben"))
    await changed(desk, verifying, node_status=NodeStatus.VERIFY, status="pending")
    async with desk.store.write() as session:
        session.add(AssignRuleRow(template_id=7, group_id=support, mode="fewest_unfinished"))
    boxes = {}
    for username in ("anna", "ben", "boss"):
        text = await (await (await desk.logged_in(username)).get("/work-orders")).text()
        boxes[username] = re.findall(r'type="checkbox" name="id" value="(\d+)"', text)
    assert boxes == {"anna": ["2"], "ben": [], "boss": []}
    asked = await (await desk.logged_in("anna")).get(f"/work-orders/assign?id=2&id={waiting.id}&id={verifying.id}")
    text = await asked.text()
    assert "Assign this work order of Support" in text
    assert "#7-1</strong> it waits for its assign rule" in text
    assert "#8-2</strong> it waits to be verified" in text


async def test_many_are_assigned_at_once_and_open_pages_are_told(desk: Desk) -> None:
    acme, (support, _) = team_id(desk.world, "acme"), await lead_both(desk)
    ben = agent_id(desk.world, "ben")
    for _ in range(3):
        await work_order(desk.store, acme, support, owner=agent_id(desk.world, "anna"))
    client = await desk.logged_in("anna")
    back = "/work-orders?whose=groups&tab=open"
    asked = await (await client.get("/work-orders/assign", params={"id": ["1", "3"], "back": back})).text()
    assert "Assign 2 work orders of Support" in asked
    assert re.search(r'value="\d+" required> <span class="name">Ben <small>1001</small></span>', asked)
    assert "3 unfinished" in asked
    assert "away" in asked
    told: list[News] = []

    def heard(news: News) -> bool:
        told.append(news)
        return True

    form = [("csrf", await csrf(client)), ("id", "1"), ("id", "3"), ("agent", str(ben)), ("note", "x"), ("back", back)]
    with desk.live.listen("test", heard):
        answer = await client.post("/work-orders/assign", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"{back}&notice=assigned")
    anna = agent_id(desk.world, "anna")
    assert await owners(desk) == {1: ben, 2: anna, 3: ben}
    assert [(news.topic, news.ids) for news in told] == [("work_orders", (1,)), ("work_orders", (3,))]
    async with desk.store.read() as session:
        notes = (await session.scalars(select(HistoryRow.note).where(HistoryRow.action == "assign"))).all()
    assert notes == ["x", "x"]


async def test_orders_of_two_groups_are_not_assigned_together(desk: Desk) -> None:
    acme, (support, sales) = team_id(desk.world, "acme"), await lead_both(desk)
    await work_order(desk.store, acme, support)
    await work_order(desk.store, acme, sales)
    client, anna = await desk.logged_in("anna"), agent_id(desk.world, "anna")
    asked = await (await client.get("/work-orders/assign?id=1&id=2")).text()
    assert "#7-2</strong> it is in another group" in asked
    assert 'name="id" value="2"' not in asked
    form = [("csrf", await csrf(client)), ("id", "1"), ("id", "2"), ("agent", str(anna))]
    answer = await client.post("/work-orders/assign", data=form)
    assert answer.status == 409
    assert "Nothing was assigned" in await answer.text()
    assert await owners(desk) == {1: None, 2: None}


async def test_when_one_was_finished_meanwhile_none_is_assigned_and_it_is_named(desk: Desk) -> None:
    acme, (support, _) = team_id(desk.world, "acme"), await lead_both(desk)
    first = await work_order(desk.store, acme, support)
    await work_order(desk.store, acme, support)
    await stepped(desk.store, first, Entry(NOON, SYSTEM, "done", "waiting", "done"), status=Status.DONE)
    client = await desk.logged_in("anna")
    ben = str(agent_id(desk.world, "ben"))
    form = [("csrf", await csrf(client)), ("id", "1"), ("id", "2"), ("agent", ben)]
    answer = await client.post("/work-orders/assign", data=form)
    text = await answer.text()
    assert answer.status == 409
    assert "#7-1</strong> it is done" in text
    assert 'name="id" value="2"' in text
    assert await owners(desk) == {1: None, 2: None}


async def test_without_an_agent_or_with_one_of_another_group_nothing_is_assigned(desk: Desk) -> None:
    acme, (_, sales) = team_id(desk.world, "acme"), await lead_both(desk)
    await work_order(desk.store, acme, sales)
    client = await desk.logged_in("anna")
    token = ("csrf", await csrf(client))
    answer = await client.post("/work-orders/assign", data=[token, ("id", "1")])
    assert answer.status == 422
    assert "Choose the agent" in await answer.text()
    ben = str(agent_id(desk.world, "ben"))
    answer = await client.post("/work-orders/assign", data=[token, ("id", "1"), ("agent", ben)])
    assert answer.status == 409
    answer = await client.post("/work-orders/assign", data=[token, ("back", "//evil.example")], allow_redirects=False)
    assert answer.headers["Location"] == "/work-orders?notice=none_chosen"
    assert await owners(desk) == {1: None}


@pytest.mark.parametrize(("username", "status"), [("ben", 403), ("boss", 403), ("root", 403), ("olga", 403)])
async def test_who_leads_no_group_is_not_asked(desk: Desk, username: str, status: int) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    await work_order(desk.store, acme, support)
    client = await desk.logged_in(username)
    assert (await client.get("/work-orders/assign?id=1")).status == status
    ben = str(agent_id(desk.world, "ben"))
    form = {"csrf": await csrf(client), "id": "1", "agent": ben}
    assert (await client.post("/work-orders/assign", data=form)).status == status
    assert await owners(desk) == {1: None}


async def test_what_somebody_does_not_see_is_not_there_to_be_assigned(desk: Desk) -> None:
    acme, sales = team_id(desk.world, "acme"), group_id(desk.world, "acme", "sales")
    await work_order(desk.store, acme, sales)
    client = await desk.logged_in("anna")  # who leads support alone
    assert (await client.get("/work-orders/assign?id=1")).status == 404
    assert (await client.get("/work-orders/assign?id=99")).status == 404
