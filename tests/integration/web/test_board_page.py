"""The board: figures of a day and of now, of what its reader may see; on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select

from daemon.storage import statistics
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow, MissedItemRow, StintRow
from daemon.storage.visibility import Sight
from tests.builders import NOON, agent_id, answered_call, group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Client, Desk, open_desk

HOUR = timedelta(hours=1)


@pytest.fixture
async def full(store: Store) -> AsyncIterator[Desk]:
    """A desk on either database: today four calls of acme, of which two were missed and one of these reached."""
    async with open_desk(store) as desk:
        acme, other = team_id(desk.world, "acme"), team_id(desk.world, "other")
        for hours, minutes in ((2, 0), (1, 10)):
            call = await answered_call(store, acme, agent_id(desk.world, "anna"), at=NOON - hours * HOUR, ended_at=NOON)
            async with store.write() as session:
                kept = await session.get_one(CallRow, call.id)
                kept.wait = 10.0 if minutes else 50.0
        await missed_call(store, acme, number="030 1234567", at=NOON - 2 * HOUR)
        reached = await missed_call(store, acme, number="030 1234568", at=NOON - 3 * HOUR)
        await missed_call(store, other, number="030 1234569", at=NOON - HOUR)
        await missed_call(store, acme, number="030 1234570", at=NOON - 24 * HOUR)
        async with store.write() as session:
            item = await session.get_one(MissedItemRow, reached.id)
            item.state, item.closed_at, item.closed_how = "reached", NOON, "own_call"
        yield desk


async def waits(desk: Desk, team: str, uniqueid: str, queue: str, seconds: int) -> None:
    at = NOON - timedelta(seconds=seconds)
    async with desk.store.write() as session:
        call = CallRow(
            pbx="main",
            uniqueid=uniqueid,
            linkedid=uniqueid,
            team_id=team_id(desk.world, team),
            number="030",
            name="",
            extension="",
            queue=queue,
            state="waiting",
            began_at=at,
        )
        session.add(call)
        await session.flush()
        session.add(
            StintRow(call_id=call.id, n=1, queue=queue, joined_at=at, provisional=False, interface="", member="")
        )


async def reads(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return unescape(await answer.text())


async def test_a_days_calls_are_counted_by_what_became_of_them(full: Desk) -> None:
    begin = NOON.replace(hour=0)
    async with full.store.read() as session:
        found = await statistics.quarters(session, Sight(team_id(full.world, "acme")), begin, begin + 24 * HOUR)
        everything = await statistics.quarters(session, Sight(None), begin, begin + 24 * HOUR)
        chosen = await statistics.quarters(session, Sight(None), begin, begin + 24 * HOUR, team_id(full.world, "other"))
    assert sum(each.calls for each in found) == 4
    assert sum(each.answered for each in found) == 2
    assert sum(each.missed for each in found) == 2
    assert sum(each.returned for each in found) == 1
    assert sum(each.waited for each in found) == 60.0
    assert sum(each.in_time for each in found) == 1
    assert all(each.begins.tzinfo is UTC and each.begins.minute % 15 == 0 for each in found)
    assert sum(each.calls for each in everything) == 5
    assert sum(each.calls for each in chosen) == 1


async def test_calls_are_counted_in_the_quarter_in_which_they_came(full: Desk) -> None:
    async with full.store.read() as session:
        found = await statistics.quarters(session, Sight(None), NOON - 48 * HOUR, NOON + HOUR)
        began = (await session.scalars(select(CallRow.began_at))).all()
    expected = Counter(at.timestamp() // statistics.QUARTER * statistics.QUARTER for at in began)
    assert {each.begins.timestamp(): each.calls for each in found} == expected


async def test_who_waits_is_shown_with_his_queue_and_since_when(full: Desk) -> None:
    await waits(full, "acme", "8.1", "support", 95)
    await waits(full, "acme", "8.2", "support", 20)
    await waits(full, "other", "8.3", "theirs", 400)
    async with full.store.read() as session:
        [found] = await statistics.waiting_now(session, Sight(team_id(full.world, "acme")))
        assert (found.queue, found.count, found.since) == ("support", 2, NOON - timedelta(seconds=95))
    text = await reads(await full.logged_in("anna"), "/board")
    assert "1:35" in text
    assert "theirs" not in text


async def test_orders_stand_by_group_and_an_agent_sees_those_of_his_groups(full: Desk) -> None:
    acme, support, sales = (
        team_id(full.world, "acme"),
        group_id(full.world, "acme", "support"),
        group_id(full.world, "acme", "sales"),
    )
    for group in (support, support, sales):
        await work_order(full.store, acme, group)
    anna = full.world.agents[agent_id(full.world, "anna")]
    async with full.store.read() as session:
        his = await statistics.open_by_group(session, Sight(acme, anna.id, anna.groups, anna.leads))
        whole = await statistics.open_by_group(session, Sight(acme))
        theirs = await statistics.open_by_group(session, Sight(team_id(full.world, "other")))
    assert his == {support: {"new": 2}}
    assert whole == {support: {"new": 2}, sales: {"new": 1}}
    assert theirs == {}


async def test_the_page_and_the_wall_say_the_same(full: Desk) -> None:
    anna = await full.logged_in("anna")
    page, wall = await reads(anna, "/board"), await reads(anna, "/board?wall=1")
    for text in (page, wall):
        assert "To be called back" in text
        assert "Service level" in text
        assert "25" in text  # per cent: one of four within twenty seconds
    assert "4 calls: 2 answered, 2 missed, of whom 1 were reached since" in page
    assert "of 4 calls" in wall


async def test_another_day_shows_no_one_who_waits_now(full: Desk) -> None:
    await waits(full, "acme", "8.1", "support", 95)
    anna = await full.logged_in("anna")
    yesterday = (NOON - 24 * HOUR).date().isoformat()
    text = await reads(anna, f"/board/content?day={yesterday}")
    assert "1 calls: 0 answered, 1 missed" in text
    assert "Waiting now" not in text
    assert "No calls on this day." in await reads(anna, "/board/content?day=2020-02-29")


@pytest.mark.parametrize("asked", ["day=2026-13-01", "day=x", "day=0001-01-01", "day=9999-12-31"])
async def test_a_day_that_is_none_is_refused(full: Desk, asked: str) -> None:
    assert (await (await full.logged_in("anna")).get(f"/board?{asked}")).status == 400


async def test_a_system_admin_chooses_a_team_and_nobody_else_can(full: Desk) -> None:
    other = team_id(full.world, "other")
    assert "1 calls" in await reads(await full.logged_in("root"), f"/board?team={other}")
    assert "5 calls" in await reads(await full.logged_in("root"), "/board")
    assert "4 calls" in await reads(await full.logged_in("boss"), f"/board?team={other}")


def test_noon_is_a_quarter() -> None:
    assert datetime.fromtimestamp(NOON.timestamp() // statistics.QUARTER * statistics.QUARTER, UTC) == NOON
