"""What the board counts, against what a person would count, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from daemon.handlers.world import World
from daemon.storage import statistics
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.statistics import Quarter, Standing, Unreached, Waiting
from daemon.storage.tables import CallRow, StintRow, WorkOrderRow
from tests.builders import NOON, agent_id, answered_call, closed, group_id, missed_call, team_id, work_order
from tests.integration.storage.plans import plan_of
from tests.worlds import small_world

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MIDNIGHT = NOON.replace(hour=0)
BY_NO_INDEX = tuple(f"SCAN {name}" for name in ("call", "stint", "missed_call", "missed_item", "work_order"))


@dataclass(frozen=True)
class House:
    """A database, the small world in it, and its teams."""

    store: Store
    world: World
    acme: int
    other: int

    async def quarters(self, *teams: int, since: datetime = MIDNIGHT) -> list[Quarter]:
        """Those of a day."""
        async with self.store.read() as session:
            return list(await statistics.quarters(session, teams, since, since + 24 * HOUR))

    async def waits(self, team: int, queue: str, seconds: float, *, state: str = "waiting") -> None:
        """A caller who is in a queue since then."""
        at = NOON - timedelta(seconds=seconds)
        row = CallRow(pbx="main", uniqueid=f"{team}.{seconds}", linkedid="", number="030", name="", extension="")
        row.team_id, row.queue, row.state, row.began_at = team, queue, state, at
        left = None if state == "waiting" else NOON
        async with self.store.write() as session:
            session.add(row)
            await session.flush()
            stay = {"queue": queue, "joined_at": at, "left_at": left, "interface": "", "member": ""}
            session.add(StintRow(call_id=row.id, n=0, provisional=False, **stay))

    async def order(self, group: int, status: str = "new", due: datetime | None = None, *, done: bool = False) -> int:
        """An order that stands so."""
        made = await work_order(self.store, self.acme, group)
        async with self.store.write() as session:
            row = await session.get_one(WorkOrderRow, made.id)
            row.node_status, row.due_at = status, due
            if done:
                row.status, row.finished_at = "done", NOON
        return made.id


@pytest.fixture
async def house(store: Store) -> House:
    world = await small_world(store)
    return House(store, world, team_id(world, "acme"), team_id(world, "other"))


async def test_a_days_calls_are_counted_by_what_became_of_them(house: House) -> None:
    anna = agent_id(house.world, "anna")
    for at, ended_at in ((10, NOON), (20, NOON), (30, None)):
        await answered_call(house.store, house.acme, anna, at=NOON + at * MINUTE / 10, ended_at=ended_at)
    for n, state in enumerate(("open", "reached", "dismissed", "order_done")):
        item = await missed_call(house.store, house.acme, number=f"030 123456{n}", at=NOON + MINUTE, wait=5)
        if state != "open":
            await closed(house.store, item, Closing(state, NOON + MINUTE, "Anna", state, "why"))
    await house.waits(house.acme, "support", 0)
    async with house.store.write() as session:
        slow = await session.get_one(CallRow, 1)
        slow.wait = 20.5
    assert await house.quarters(house.acme) == [
        Quarter(
            NOON, calls=8, answered=2, talking=1, missed=4, returned=1, owed=1, waited=pytest.approx(40.5), in_time=1
        )
    ]


async def test_a_caller_who_was_missed_twice_and_reached_counts_as_two_returned_calls(house: House) -> None:
    item = await missed_call(house.store, house.acme, at=NOON + MINUTE)
    item = await missed_call(house.store, house.acme, at=NOON + 40 * MINUTE, item=item)
    assert sum(each.owed for each in await house.quarters(house.acme)) == 2
    await closed(house.store, item, Closing("reached", NOON + HOUR, "Anna", "own_call"))
    found = await house.quarters(house.acme)
    assert [(each.begins, each.returned, each.owed) for each in found] == [(NOON, 1, 0), (NOON + 30 * MINUTE, 1, 0)]


async def test_only_the_calls_of_these_teams_and_of_this_time_count(house: House) -> None:
    dice = random.Random(4)
    expected: Counter[datetime] = Counter()
    for n in range(40):
        began = MIDNIGHT + timedelta(minutes=dice.randrange(-120, 26 * 60))
        team = dice.choice((house.acme, house.other))
        await missed_call(house.store, team, number=f"030 {1234560 + n}", at=began + 12 * MINUTE / 60, wait=12)
        if team == house.acme and MIDNIGHT <= began < MIDNIGHT + 24 * HOUR:
            expected[began - timedelta(minutes=began.minute % 15)] += 1
    assert {each.begins: each.calls for each in await house.quarters(house.acme)} == expected
    both = await house.quarters(house.acme, house.other)
    assert sum(each.calls for each in both) > sum(expected.values())
    assert [each.begins for each in both] == sorted({each.begins for each in both})
    assert all(each.begins.tzinfo is UTC for each in both)
    assert await house.quarters() == []


async def test_who_waits_is_told_queue_by_queue_the_longest_first(house: House) -> None:
    await house.waits(house.acme, "support", 20)
    await house.waits(house.acme, "sales", 40)
    await house.waits(house.acme, "support", 95)
    await house.waits(house.acme, "support", 300, state="talking")
    await house.waits(house.other, "theirs", 400)
    async with house.store.read() as session:
        found = await statistics.waiting_now(session, [house.acme])
    assert found == [
        Waiting("main", "support", 2, NOON - timedelta(seconds=95)),
        Waiting("main", "sales", 1, NOON - timedelta(seconds=40)),
    ]


async def test_who_must_be_called_back_is_counted_and_the_first_of_them_told(house: House) -> None:
    async with house.store.read() as session:
        assert await statistics.unreached(session, [house.acme]) == Unreached(0, None)
    for n, at in enumerate((NOON - HOUR, NOON - 30 * HOUR, NOON)):
        await missed_call(house.store, house.acme, number=f"030 123456{n}", at=at)
    reached = await missed_call(house.store, house.acme, number="030 1234569", at=NOON - 90 * HOUR)
    await closed(house.store, reached, Closing("reached", NOON, "Anna", "own_call"))
    await missed_call(house.store, house.other, at=NOON - 99 * HOUR)
    async with house.store.read() as session:
        assert await statistics.unreached(session, [house.acme]) == Unreached(3, NOON - 30 * HOUR)
        assert (await statistics.unreached(session, [house.acme, house.other])).count == 4


async def test_open_orders_stand_by_group_and_status_and_the_most_urgent_late_ones_are_told(house: House) -> None:
    support, sales = group_id(house.world, "acme", "support"), group_id(house.world, "acme", "sales")
    late = await house.order(support, "pending", NOON - HOUR)
    later = await house.order(support, "return", NOON - 2 * HOUR)
    await house.order(support, "new", NOON)
    await house.order(support)
    await house.order(support, "pending", NOON - 5 * HOUR, done=True)
    of_sales = await house.order(sales, "verify", NOON - 3 * HOUR)
    async with house.store.read() as session:
        one = await statistics.standings(session, [support], NOON)
        both = await statistics.standings(session, [support, sales], NOON)
        told = [order.id for order in await statistics.late_orders(session, [support, sales], NOON, 2)]
        his = [order.id for order in await statistics.late_orders(session, [support], NOON, 9)]
        assert await statistics.standings(session, [], NOON) == {}
        assert await statistics.late_orders(session, [], NOON, 9) == []
    assert one == {support: Standing({"new": 2, "pending": 1, "return": 1}, late=2)}
    assert both == one | {sales: Standing({"verify": 1}, late=1)}
    assert told == [of_sales, later]
    assert his == [later, late]


async def test_every_figure_is_found_by_an_index(store: Store) -> None:
    if not store.is_sqlite:
        pytest.skip("PostgreSQL reads small tables whole")
    for ask in (
        lambda session: statistics.quarters(session, [1, 2], MIDNIGHT, NOON),
        lambda session: statistics.waiting_now(session, [1]),
        lambda session: statistics.unreached(session, [1]),
        lambda session: statistics.late_orders(session, [1, 2], NOON, 10),
    ):
        plan = await plan_of(store, ask)
        assert [line for line in plan if line.startswith(BY_NO_INDEX) and " USING " not in line] == []
    plan = await plan_of(store, lambda session: statistics.standings(session, [1, 2], NOON))
    assert plan == ["SEARCH work_order USING INDEX ix_work_order_standing (group_id=?)"]


def test_noon_is_a_quarter() -> None:
    assert datetime.fromtimestamp(NOON.timestamp() // statistics.QUARTER * statistics.QUARTER, UTC) == NOON
