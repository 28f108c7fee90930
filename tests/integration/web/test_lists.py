"""The queries behind the pages, on both databases."""

from __future__ import annotations

from datetime import timedelta

from daemon.handlers.labels import labels_of
from daemon.storage import lists, sessions
from daemon.storage.engine import Store
from daemon.storage.lists import CallFilter, OrderFilter, Sight
from daemon.storage.missed_items import Closing
from tests.builders import NOON, agent_id, closed, group_id, missed_call, team_id, work_order
from tests.worlds import small_world


async def test_a_list_is_read_to_its_end_without_gaps_and_without_repetitions(store: Store) -> None:
    world = await small_world(store)
    acme = team_id(world, "acme")
    for n in range(7):  # some in the same moment
        await missed_call(store, acme, number=f"030 123456{n}", at=NOON - timedelta(minutes=n // 3))
    seen, after = [], None
    async with store.read() as session:
        while True:
            page = await lists.missed_items(session, Sight(acme), "open", after, 2)
            seen += [item.id for item in page.rows]
            after = page.next
            if after is None:
                break
    assert seen == [3, 2, 1, 6, 5, 4, 7]


async def test_closed_items_are_listed_by_when_they_were_closed(store: Store) -> None:
    world = await small_world(store)
    acme = team_id(world, "acme")
    for n, minutes in enumerate((5, 9, 7)):
        item = await missed_call(store, acme, number=f"030 123456{n}")
        await closed(store, item, Closing("dismissed", NOON + timedelta(minutes=minutes), "Anna", "", "why"))
    async with store.read() as session:
        first = await lists.missed_items(session, Sight(acme), "closed", None, 2)
        rest = await lists.missed_items(session, Sight(None), "closed", first.next, 2)
        nobody = await lists.missed_items(session, Sight(team_id(world, "other")), "closed", None, 2)
        assert await lists.open_item_count(session, Sight(acme)) == 0
    assert [[item.id for item in page.rows] for page in (first, rest, nobody)] == [[2, 3], [1], []]


async def test_the_queues_of_an_item_come_in_the_order_of_the_first_visit(store: Store) -> None:
    world = await small_world(store)
    acme = team_id(world, "acme")
    item = await missed_call(store, acme, queues=("sales", "support"), at=NOON)
    await missed_call(store, acme, queues=("support", "billing"), at=NOON + timedelta(hours=1), item=item)
    order = await work_order(store, acme, group_id(world, "acme", "support"), item=item)
    async with store.read() as session:
        contexts = await lists.item_contexts(session, [item.id])
        calls = await lists.calls_of_item(session, item.id)
        assert await lists.item_contexts(session, []) == {}
    assert contexts[item.id].queues == (("main", "sales"), ("main", "support"), ("main", "billing"))
    known = contexts[item.id].order
    assert known is not None
    assert known.id == order.id
    assert [call.id for call in calls] == [2, 1]


async def test_an_agent_sees_his_orders_those_he_made_and_those_of_his_groups(store: Store) -> None:
    world = await small_world(store)
    acme, ben = team_id(world, "acme"), agent_id(world, "ben")
    support, sales = group_id(world, "acme", "support"), group_id(world, "acme", "sales")
    rows = [
        await work_order(store, acme, support),
        await work_order(store, acme, sales),
        await work_order(store, acme, sales, owner=ben),
        await work_order(store, acme, sales, creator=ben),
    ]
    sights = {
        "agent": (Sight(acme, ben, frozenset({support})), [1, 3, 4]),
        "without groups": (Sight(acme, ben), [3, 4]),
        "team admin": (Sight(acme), [1, 2, 3, 4]),
        "system admin": (Sight(None), [1, 2, 3, 4]),
        "another team": (Sight(team_id(world, "other"), ben, frozenset({support, sales})), []),
    }
    async with store.read() as session:
        for name, (sight, seen) in sights.items():
            page = await lists.work_orders(session, sight, OrderFilter())
            assert sorted(row.id for row in page.rows) == seen, name
            assert [row.id for row in rows if sight.sees(row)] == seen, name
            for row in rows:
                found = await lists.work_order(session, sight, row.id)
                assert (found is not None) == (row.id in seen), name
        labels = await labels_of(session, world, rows)
        only = await lists.work_orders(session, Sight(acme), OrderFilter(group_id=sales, template_id=7), None, 1)
    assert (labels.agents[ben], labels.groups[sales], labels.templates[7]) == ("Ben", "Sales", "Missed call")
    assert len(only.rows) == 1
    assert only.next is not None


async def test_calls_are_found_by_what_they_are(store: Store) -> None:
    world = await small_world(store)
    acme = team_id(world, "acme")
    await missed_call(store, acme)
    await missed_call(store, acme, number="030 7654321")
    async with store.read() as session:
        for wanted, seen in (
            (CallFilter(), [2, 1]),
            (CallFilter(missed=True, living=False), [2, 1]),
            (CallFilter(missed=False), []),
            (CallFilter(living=True), []),
            (CallFilter(e164="+49301234567"), [1]),
        ):
            assert [row.id for row in (await lists.calls(session, Sight(acme), wanted)).rows] == seen
        assert await lists.call(session, Sight(team_id(world, "other")), 1) is None


async def test_sessions_end_by_time_by_log_out_and_by_person(store: Store) -> None:
    later = NOON + timedelta(hours=1)
    async with store.write() as session:
        for token, username in (("a", "anna"), ("b", "anna"), ("c", "ben")):
            await sessions.add(session, token * 64, username, "csrf", NOON, later)
    async with store.write() as session:
        assert await sessions.find(await session.connection(), "a" * 64, later) is None
        assert (await sessions.find(await session.connection(), "a" * 64, NOON)) is not None
        await sessions.end(session, "a" * 64)
        assert await sessions.find(await session.connection(), "a" * 64, NOON) is None
        await sessions.end_all(session, "anna")
        assert await sessions.find(await session.connection(), "b" * 64, NOON) is None
        await sessions.forget_expired(session, NOON)
        assert await sessions.find(await session.connection(), "c" * 64, NOON) is not None
        await sessions.forget_expired(session, later)
        assert await sessions.find(await session.connection(), "c" * 64, NOON) is None
