"""From a verdict to an order, and to its end, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from daemon.calls.board import Board
from daemon.calls.effects import CallerReached, CallJudged, Effect
from daemon.calls.events import CallerJoined, CallerLeft, Event, HangupRequested, HungUp, NumberReached
from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers.calls import apply_effects
from daemon.handlers.live import News
from daemon.handlers.missed import create_order, dismiss
from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.orders.history import START, Actor, Entry, first_break
from daemon.storage import calls
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow, HistoryRow, MissedItemRow, WorkOrderRow
from tests.unit.calls.ways_out import ANSWERED
from tests.worlds import OFFICE, POLICY, small_world

MONDAY_NOON = datetime(2026, 11, 23, 11, tzinfo=UTC).timestamp()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def given_up(
    uniqueid: str = "17.1",
    number: str = "030 1234567",
    at: float = MONDAY_NOON,
    wait: float = 20,
    queue: str = "support",
) -> list[Effect]:
    events: list[Event] = [
        CallerJoined(at, uniqueid, uniqueid, queue, number, "Ada <b>", "100", 1),
        HangupRequested(at + wait, uniqueid),
        CallerLeft(at + wait, uniqueid, queue),
        HungUp(at + wait, uniqueid),
    ]
    board = Board()
    return [effect for event in events for effect in board.feed(event)]


def answered(uniqueid: str, number: str, at: float) -> list[Effect]:
    board = Board()
    shifted = [replace(e, at=at + e.at, uniqueid=uniqueid) for e in ANSWERED]  # type: ignore[type-var]
    shifted = [replace(e, number=number) if hasattr(e, "number") else e for e in shifted]
    return [effect for event in shifted for effect in board.feed(event)]


async def apply(store: Store, world: World, effects: Sequence[Effect], pbx: str = "main") -> tuple[News, ...]:
    async with store.write() as session:
        return await apply_effects(session, world, pbx, effects)


async def items(store: Store) -> Sequence[MissedItemRow]:
    async with store.read() as session:
        return (await session.scalars(select(MissedItemRow).order_by(MissedItemRow.id))).all()


async def orders(store: Store) -> Sequence[WorkOrderRow]:
    async with store.read() as session:
        return (await session.scalars(select(WorkOrderRow).order_by(WorkOrderRow.id))).all()


async def trace(store: Store, order_id: int) -> list[HistoryRow]:
    async with store.read() as session:
        query = select(HistoryRow).where(HistoryRow.order_id == order_id).order_by(HistoryRow.n)
        return list((await session.scalars(query)).all())


async def test_a_caller_who_gives_up_becomes_one_order_in_the_right_group(store: Store) -> None:
    world = await small_world(store)
    news = await apply(store, world, given_up())
    [item], [order] = await items(store), await orders(store)
    assert (item.e164, item.count, item.state, item.reason, item.wait) == ("+49301234567", 1, "open", "abandoned", 20)
    assert (order.serial, order.status, order.missed_item_id) == ("#7-1", "new", item.id)
    assert world.groups[order.group_id].name == "support"
    assert {n.topic for n in news} == {"calls", "missed_calls", "work_orders"}
    assert [h.action for h in await trace(store, order.id)] == ["create"]


async def test_the_same_call_told_again_changes_nothing(store: Store) -> None:
    world = await small_world(store)
    for _ in range(3):
        await apply(store, world, given_up())
    [item], [_] = await items(store), await orders(store)
    assert item.count == 1


async def test_missed_again_is_a_counter_and_a_note_and_never_a_second_order(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up("17.1"))
    await apply(store, world, given_up("17.2", number="+49 30 1234567", at=MONDAY_NOON + 600))
    [item], [order] = await items(store), await orders(store)
    assert item.count == 2
    assert [h.action for h in await trace(store, order.id)] == ["create", "missed_again"]


async def test_hidden_numbers_are_never_merged(store: Store) -> None:
    world = await small_world(store, replace(POLICY, hidden_numbers="order"))
    for n, number in enumerate(("anonymous", "", "unknown")):
        await apply(store, world, given_up(f"17.{n}", number))
    assert [item.count for item in await items(store)] == [1, 1, 1]
    assert len(await orders(store)) == 3


@pytest.mark.parametrize(
    ("number", "wait", "at", "policy", "why"),
    [
        ("0301234567", 3.0, MONDAY_NOON, replace(POLICY, minimum_wait=5), "short"),
        ("0301234567", 20.0, MONDAY_NOON + 12 * 3600, replace(POLICY, hours=OFFICE), "closed"),
        ("anonymous", 20.0, MONDAY_NOON, POLICY, "hidden"),
        ("0301234567", 20.0, MONDAY_NOON, replace(POLICY, automatic=False), "manual"),
    ],
)
async def test_listed_without_an_order(
    store: Store, number: str, wait: float, at: float, policy: object, why: str
) -> None:
    world = await small_world(store, policy)  # type: ignore[arg-type]
    await apply(store, world, given_up(number=number, wait=wait, at=at))
    [item] = await items(store)
    assert item.listing == why
    assert await orders(store) == []


@pytest.mark.parametrize(
    ("number", "why"), [("1001", "internal"), ("0900 1234567", "blacklisted"), ("0666", "blacklisted")]
)
async def test_callers_who_are_not_even_listed(store: Store, number: str, why: str) -> None:
    world = await small_world(store)
    await apply(store, world, given_up(number=number.replace(" ", "")))
    assert await items(store) == []
    async with store.read() as session:
        assert await session.scalar(select(CallRow.listing)) == why


async def test_an_order_comes_when_the_second_call_deserves_one(store: Store) -> None:
    world = await small_world(store, replace(POLICY, minimum_wait=5))
    await apply(store, world, given_up("17.1", wait=2))
    assert await orders(store) == []
    await apply(store, world, given_up("17.2", wait=30, at=MONDAY_NOON + 60))
    [item], [_] = await items(store), await orders(store)
    assert item.count == 2


async def test_his_own_next_call_closes_item_and_untouched_order(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    await apply(store, world, answered("17.2", "0301234567", MONDAY_NOON + 300))
    [item], [order] = await items(store), await orders(store)
    assert (item.state, item.closed_by, item.closed_how) == ("reached", "Anna", "own_call")
    assert order.status == "done"
    assert [h.action for h in await trace(store, order.id)] == ["create", "caller_reached"]


async def test_a_call_that_is_answered_within_one_batch_closes_nothing_of_another_team(store: Store) -> None:
    world = await small_world(store)
    other = next(team.id for team in world.teams.values() if team.name == "other")
    shop = replace(world.queues["", "support"], name="shop", team_id=other, template_id=None)
    world = replace(world, queues={**world.queues, ("", "shop"): shop})
    await apply(store, world, given_up("17.1", queue="shop"))
    await apply(store, world, given_up("17.2", queue="support"))
    talk = answered("17.3", "030 1234567", MONDAY_NOON + 60)
    by_a_stranger = [replace(e, interface="PJSIP/77", member="") if isinstance(e, CallerReached) else e for e in talk]
    await apply(store, world, by_a_stranger)
    assert {item.queue: item.state for item in await items(store)} == {"shop": "open", "support": "reached"}


async def test_our_call_back_closes_the_item(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    dialled = NumberReached(MONDAY_NOON + 900, "17.8", "17.9", "0301234567", "PJSIP/1001", "1001")
    await apply(store, world, Board().feed(dialled))
    [item] = await items(store)
    assert (item.state, item.closed_by, item.closed_how) == ("reached", "Ben", "call_back")


async def test_a_reached_callers_order_stays_open_where_the_template_says_so(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up(queue="sales"))
    await apply(store, world, answered("17.2", "0301234567", MONDAY_NOON + 300))
    [item], [order] = await items(store), await orders(store)
    assert (item.state, order.status) == ("reached", "new")


async def test_missed_again_after_being_reached_is_a_new_item_and_a_new_order(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up("17.1"))
    await apply(store, world, answered("17.2", "0301234567", MONDAY_NOON + 300))
    await apply(store, world, given_up("17.3", at=MONDAY_NOON + 900))
    assert [item.state for item in await items(store)] == ["reached", "open"]
    assert [order.serial for order in await orders(store)] == ["#7-1", "#7-2"]


async def test_another_caller_is_not_taken_for_the_one_who_was_reached(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    await apply(store, world, answered("17.2", "0301234568", MONDAY_NOON + 300))
    assert [item.state for item in await items(store)] == ["open"]


async def test_equal_uniqueids_of_two_pbxs_are_two_calls(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up("17.1", "0301111111"), "main")
    await apply(store, world, given_up("17.1", "0302222222"), "second")
    assert len(await items(store)) == len(await orders(store)) == 2


async def test_two_writers_at_once_never_make_two_items(store: Store) -> None:
    world = await small_world(store)

    async def one(n: int) -> None:
        for _ in range(5):
            try:
                await apply(store, world, given_up(f"17.{n}", at=MONDAY_NOON + n))
            except IntegrityError:
                continue
            return

    await asyncio.gather(*(one(n) for n in range(8)))
    [item], [order] = await items(store), await orders(store)
    assert item.count == 8
    assert len(await trace(store, order.id)) == 8


async def test_the_database_refuses_a_second_order_for_an_item(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    [order] = await orders(store)
    values = {c.name: getattr(order, c.key) for c in WorkOrderRow.__table__.columns if c.name != "id"}
    second = WorkOrderRow(**(values | {"sequence": 99, "serial": "#7-99"}))
    with pytest.raises(IntegrityError, match="missed_item_id"):
        async with store.write() as session:
            session.add(second)


async def test_a_batch_that_fails_leaves_nothing(store: Store) -> None:
    world = await small_world(store)
    broken = given_up("17.2", "0302222222")
    judged = next(e for e in broken if isinstance(e, CallJudged))
    bad = replace(judged, call=replace(judged.call, stints=(replace(judged.call.stints[0], exit="nonsense"),)))  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)constraint"):
        await apply(store, world, [*given_up(), bad])
    assert await items(store) == []
    assert await orders(store) == []


async def test_a_restart_finds_the_living_calls_as_they_were(store: Store) -> None:
    world = await small_world(store)
    board = Board()
    events: list[Event] = [
        CallerJoined(MONDAY_NOON, "17.1", "17.0", "support", "0301234567", "Ada", "100", 1),
        CallerLeft(MONDAY_NOON + 5.25, "17.1", "support"),
        CallerJoined(MONDAY_NOON + 6.5, "17.1", "17.0", "sales", "0301234567", "Ada", "100", 1),
    ]
    await apply(store, world, [effect for event in events for effect in board.feed(event)])
    async with store.read() as session:
        assert await calls.living(session, "main") == [board.calls["17.1"]]
        assert await calls.living(session, "other") == []


async def test_news_go_to_the_team_alone(store: Store) -> None:
    world = await small_world(store)
    news = await apply(store, world, given_up())
    acme = next(team.id for team in world.teams.values() if team.name == "acme")
    assert {n.team_id for n in news} == {acme}


def person(world: World, username: str) -> Person:
    agent = world.agent_by_username(username)
    assert agent is not None
    return Person("agent", username, agent.name, agent.team_id, agent)


async def test_an_agent_makes_the_order_of_an_item_once(store: Store) -> None:
    world = await small_world(store, replace(POLICY, automatic=False))
    await apply(store, world, given_up())
    [item] = await items(store)
    first, news = await create_order(store, world, person(world, "ben"), item.id, None, NOW)
    second, nothing = await create_order(store, world, person(world, "anna"), item.id, None, NOW)
    assert (first, len(news), nothing) == (second, 2, ())


async def test_another_team_does_not_learn_that_an_item_exists(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    [item] = await items(store)
    with pytest.raises(NotFoundError):
        await create_order(store, world, person(world, "olga"), item.id, None, NOW)
    with pytest.raises(NotFoundError):
        await dismiss(store, world, person(world, "olga"), [item.id], "mine", NOW)


async def test_dismissing_needs_a_reason_and_an_open_item(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    [item] = await items(store)
    ben = person(world, "ben")
    with pytest.raises(RefusedError, match="reason"):
        await dismiss(store, world, ben, [item.id], "  ", NOW)
    await dismiss(store, world, ben, [item.id], "wrong number", NOW)
    with pytest.raises(RefusedError, match="closed already"):
        await dismiss(store, world, ben, [item.id], "again", NOW)
    [closed] = await items(store)
    assert (closed.state, closed.closed_by, closed.closed_note) == ("dismissed", "Ben", "wrong number")


async def test_a_team_admin_sees_and_changes_nothing(store: Store) -> None:
    world = await small_world(store)
    await apply(store, world, given_up())
    [item] = await items(store)
    boss = Person("team_admin", "boss", "Boss", item.team_id)
    with pytest.raises(ForbiddenError):
        await dismiss(store, world, boss, [item.id], "no", NOW)


async def test_the_hash_chain_of_an_order_is_whole(store: Store) -> None:
    world = await small_world(store)
    for n in range(4):
        await apply(store, world, given_up(f"17.{n}", at=MONDAY_NOON + n * 60))
    [order] = await orders(store)
    rows = await trace(store, order.id)

    def entry(row: HistoryRow) -> Entry:
        actor = Actor(row.actor_kind, row.actor, row.actor_id)  # type: ignore[arg-type]
        return Entry(row.at, actor, row.action, row.from_, row.to, row.note, row.changes)

    chain = [(row.n, entry(row), row.previous_hash, row.hash) for row in rows]
    assert chain[0][2] == START
    assert first_break(order.id, chain) is None
    assert first_break(order.id, [chain[0], chain[2], chain[3]]) == 2
    forged = replace(chain[1][1], note="nothing happened")
    assert first_break(order.id, [chain[0], (2, forged, *chain[1][2:]), *chain[2:]]) == 2


async def test_reaching_a_number_nobody_missed_changes_nothing(store: Store) -> None:
    world = await small_world(store)
    reached = CallerReached(MONDAY_NOON, "0301234567", "PJSIP/1000", "", "1000", "17.9", "call_back")
    assert await apply(store, world, [reached]) == ()
    async with store.read() as session:
        assert await session.scalar(select(func.count()).select_from(CallRow)) == 0
