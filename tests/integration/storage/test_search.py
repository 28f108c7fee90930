"""Search against what a person would find by reading every order, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import insert, select

from daemon.orders.customer import Dialling
from daemon.orders.words import read_query, words_of
from daemon.storage import search
from daemon.storage.engine import Store
from daemon.storage.lists import OrderFilter, Place, Sight
from daemon.storage.schema import _config, migrate
from daemon.storage.tables import (
    CustomerNumberRow,
    CustomerRow,
    OrderTextRow,
    OrderWordRow,
    WorkOrderFieldRow,
    WorkOrderRow,
)
from tests.builders import NOON, agent_id, group_id, missed_call, team_id, work_order
from tests.integration.storage.plans import plan_of
from tests.worlds import small_world

GERMANY = Dialling("DE")


async def found(
    store: Store, sight: Sight, text: str, wanted: OrderFilter | None = None, limit: int = 50, effort: int = 1000
) -> list[int]:
    """The ids of everything that is found, page by page."""
    ids: list[int] = []
    after: Place | None = None
    async with store.read() as session:
        while True:
            page = await search.find(session, sight, read_query(text, GERMANY), wanted, after, limit, effort)
            assert len(page.rows) <= limit
            ids += [row.id for row in page.rows]
            after = page.next
            if after is None:
                return ids


async def indexed(store: Store, row: WorkOrderRow, *texts: str) -> None:
    async with store.write() as session:
        await search.index_order(session, row.team_id, row.id, [row.title, *texts])


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("refund", [3, 1]),
        ("REFUND müller", [1]),
        ("mull", [1]),
        ("mull refund", []),  # only the last word may be unfinished
        ("ref", [3, 2, 1]),
        ("strasse", [2]),
        ("STRASSE ref", [2]),
        ("退款", [3]),
        ("款", [3]),
        ("退单", []),
        ("退款 refund", [3]),
        ("+49 30 1234567", [1]),
        ("030/1234567", [1]),
        ("0049301234567", [1]),
        ("(030) 123-4567", [1]),
        ("4567", [2, 1]),
        ("refund 030 1234567", [1]),
        ("#7-2", [2]),
        ("7-2", [2]),
        ("# 7-2 straße", [2]),
        ("#7-2 refund", []),
        ("#7-99", []),
        ("7-99", []),
        ("nothing", []),
        ("", []),
        ("!?", []),
        ("%", []),
        ("refund_", [3, 1]),
    ],
)
async def test_orders_are_found_by_what_is_written(store: Store, text: str, seen: list[int]) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    rows = [await work_order(store, acme, support, title=f"order {n}") for n in (1, 2, 3)]
    await indexed(store, rows[0], "Müller GmbH", "+49301234567", "a refund is wanted")
    await indexed(store, rows[1], "Lange Straße 5", "reference", "089 4567")
    await indexed(store, rows[2], "refund", "退款单")
    assert await found(store, Sight(acme), text) == seen


async def test_nobody_finds_what_he_does_not_see(store: Store) -> None:
    world = await small_world(store)
    acme, other, ben, anna = (
        team_id(world, "acme"),
        team_id(world, "other"),
        agent_id(world, "ben"),
        agent_id(world, "anna"),
    )
    support, sales = group_id(world, "acme", "support"), group_id(world, "acme", "sales")
    for group, owner, creator in ((support, None, None), (sales, None, None), (sales, ben, None), (sales, None, ben)):
        row = await work_order(store, acme, group, owner=owner, creator=creator, title="headset")
        await indexed(store, row)
    for text in ("headset", "head", "#7-1", "#7-2", "#7-3", "#7-4"):
        number = {int(text[3:])} if text.startswith("#") else {1, 2, 3, 4}
        for sight, seen in (
            (Sight(acme, ben, frozenset({support})), {1, 3, 4}),
            (Sight(acme, anna, frozenset({support})), {1}),
            (Sight(acme), {1, 2, 3, 4}),
            (Sight(None), {1, 2, 3, 4}),
            (Sight(other), set()),
            (Sight(other, ben, frozenset({support, sales})), set()),
        ):
            assert await found(store, sight, text) == sorted(seen & number, reverse=True), (text, sight)
    assert await found(store, Sight(None), "headset", OrderFilter(open=None, team_id=other)) == []
    assert await found(store, Sight(acme), "headset", OrderFilter(open=False)) == []
    assert await found(store, Sight(acme), "headset", OrderFilter(owner_id=ben)) == [3]


VOCABULARY = [f"{a}{b}{c}" for a in "ab" for b in "abcdefghijkl" for c in "xyz"]


async def fill(store: Store, places: list[tuple[int, int]], many: int) -> dict[int, tuple[str, ...]]:
    """Orders with words of which some are frequent and many are rare, in these (team, group) in turn: words by id."""
    dice = random.Random(3)
    texts = {n: " ".join(VOCABULARY[int(72 * dice.random() ** 3)] for _ in range(6)) for n in range(1, many + 1)}
    async with store.write() as session:
        rows = [
            {
                "id": n,
                "team_id": places[n % len(places)][0],
                "template_id": 7,
                "sequence": n,
                "serial": f"#7-{n}",
                "title": title,
                "group_id": places[n % len(places)][1],
                "priority": 1 + n // 2 % 2,
                "created_at": NOON,
                "updated_at": NOON + timedelta(minutes=n),
            }
            for n, title in texts.items()
        ]
        await session.execute(insert(WorkOrderRow), rows)
        for row in rows:
            await search.index_order(session, row["team_id"], row["id"], [row["title"]])
    return {n: words_of([title]) for n, title in texts.items()}


def occurs(text: str, words: Iterable[str]) -> bool:
    *whole, last = text.split()
    return all(word in words for word in whole) and any(word.startswith(last) for word in words)


@pytest.mark.parametrize(("limit", "effort"), [(1000, 1000), (7, 1000), (3, 10)])
async def test_a_search_finds_all_orders_with_all_words_the_newest_first(store: Store, limit: int, effort: int) -> None:
    """Prefixes with many endings (a, b), with some (aa, bl) and with one; frequent words and rare ones."""
    world = await small_world(store)
    teams = team_id(world, "acme"), team_id(world, "other")
    places = [(teams[0], group_id(world, "acme", "support")), (teams[1], group_id(world, "other", "support"))]
    words = await fill(store, places, 300)
    dice = random.Random(limit)
    queries = ["a", "b", "aa", "bl", "aax", "a b", "c", "aax c"]
    queries += [" ".join(dice.choices(VOCABULARY[:30], k=2)) for _ in range(8)]
    queries += [f"{dice.choice(VOCABULARY[:20])} {dice.choice('ab')}{dice.choice('abc')}" for _ in range(8)]
    for text in queries:
        expected = [n for n in sorted(words, reverse=True) if occurs(text, words[n])]
        own = [n for n in expected if n % 2 == 0]
        urgent = [n for n in own if n // 2 % 2 == 0]
        assert await found(store, Sight(None), text, None, limit, effort) == expected, text
        assert await found(store, Sight(teams[0]), text, None, limit, effort) == own, text
        assert await found(store, Sight(teams[0]), text, OrderFilter(priority=1), limit, effort) == urgent, text


async def test_what_changed_is_found_by_its_new_words_alone(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    item = await missed_call(store, acme, number="0171 2345678")
    row = await work_order(store, acme, support, item=item, title="old title", description="long story")
    async with store.write() as session:
        customer = CustomerRow(team_id=acme, kind="individual", name="Ada Lovelace", created_at=NOON)
        session.add(customer)
        await session.flush()
        session.add(CustomerNumberRow(team_id=acme, customer_id=customer.id, raw="030 1", e164=None, tail="0301"))
        session.add(WorkOrderFieldRow(order_id=row.id, identity="city", value="Łódź"))
        order = await session.get_one(WorkOrderRow, row.id)
        order.customer_id, order.call_id = customer.id, 1
        await session.flush()
        await search.index_again(session, [row.id])
    for text in ("old title", "story", "ada", "lovelace", "lodz", "+491712345678"):
        assert await found(store, Sight(acme), text) == [row.id], text
    async with store.write() as session:
        (await session.get_one(WorkOrderRow, row.id)).title = "new name"
        (await session.get_one(CustomerRow, customer.id)).name = "Grace Hopper"
        await session.flush()
        await search.index_again(session, await search.orders_of_customer(session, customer.id))
        await search.index_again(session, [])
    for text in ("old", "title", "ada"):
        assert await found(store, Sight(acme), text) == [], text
    for text in ("new name", "story", "grace", "lodz"):
        assert await found(store, Sight(acme), text) == [row.id], text
    async with store.read() as session:
        line = await session.scalar(select(OrderTextRow.words))
        rows = (await session.scalars(select(OrderWordRow.word))).all()
    assert line is not None
    assert sorted(line.split()) == sorted(rows)


async def test_orders_that_were_there_before_there_was_search_are_found(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    item = await missed_call(store, acme, number="0171 2345678")
    async with store.write() as session:
        customer = CustomerRow(team_id=acme, kind="individual", name="Ada Lovelace", created_at=NOON)
        session.add(customer)
        await session.flush()
        session.add(CustomerNumberRow(team_id=acme, customer_id=customer.id, raw="089 555", e164=None, tail="089555"))
    first = await work_order(store, acme, support, title="order 1", item=item)
    await work_order(store, acme, support, title="order 2")
    async with store.write() as session:
        order = await session.get_one(WorkOrderRow, first.id)
        order.customer_id, order.call_id, order.description = customer.id, 1, "long story"
        session.add(WorkOrderFieldRow(order_id=order.id, identity="city", value="Łódź"))
    async with store.engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.run_sync(lambda sync: command.downgrade(_config(sync), "0003"))
        await connection.commit()
    await migrate(store)
    for text in ("order 1", "ada", "lodz", "story", "+491712345678", "089 555"):
        assert await found(store, Sight(acme), text) == [1], text
    assert await found(store, Sight(acme), "order") == [2, 1]
    before = await written(store)
    async with store.write() as session:
        await search.index_again(session, [1, 2])
    assert await written(store) == before


async def written(store: Store) -> set[str]:
    """What is found of the orders' texts."""
    async with store.read() as session:
        return {" ".join(sorted(line.split())) for line in await session.scalars(select(OrderTextRow.words))}


async def test_indexing_again_what_has_not_changed_writes_nothing(store: Store) -> None:
    world = await small_world(store)
    row = await work_order(store, team_id(world, "acme"), group_id(world, "acme", "support"), title="same")
    async with store.write() as session:
        await search.index_again(session, [row.id])
        await search.index_again(session, [row.id])
    assert await found(store, Sight(row.team_id), "same") == [row.id]


async def test_a_search_walks_words_and_reads_no_table_whole(store: Store) -> None:
    if not store.is_sqlite:
        return  # PostgreSQL reads so few rows whole, rightly
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    await fill(store, [(acme, support)], 20)
    for text in ("aax", "aax b", "a", "#7-1", "4567 aax"):
        for after in (None, Place(search.ANY_TIME, 9)):
            plan = await plan_of(
                store,
                lambda session, t=text, a=after: search.find(session, Sight(acme), read_query(t), OrderFilter(), a),
            )
            assert not [each for each in plan if "SCAN work_order" in each or "SCAN order_" in each], (text, plan)
