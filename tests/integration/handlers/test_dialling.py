"""Calls that agents place: what Asterisk is asked for, what is refused, and what is kept of them, on both databases."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from daemon.calls.events import HungUp, NumberNotReached, NumberReached, OriginateAnswered
from daemon.calls.outgoing import OutgoingEvent, Phase
from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers.dialling import Dialler, NotPlacedError, Placed, Wish
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.orders.order import Status
from daemon.storage.engine import Store
from daemon.storage.outgoing import give_up, tries_of_items
from daemon.storage.tables import CustomerRow, HistoryRow, MissedItemRow, OutgoingCallRow, WorkOrderRow
from tests.builders import NOON, group_id, missed_call, team_id, work_order
from tests.exchange import TRUNK, Exchange
from tests.worlds import small_world

NUMBER = "+493023125117"


@dataclass
class Office:
    store: Store
    world: World
    exchange: Exchange
    dialler: Dialler
    told: asyncio.Queue[News]
    late: timedelta = timedelta()

    def person(self, username: str) -> Person:
        agent = self.world.agent_by_username(username)
        assert agent is not None
        return Person("agent", username, agent.name, agent.team_id, agent)

    async def follow(self, call: Placed, *events: OutgoingEvent | None) -> Placed:
        """Tell the dialler, and wait until it has told the agent of each."""
        while not self.told.empty():
            self.told.get_nowait()
        for event in events:
            self.dialler.hear(call.pbx, event)
            while (await self.told.get()).topic != "dialling":
                pass
        found = self.dialler.of(call.agent_id)
        assert found is not None
        return found

    async def row(self) -> OutgoingCallRow:
        async with self.store.read() as session:
            return (await session.scalars(select(OutgoingCallRow).order_by(OutgoingCallRow.id.desc()))).first()  # type: ignore[return-value]

    async def actions(self, order_id: int) -> list[tuple[str, str]]:
        async with self.store.read() as session:
            query = select(HistoryRow).where(HistoryRow.order_id == order_id).order_by(HistoryRow.n)
            return [(row.action, row.note) for row in await session.scalars(query)]


@pytest.fixture
async def office(store: Store) -> AsyncIterator[Office]:
    world = await small_world(store)
    numbers, told, exchange = itertools.count(1), asyncio.Queue[News](), Exchange()
    made: Office

    def clock() -> object:
        return NOON + made.late

    dialler = Dialler(
        store,
        lambda: made.world,
        {"main": (TRUNK, exchange)},
        told.put_nowait,
        clock,  # type: ignore[arg-type]
        lambda: f"{next(numbers)}",
    )
    made = Office(store, world, exchange, dialler, told)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(dialler.run())
        yield made
        following.cancel()


def taken(call: Placed) -> OriginateAnswered:
    return OriginateAnswered(1.0, call.uniqueid, answered=True, reason=4)


def reached(call: Placed) -> NumberReached:
    return NumberReached(2.0, call.uniqueid, "2.1", call.number, "PJSIP/1000", "1000")


def missed(call: Placed, status: str) -> NumberNotReached:
    return NumberNotReached(2.0, call.uniqueid, status)


def down(call: Placed) -> HungUp:
    return HungUp(3.0, call.uniqueid)


async def test_the_agents_telephone_is_asked_for_first_then_the_number(office: Office) -> None:
    call = await office.dialler.call(office.person("anna"), Wish("030 23125117"))
    [asked] = office.exchange.asked
    assert asked == {
        "Action": "Originate",
        "ActionID": call.uniqueid,
        "ChannelId": call.uniqueid,
        "Channel": "PJSIP/1000",
        "Context": "outside",
        "Exten": NUMBER,
        "Priority": "1",
        "CallerID": "+4930123",
        "Timeout": "20000",
        "Variable": f"__WORKORDERD_CALL={call.uniqueid}",
        "Async": "true",
    }
    assert office.dialler.of(call.agent_id) == call
    assert (await office.row()).outcome == ""


async def test_a_missed_caller_who_is_called_back_and_answers_is_reached(office: Office) -> None:
    acme, support = team_id(office.world, "acme"), group_id(office.world, "acme", "support")
    item = await missed_call(office.store, acme, number=NUMBER)
    order = await work_order(office.store, acme, support, item=item)
    call = await office.dialler.call(office.person("ben"), Wish(item_id=item.id))
    assert call.number == NUMBER
    call = await office.follow(call, taken(call), reached(call))
    assert (call.how.phase, call.how.outcome) == (Phase.TALKS, "answered")
    call = await office.follow(call, down(call))
    assert call.how.phase is Phase.OVER
    async with office.store.read() as session:
        closed = await session.get_one(MissedItemRow, item.id)
        done = await session.get_one(WorkOrderRow, order.id)
    assert (closed.state, closed.closed_by, closed.closed_how) == ("reached", "Ben", "call_back")
    assert done.status == Status.DONE  # nobody had touched it, and its template closes such
    assert await office.actions(order.id) == [
        ("create", ""),
        ("called_answered", NUMBER),
        ("caller_reached", "Ben"),
    ]
    row = await office.row()
    assert (row.outcome, row.ended_at) == ("answered", NOON)


async def test_who_was_not_reached_stays_and_the_try_is_kept(office: Office) -> None:
    acme, support = team_id(office.world, "acme"), group_id(office.world, "acme", "support")
    item = await missed_call(office.store, acme, number=NUMBER)
    order = await work_order(office.store, acme, support, item=item)
    for status, outcome in (("BUSY", "busy"), ("NOANSWER", "no_answer")):
        call = await office.dialler.call(office.person("anna"), Wish(item_id=item.id))
        async with office.store.read() as session:
            assert (await tries_of_items(session, [item.id]))[item.id].calling == call.agent_id
        call = await office.follow(call, taken(call), missed(call, status), down(call))
        assert call.how.outcome == outcome
    async with office.store.read() as session:
        assert (await session.get_one(MissedItemRow, item.id)).state == "open"
        tries = (await tries_of_items(session, [item.id]))[item.id]
    assert (tries.count, tries.last.outcome, tries.calling) == (2, "no_answer", None)
    assert [action for action, _ in await office.actions(order.id)] == ["create", "called_busy", "called_no_answer"]


async def test_two_agents_cant_call_back_the_same_caller_at_a_time(office: Office) -> None:
    item = await missed_call(office.store, team_id(office.world, "acme"), number=NUMBER)
    people = [office.person(name) for name in ("anna", "ben")]
    told = await asyncio.gather(
        *(office.dialler.call(person, Wish(item_id=item.id)) for person in people), return_exceptions=True
    )
    [placed] = [each for each in told if isinstance(each, Placed)]
    [refused] = [each for each in told if isinstance(each, NotPlacedError)]
    assert refused.trouble == "called_back"
    assert len(office.exchange.asked) == 1
    call = await office.follow(placed, OriginateAnswered(1.0, placed.uniqueid, answered=False, reason=3))
    assert call.how.outcome == "not_taken"
    other = next(person for person in people if person.agent and person.agent.id != placed.agent_id)
    assert await office.dialler.call(other, Wish(item_id=item.id))


async def test_an_agent_places_one_call_at_a_time(office: Office) -> None:
    anna = office.person("anna")
    call = await office.dialler.call(anna, Wish(NUMBER))
    with pytest.raises(NotPlacedError) as refused:
        await office.dialler.call(anna, Wish("+493023125118"))
    assert (refused.value.trouble, refused.value.detail) == ("in_call", NUMBER)
    office.late = timedelta(hours=5)
    with pytest.raises(NotPlacedError):  # he talks for long: that is no reason to give his call up
        await office.dialler.call(anna, Wish("+493023125118"))
    await office.follow(call, taken(call), down(call))
    assert await office.dialler.call(anna, Wish("+493023125118"))


@pytest.mark.parametrize(
    ("number", "trouble"),
    [
        ("0900 1 234567", "not_allowed"),
        ("+442079460001", "not_allowed"),
        (f"{NUMBER}\r\nAction: Command", "no_number"),
        ("", "no_number"),
    ],
)
async def test_what_may_not_be_dialled_never_gets_to_the_pbx(office: Office, number: str, trouble: str) -> None:
    with pytest.raises(NotPlacedError) as refused:
        await office.dialler.call(office.person("anna"), Wish(number))
    assert refused.value.trouble == trouble
    assert office.exchange.asked == []
    assert await office.row() is None


async def test_a_pbx_that_is_not_reached_is_not_asked_again_later(office: Office) -> None:
    office.exchange.refusal = "no link"
    anna = office.person("anna")
    with pytest.raises(NotPlacedError, match="no link"):
        await office.dialler.call(anna, Wish(NUMBER))
    row = await office.row()
    assert (row.outcome, row.ended_at) == ("failed", NOON)
    assert anna.agent is not None
    assert office.dialler.of(anna.agent.id) is None
    office.exchange.refusal = ""
    await office.dialler.call(anna, Wish(NUMBER))
    assert len(office.exchange.asked) == 1


async def test_what_became_of_a_call_is_not_known_when_the_link_is_lost(office: Office) -> None:
    call = await office.dialler.call(office.person("anna"), Wish(NUMBER))
    call = await office.follow(call, taken(call), None)
    assert (call.how.phase, call.how.outcome) == (Phase.OVER, "unknown")
    assert (await office.row()).outcome == "unknown"
    office.dialler.put_away(call.agent_id)
    assert office.dialler.of(call.agent_id) is None


async def test_a_process_that_starts_gives_up_what_the_one_before_had_placed(office: Office) -> None:
    item = await missed_call(office.store, team_id(office.world, "acme"), number=NUMBER)
    call = await office.dialler.call(office.person("anna"), Wish(item_id=item.id))
    async with office.store.write() as session:
        await give_up(session, ["other"], NOON)
        assert (await session.get_one(OutgoingCallRow, call.id)).ended_at is None
        await give_up(session, ["other", "main"], NOON)
    assert (await office.row()).outcome == "unknown"
    anew = Dialler(
        office.store,
        lambda: office.world,
        {"main": (TRUNK, office.exchange)},
        office.told.put_nowait,
        lambda: NOON,
        lambda: "other",
    )
    assert await anew.call(office.person("ben"), Wish(item_id=item.id))


async def test_only_agents_call_and_only_about_what_they_see(office: Office) -> None:
    acme, other = team_id(office.world, "acme"), team_id(office.world, "other")
    boss = Person("team_admin", "boss", "Boss", acme)
    with pytest.raises(ForbiddenError):
        await office.dialler.call(boss, Wish(NUMBER))
    assert not office.dialler.may(boss)
    theirs = await work_order(office.store, other, group_id(office.world, "other", "support"))
    item = await missed_call(office.store, other, number=NUMBER)
    async with office.store.write() as session:
        customer = CustomerRow(team_id=other, kind="individual", name="X", created_at=NOON)
        session.add(customer)
        await session.flush()
    for wish in (Wish(NUMBER, order_id=theirs.id), Wish(item_id=item.id), Wish(NUMBER, customer_id=customer.id)):
        with pytest.raises(NotFoundError):
            await office.dialler.call(office.person("anna"), wish)
    with pytest.raises(NotPlacedError) as refused:
        await office.dialler.call(office.person("olga"), Wish(NUMBER))
    assert refused.value.trouble == "no_pbx"
    assert office.exchange.asked == []


async def test_who_has_no_telephone_that_can_be_rung_is_offered_no_call(office: Office) -> None:
    anna = office.person("anna")
    assert anna.agent is not None
    assert office.dialler.may(anna)
    mute = replace(anna, agent=replace(anna.agent, interfaces=("PJSIP/1000\r\nAction: x",)))
    assert not office.dialler.may(mute)
    with pytest.raises(NotPlacedError) as refused:
        await office.dialler.call(mute, Wish(NUMBER))
    assert refused.value.trouble == "no_phone"
