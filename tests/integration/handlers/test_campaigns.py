"""Campaigns: who gets which number, and what becomes of it, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from daemon.errors import ForbiddenError, InvalidError, NotFoundError
from daemon.handlers.campaign_lists import Filled, Filling, change, empty, fill
from daemon.handlers.campaign_results import Outcome, name_customer, say_result
from daemon.handlers.campaigns import campaigns_of, leave, take_next
from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.orders.campaign import NOT_REACHED, EntryError, State
from daemon.orders.customer import Dialling, Draft, read_customer
from daemon.orders.results import Wish
from daemon.storage import campaigns, customers
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt
from daemon.storage.tables import (
    CampaignEntryRow,
    CampaignResultRow,
    CustomerRow,
    HistoryRow,
    OutgoingCallRow,
    WorkOrderRow,
)
from tests.builders import NOON, agent_id, team_id
from tests.worlds import CALLING, OFFICE, small_world, with_campaigns

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(store: Store) -> World:
    """The small world with two campaigns of support, and one of a group in which nobody of them is."""
    return await with_campaigns(store, await small_world(store))


def person(world: World, username: str) -> Person:
    agent = world.agent_by_username(username)
    assert agent is not None
    return Person("agent", username, agent.name, agent.team_id, agent)


def module(world: World, name: str = "spring") -> int:
    return next(each.id for each in world.modules.values() if each.name == name)


async def filled(store: Store, world: World, *numbers: str, name: str = "spring", **more: object) -> Filled:
    filling = Filling(numbers=numbers, **more)  # type: ignore[arg-type]
    return (await fill(store, world, person(world, "anna"), module(world, name), filling, NOON))[0]


async def take(
    store: Store, world: World, who: str = "anna", at: datetime = NOON, name: str = "spring"
) -> CampaignEntryRow | None:
    entry_id, _ = await take_next(store, world, person(world, who), module(world, name), at)
    return await entry(store, entry_id) if entry_id is not None else None


async def number_of(store: Store, world: World, who: str = "anna", at: datetime = NOON) -> str:
    found = await take(store, world, who, at)
    return found.number if found else ""


async def entry(store: Store, id_: int) -> CampaignEntryRow:
    async with store.read() as session:
        return await session.get_one(CampaignEntryRow, id_)


async def say(
    store: Store,
    world: World,
    entry_id: int,
    result: str,
    note: str = "",
    *,
    who: str = "anna",
    at: datetime = NOON,
    callback_at: datetime | None = None,
    callback_for: str | None = None,
    receipt: Receipt | None = None,
) -> Outcome:
    wish = Wish(result, note, callback_at, callback_for)
    return await say_result(store, world, person(world, who), entry_id, wish, at, receipt=receipt)


async def entries(store: Store) -> list[CampaignEntryRow]:
    async with store.read() as session:
        return list(await session.scalars(select(CampaignEntryRow).order_by(CampaignEntryRow.id)))


async def words(store: Store) -> list[CampaignResultRow]:
    async with store.read() as session:
        query = select(CampaignResultRow).order_by(CampaignResultRow.entry_id, CampaignResultRow.n)
        return list(await session.scalars(query))


async def customer(store: Store, world: World, name: str, *numbers: str, kind: str = "individual") -> int:
    new = read_customer(Draft(name, kind, numbers=numbers), Dialling("DE"))
    async with store.write() as session:
        return (await customers.add(session, team_id(world, "acme"), new, NOON)).id


# --- filling ------------------------------------------------------------------------------------------------------


async def test_numbers_are_added_once_with_the_customers_whose_they_are(store: Store, world: World) -> None:
    ada = await customer(store, world, "Ada", "030 1234567")
    done = await filled(store, world, "030 1234567", "+49 30 1234567", "0301234568", "no number")
    assert done == Filled(added=2, known=1, unreadable=1, examples=("no number",))
    assert [(each.number, each.customer_id) for each in await entries(store)] == [
        ("+49301234567", ada),
        ("+49301234568", None),
    ]
    assert await filled(store, world, "0301234567") == Filled(known=1)
    assert (await filled(store, world, "0301234567", name="autumn")).added == 1


async def test_everyone_of_the_campaigns_kind_is_added_by_his_first_number(store: Store, world: World) -> None:
    await customer(store, world, "Ada", "030 1234567", "030 7654321")
    await customer(store, world, "Adam")
    await customer(store, world, "Bob", "030 1234568")
    await customer(store, world, "Adler GmbH", "030 1234569", kind="enterprise")
    anna = person(world, "anna")
    some, _ = await fill(store, world, anna, module(world), Filling(everyone=True, name="ad"), NOON)
    assert some == Filled(added=1, unreadable=1, examples=("Adam",))
    all_, news = await fill(store, world, anna, module(world), Filling(everyone=True), NOON)
    assert (all_.added, all_.known) == (1, 1)
    assert {each.number for each in await entries(store)} == {"+49301234567", "+49301234568"}
    assert news[0].topic == "campaigns"


async def test_customers_who_became_known_lately_are_added_alone(store: Store, world: World) -> None:
    await customer(store, world, "Ada", "030 1234567")
    old = await customer(store, world, "Bob", "030 1234568")
    async with store.write() as session:
        await session.execute(update(CustomerRow).where(CustomerRow.id == old).values(created_at=NOON - 48 * HOUR))
    filling = Filling(everyone=True, since=NOON - HOUR)
    done, _ = await fill(store, world, person(world, "anna"), module(world), filling, NOON)
    assert done == Filled(added=1)


async def test_customers_by_id_are_the_teams_own(store: Store, world: World) -> None:
    ada = await customer(store, world, "Ada", "030 1234567")
    filling = Filling(customers=(ada, 10**9))
    done, _ = await fill(store, world, person(world, "anna"), module(world), filling, NOON)
    assert done == Filled(added=1, unreadable=1, examples=(str(10**9),))


async def test_long_lists_are_added_in_pieces(store: Store, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.handlers.campaign_lists.AT_ONCE", 3)
    for n in range(7):
        await customer(store, world, f"C{n}", f"030 12345{n:02}")
    anna = person(world, "anna")
    assert (await fill(store, world, anna, module(world), Filling(everyone=True), NOON))[0].added == 7
    assert (await filled(store, world, *(f"040 12345{n:02}" for n in range(8)))).added == 8


async def test_only_who_leads_a_group_of_it_changes_the_list(store: Store, world: World) -> None:
    for who in ("ben", "olga"):
        with pytest.raises(ForbiddenError if who == "ben" else NotFoundError):
            await fill(store, world, person(world, who), module(world), Filling(numbers=("030 1234567",)), NOON)
    with pytest.raises(NotFoundError):
        await filled(store, world, "030 1234567", name="secret")
    system = Person("system", "crm", "crm", team_id(world, "acme"))
    assert (await fill(store, world, system, module(world), Filling(numbers=("030 1234567",)), NOON))[0].added == 1


async def test_a_filling_that_says_nothing_or_too_much_is_refused(store: Store, world: World) -> None:
    anna = person(world, "anna")
    for filling in (
        Filling(),
        Filling(numbers=("1",) * 20_001),
        Filling(numbers=("030 1234567",), note="x" * 2001),
        Filling(numbers=("030 1234567",), for_agent=agent_id(world, "olga")),
    ):
        with pytest.raises(InvalidError):
            await fill(store, world, anna, module(world), filling, NOON)
    assert await entries(store) == []


# --- taking -------------------------------------------------------------------------------------------------------


async def test_callbacks_of_mine_come_first_then_anyones_then_new_ones_in_order(store: Store, world: World) -> None:
    numbers = [f"+4930123456{n}" for n in range(5)]
    await filled(store, world, *numbers)
    for n, whose in ((0, None), (1, agent_id(world, "anna")), (2, agent_id(world, "ben"))):
        row = (await entries(store))[n]
        async with store.write() as session:
            kept = await session.get_one(CampaignEntryRow, row.id)
            kept.state, kept.attempts, kept.next_at, kept.for_agent_id = "tried", 1, NOON - (3 - n) * HOUR, whose
    order = []
    for _ in range(4):
        found = await take(store, world)
        assert found is not None
        order.append(found.number)
        await say(store, world, found.id, "no")
    assert order == [numbers[1], numbers[0], numbers[3], numbers[4]]
    assert await take(store, world) is None
    assert await number_of(store, world, "ben") == numbers[2]


async def test_a_callback_comes_up_when_it_is_due_and_not_before(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    first = await take(store, world)
    assert first is not None
    await say(store, world, first.id, "later", callback_at=NOON + HOUR)
    assert await take(store, world, at=NOON + HOUR - timedelta(seconds=1)) is None
    assert await take(store, world, "ben", NOON + HOUR) is None
    assert await number_of(store, world, at=NOON + HOUR) == "+49301234567"


async def test_who_asks_again_gets_what_he_has(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567", "030 1234568")
    first, second = await take(store, world), await take(store, world)
    assert first is not None
    assert second is not None
    assert first.id == second.id


async def test_two_agents_never_get_the_same(store: Store, world: World) -> None:
    await filled(store, world, *(f"030 12345{n:02}" for n in range(60)))
    got: dict[str, list[int]] = {"anna": [], "ben": []}

    async def works(who: str) -> None:
        for _ in range(25):
            found = await take(store, world, who)
            assert found is not None
            got[who].append(found.id)
            await say(store, world, found.id, "no", who=who)

    await asyncio.gather(works("anna"), works("ben"))
    taken = got["anna"] + got["ben"]
    assert len(taken) == len(set(taken)) == 50
    assert {each.agent_id for each in await words(store)} == {agent_id(world, "anna"), agent_id(world, "ben")}


async def test_one_agent_who_asks_many_times_at_once_gets_one(store: Store, world: World) -> None:
    await filled(store, world, *(f"030 12345{n:02}" for n in range(10)))
    found = await asyncio.gather(*(take(store, world) for _ in range(6)))
    assert len({each.id for each in found if each is not None}) == 1
    assert [each.state for each in await entries(store)].count("taken") == 1


async def test_an_entry_that_is_left_alone_falls_back_and_its_result_still_counts(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    first = await take(store, world)
    assert first is not None
    assert await take(store, world, "ben", NOON + CALLING.hold) is None
    late = NOON + CALLING.hold + timedelta(seconds=1)
    again = await take(store, world, "ben", late)
    assert again is not None
    assert again.id == first.id
    with pytest.raises(EntryError, match="who took this entry last"):
        await say(store, world, first.id, "no", at=late)
    await leave(store, world, person(world, "ben"), first.id, late)
    assert await number_of(store, world, at=late) == "+49301234567"


async def test_who_comes_back_late_still_says_what_came_of_it(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567", for_agent=agent_id(world, "anna"))
    await filled(store, world, "030 1234568")
    first, late = await take(store, world), NOON + HOUR
    assert first is not None
    assert await number_of(store, world, "ben", late) == "+49301234568"
    assert (await entry(store, first.id)).state == "waiting"
    assert (await say(store, world, first.id, "no", at=late)).state == "done"


async def test_who_is_in_a_call_that_he_placed_keeps_his_entry(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    await take(store, world)
    async with store.write() as session:
        call = OutgoingCallRow(
            team_id=team_id(world, "acme"),
            agent_id=agent_id(world, "anna"),
            pbx="main",
            uniqueid="x-1",
            number="+49301234567",
            began_at=NOON,
        )
        session.add(call)
    assert await take(store, world, "ben", NOON + 5 * HOUR) is None
    async with store.write() as session:
        kept = await session.get_one(OutgoingCallRow, call.id)
        kept.outcome, kept.ended_at = "answered", NOON + 5 * HOUR
    assert await number_of(store, world, "ben", NOON + 5 * HOUR) == "+49301234567"


async def test_what_he_has_in_another_campaign_goes_back(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    await filled(store, world, "030 1234568", name="autumn")
    first = await take(store, world)
    second = await take(store, world, name="autumn")
    assert first is not None
    assert second is not None
    assert (await entry(store, first.id)).state == "waiting"
    assert second.number == "+49301234568"


async def test_outside_its_hours_a_campaign_gives_out_nothing(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    id_ = module(world)
    world.modules[id_] = replace(world.modules[id_], calling=replace(CALLING, hours=OFFICE))
    with pytest.raises(EntryError, match="does not call at this time"):
        await take(store, world, at=NOON + 12 * HOUR)
    assert await number_of(store, world) == "+49301234567"


async def test_a_campaign_is_there_for_its_groups_its_teams_admins_and_no_one_else(store: Store, world: World) -> None:
    acme = team_id(world, "acme")
    assert [each.label for each in campaigns_of(world, person(world, "anna"))] == ["Autumn", "Spring"]
    assert campaigns_of(world, person(world, "olga")) == ()
    boss, root = Person("team_admin", "boss", "Boss", acme), Person("system_admin", "root", "Root", None)
    assert len(campaigns_of(world, boss)) == len(campaigns_of(world, root)) == 3
    for who in (person(world, "olga"), boss):
        with pytest.raises(NotFoundError if who.agent else ForbiddenError):
            await take_next(store, world, who, module(world), NOON)


# --- results ------------------------------------------------------------------------------------------------------


async def taken(store: Store, world: World, **more: object) -> int:
    ada = await customer(store, world, "Ada", "030 1234567")
    await filled(store, world, "030 1234567", **more)
    found = await take(store, world)
    assert found is not None
    assert found.customer_id == ada
    return found.id


async def test_a_result_makes_its_order_in_the_same_breath(store: Store, world: World) -> None:
    outcome = await say(store, world, await taken(store, world), "sale", "two boxes")
    async with store.read() as session:
        order = (await session.scalars(select(WorkOrderRow))).one()
    assert (outcome.order_id, outcome.template_id, outcome.state) == (order.id, None, "done")
    assert (order.title, order.description, order.module_id) == ("Sale · Ada", "two boxes", module(world))
    assert (order.customer_id, order.creator_id) == ((await entries(store))[0].customer_id, agent_id(world, "anna"))
    assert {each.topic for each in outcome.news} == {"campaigns", "work_orders"}


async def test_a_link_gives_the_template_and_a_demand_is_kept(store: Store, world: World) -> None:
    id_ = await taken(store, world)
    with pytest.raises(InvalidError, match="needs a note"):
        await say(store, world, id_, "offer")
    with pytest.raises(InvalidError, match="needs the time"):
        await say(store, world, id_, "later")
    with pytest.raises(InvalidError, match="no result"):
        await say(store, world, id_, "solved")
    assert (await entry(store, id_)).state == "taken"
    assert (await say(store, world, id_, "offer", "for ten")).template_id == 7


async def test_who_is_not_reached_comes_again_until_he_is_unreachable(store: Store, world: World) -> None:
    id_ = await taken(store, world)
    assert (await say(store, world, id_, NOT_REACHED)).state == "tried"
    assert await take(store, world, at=NOON + HOUR - timedelta(seconds=1)) is None
    assert await number_of(store, world, at=NOON + HOUR) == "+49301234567"
    assert (await say(store, world, id_, NOT_REACHED, at=NOON + HOUR)).state == "unreachable"
    assert await take(store, world, at=NOON + 99 * HOUR) is None
    assert [(each.n, each.attempt) for each in await words(store)] == [(1, 1), (2, 2)]


async def test_the_same_again_changes_nothing_and_another_word_replaces_it_for_a_while(
    store: Store, world: World
) -> None:
    id_ = await taken(store, world)
    first = await say(store, world, id_, "sale")
    again = await say(store, world, id_, "sale")
    assert again == replace(first, news=())
    other = await say(store, world, id_, "no", at=NOON + timedelta(minutes=59))
    assert (other.state, other.order_id) == ("done", first.order_id)
    assert [(each.n, each.attempt, each.result) for each in await words(store)] == [(1, 1, "sale"), (2, 1, "no")]
    async with store.read() as session:
        told = await session.scalars(select(HistoryRow.note).where(HistoryRow.action == "result_changed"))
        assert told.all() == ["sale → no"]
        assert [(each.result, each.count) for each in await campaigns.tallies(session, module(world), NOON)] == [
            ("no", 1)
        ]
    with pytest.raises(EntryError, match="is over"):
        await say(store, world, id_, "sale", at=NOON + 3 * HOUR)
    with pytest.raises(EntryError):
        await say(store, world, id_, "sale", who="ben")


async def test_who_is_called_gets_a_name(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    found = await take(store, world)
    assert found is not None
    anna = person(world, "anna")
    await name_customer(store, world, anna, found.id, "Ada", NOON)
    assert await name_customer(store, world, anna, found.id, "Bob", NOON) == ()
    async with store.read() as session:
        ada = (await session.scalars(select(CustomerRow))).one()
        numbers = (await customers.numbers_of(session, [ada.id]))[ada.id]
    assert (ada.name, ada.kind, [each.e164 for each in numbers]) == ("Ada", "individual", ["+49301234567"])
    assert (await entry(store, found.id)).customer_id == ada.id
    with pytest.raises(NotFoundError):
        await name_customer(store, world, person(world, "olga"), found.id, "Eve", NOON)


async def test_a_request_that_is_sent_twice_is_done_once(store: Store, world: World) -> None:
    id_ = await taken(store, world)
    receipt = Receipt("token:crm", "k1", "f" * 64)
    first = await say(store, world, id_, NOT_REACHED, receipt=receipt)
    again = await say(store, world, id_, NOT_REACHED, receipt=receipt, at=NOON + HOUR)
    assert (again.state, again.news) == (first.state, ())
    assert len(await words(store)) == 1


async def test_a_system_says_it_for_an_agent_of_the_campaign_and_an_agent_for_himself(
    store: Store, world: World
) -> None:
    await filled(store, world, "030 1234567")
    system = Person("system", "crm", "crm", team_id(world, "acme"))
    with pytest.raises(ForbiddenError):
        await take_next(store, world, system, module(world), NOON)
    id_, _ = await take_next(store, world, system, module(world), NOON, agent_id(world, "ben"))
    assert id_ is not None
    with pytest.raises(ForbiddenError):
        await take_next(store, world, person(world, "anna"), module(world), NOON, agent_id(world, "ben"))
    with pytest.raises(NotFoundError):
        await take_next(store, world, system, module(world), NOON, agent_id(world, "olga"))
    with pytest.raises(ForbiddenError, match="does not work"):
        await take_next(store, world, system, module(world, "secret"), NOON, agent_id(world, "ben"))
    done = await say_result(store, world, system, id_, Wish("no"), NOON, agent_id(world, "ben"))
    assert done.state == "done"
    assert [(each.actor, each.agent_id) for each in await words(store)] == [("crm", agent_id(world, "ben"))]


# --- changing the list --------------------------------------------------------------------------------------------


async def test_entries_are_withdrawn_put_back_and_given_to_somebody(store: Store, world: World) -> None:
    await filled(store, world, *(f"030 12345{n:02}" for n in range(4)))
    held = await take(store, world, "ben")
    assert held is not None
    ids = [each.id for each in await entries(store)]
    anna, spring = person(world, "anna"), module(world)
    assert (await change(store, world, anna, spring, ids, "withdraw", None, NOON))[0] == 3
    assert (await change(store, world, anna, spring, ids[1:2], "put_back", None, NOON))[0] == 1
    ben = agent_id(world, "ben")
    assert (await change(store, world, anna, spring, ids, "give", ben, NOON))[0] == 1
    assert [(each.state, each.for_agent_id) for each in await entries(store)] == [
        ("taken", None),
        ("waiting", ben),
        ("withdrawn", None),
        ("withdrawn", None),
    ]
    assert await take(store, world) is None
    with pytest.raises(ForbiddenError):
        await change(store, world, person(world, "ben"), spring, ids, "withdraw", None, NOON)


async def test_a_list_is_emptied_but_for_what_somebody_has_and_filled_again(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567", "030 1234568", "030 1234569")
    await take(store, world)
    anna = person(world, "anna")
    assert (await empty(store, world, anna, module(world), NOON))[0] == 2
    assert [each.state for each in await entries(store)] == ["taken", "withdrawn", "withdrawn"]
    assert await filled(store, world, "030 1234568", note="again") == Filled(added=1)
    assert [(each.state, each.note) for each in await entries(store)][1] == ("waiting", "again")


async def test_the_database_refuses_nonsense(store: Store, world: World) -> None:
    await filled(store, world, "030 1234567")
    for wrong in ({"state": "lost"}, {"state": "taken"}, {"state": "tried"}, {"attempts": -1}, {"number": ""}):
        with pytest.raises(Exception, match=r"(?i)check|constraint"):
            async with store.write() as session:
                await session.execute(update(CampaignEntryRow).values(**wrong))


async def test_what_waits_is_counted_up_to_a_limit(store: Store, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.storage.campaigns.MOST_COUNTED", 3)
    await filled(store, world, *(f"030 12345{n:02}" for n in range(3)))
    await filled(store, world, "040 1234567", "040 1234568", for_agent=agent_id(world, "anna"))
    async with store.read() as session:
        now = await campaigns.waiting(session, module(world), agent_id(world, "anna"), NOON)
        bens = await campaigns.waiting(session, module(world), agent_id(world, "ben"), NOON)
    assert (now.new, now.all, bens.new) == (3, 3, 3)


async def test_counts_tell_how_far_it_is(store: Store, world: World) -> None:
    await filled(store, world, *(f"030 12345{n:02}" for n in range(3)))
    found = await take(store, world)
    assert found is not None
    await say(store, world, found.id, "later", callback_at=NOON + HOUR)
    spring = module(world)
    async with store.read() as session:
        counts = await campaigns.counts(session, [spring, module(world, "autumn")])
        now = await campaigns.waiting(session, spring, agent_id(world, "anna"), NOON)
        then = await campaigns.waiting(session, spring, agent_id(world, "anna"), NOON + HOUR)
        bens = await campaigns.waiting(session, spring, agent_id(world, "ben"), NOON + HOUR)
    assert counts == {spring: {State.WAITING: 2, State.TRIED: 1}, module(world, "autumn"): {}}
    assert (now.mine, now.anyone, now.new, now.next_at) == (0, 0, 2, NOON + HOUR)
    assert (then.mine, then.new, then.next_at, then.all) == (1, 2, None, 3)
    assert (bens.mine, bens.all) == (0, 2)
