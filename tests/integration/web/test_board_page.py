"""The board's page: what it says of a day and of now, to whom, and what it refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from daemon.storage.tables import CallRow, MissedItemRow, StintRow, WorkOrderRow
from tests.builders import NOON, agent_id, answered_call, group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Client, Desk

HOUR = timedelta(hours=1)


@pytest.fixture
async def full(desk: Desk) -> Desk:
    """Today four calls of acme, of which two were missed and one of these reached; one of the other team."""
    acme, other = team_id(desk.world, "acme"), team_id(desk.world, "other")
    for hours, seconds in ((2, 50.0), (1, 10.0)):
        at = NOON - hours * HOUR
        call = await answered_call(desk.store, acme, agent_id(desk.world, "anna"), at=at, ended_at=NOON)
        async with desk.store.write() as session:
            (await session.get_one(CallRow, call.id)).wait = seconds
    await missed_call(desk.store, acme, number="030 1234567", at=NOON - 2 * HOUR)
    reached = await missed_call(desk.store, acme, number="030 1234568", at=NOON - 3 * HOUR)
    await missed_call(desk.store, other, number="030 1234569", at=NOON - HOUR)
    await missed_call(desk.store, acme, number="030 1234570", at=NOON - 24 * HOUR)
    async with desk.store.write() as session:
        item = await session.get_one(MissedItemRow, reached.id)
        item.state, item.closed_at, item.closed_how = "reached", NOON, "own_call"
    return desk


async def waits(desk: Desk, team: str, queue: str, seconds: int) -> None:
    at = NOON - timedelta(seconds=seconds)
    call = CallRow(pbx="main", uniqueid=f"8.{seconds}", linkedid="", number="030", name="", extension="", queue=queue)
    call.team_id, call.state, call.began_at = team_id(desk.world, team), "waiting", at
    async with desk.store.write() as session:
        session.add(call)
        await session.flush()
        stay = {"queue": queue, "joined_at": at, "interface": "", "member": ""}
        session.add(StintRow(call_id=call.id, n=0, provisional=False, **stay))


async def late(desk: Desk, group: str, title: str) -> None:
    made = await work_order(desk.store, team_id(desk.world, "acme"), group_id(desk.world, "acme", group), title=title)
    async with desk.store.write() as session:
        (await session.get_one(WorkOrderRow, made.id)).due_at = NOON - HOUR


async def reads(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return unescape(await answer.text())


async def test_the_page_and_the_wall_say_the_same(full: Desk) -> None:
    anna = await full.logged_in("anna")
    page, wall = await reads(anna, "/board"), await reads(anna, "/board?wall=1")
    for text in (page, wall):
        assert re.search(r"To be called back</dt><dd>2</dd>", text)
        assert re.search("Service level</dt><dd>25\u00a0%</dd>", text)  # one of four within twenty seconds
        assert re.search(r"oldest Nov 22 13:00", text)
    assert "4 calls: 2 answered, 2 missed, of whom 1 were reached since" in page
    assert re.search(r"Average wait</dt><dd>0:30</dd>", page)
    assert "of 4 calls" in wall


async def test_the_table_has_the_figures_of_the_picture(full: Desk) -> None:
    text = await reads(await full.logged_in("anna"), "/board/content")
    table = text[text.index("<details") : text.index("</details>")]
    rows = [re.findall(r">(\d+)</t[dh]>", row) for row in table.split("<tr>")[2:]]
    assert rows == [  # in Berlin: hour, calls, answered, returned, still open
        ["9", "1", "0", "1", "0"],
        ["10", "2", "1", "0", "1"],
        ["11", "1", "1", "0", "0"],
    ]


async def test_who_waits_is_shown_with_his_queue_and_since_when(full: Desk) -> None:
    await waits(full, "acme", "support", 95)
    await waits(full, "acme", "unheard-of <b>", 20)
    await waits(full, "other", "theirs", 400)
    for path in ("/board", "/board?wall=1"):
        answer = await (await full.logged_in("anna")).get(path)
        text = await answer.text()
        assert re.search(r'data-since="2026-11-23T11:58:25[^"]*">1:35<', text), path
        assert "Support" in text
        assert "unheard-of &lt;b&gt;" in text
        assert "theirs" not in text


async def test_late_orders_are_counted_and_named_to_those_of_their_group(full: Desk) -> None:
    for n in range(12):
        await late(full, "support", f"Support's {n}")
    await late(full, "sales", "Sales' own")
    anna = await full.logged_in("anna")
    text = await reads(anna, "/board")
    assert text.count("Support's ") == 10
    assert "Sales' own" not in text
    assert re.search(r'Late orders <span class="count">12</span>', text)
    support = group_id(full.world, "acme", "support")
    for link, many in (
        (f"/work-orders?whose=groups&group={support}&late=1", 12),
        ("/work-orders?whose=groups&late=1", 12),
    ):
        assert f'href="{link}"' in text
        assert (await reads(anna, link)).count("Support's ") >= many
    assert re.search(r'Late orders <span class="count">13</span>', await reads(await full.logged_in("boss"), "/board"))
    assert "<strong>12 late:</strong>" in await reads(anna, "/board?wall=1")


async def test_a_group_that_left_is_shown_while_orders_are_in_it(full: Desk) -> None:
    sales = group_id(full.world, "acme", "sales")
    full.world.groups[sales] = replace(full.world.groups[sales], active=False, label="Sales of yore")
    boss = await full.logged_in("boss")
    assert "Sales of yore" not in await reads(boss, "/board")
    await late(full, "sales", "Left behind")
    assert "Sales of yore" in await reads(boss, "/board")


async def test_another_day_shows_its_calls_and_nothing_of_now(full: Desk) -> None:
    await waits(full, "acme", "support", 95)
    await late(full, "support", "Left behind")
    anna = await full.logged_in("anna")
    yesterday = (NOON - 24 * HOUR).date().isoformat()
    text = await reads(anna, f"/board?day={yesterday}")
    assert "1 calls: 0 answered, 1 missed" in text
    for now in ("Waiting now", "To be called back", "Late orders", "Open orders by group", "every 60s"):
        assert now not in text
        assert now in await reads(anna, "/board")
    assert "No calls on this day." in await reads(anna, "/board/content?day=2020-02-29")


async def test_a_wall_shows_today_whatever_day_is_asked_for(full: Desk) -> None:
    assert "of 4 calls" in await reads(await full.logged_in("anna"), "/board?wall=1&day=2020-02-29")


@pytest.mark.parametrize("asked", ["day=2026-13-01", "day=x", "day=0001-01-01", "day=9999-12-31", "team=x"])
async def test_what_no_form_sends_is_refused(full: Desk, asked: str) -> None:
    assert (await (await full.logged_in("root")).get(f"/board?{asked}")).status == 400


async def test_a_system_admin_chooses_a_team_and_nobody_else_can(full: Desk) -> None:
    other = team_id(full.world, "other")
    root, boss = await full.logged_in("root"), await full.logged_in("boss")
    assert "1 calls" in await reads(root, f"/board?team={other}")
    assert "5 calls" in await reads(root, "/board")
    assert f'hx-get="/board/content?team={other}"' in await reads(root, f"/board?team={other}")
    assert "4 calls" in await reads(boss, f"/board?team={other}")
    assert "<select" not in await reads(boss, "/board")
    assert "0 calls" in await reads(root, "/board?team=999999")
