"""What lists of orders tell beside the orders, on both databases."""

from __future__ import annotations

from datetime import timedelta

from daemon.orders.history import SYSTEM, Entry
from daemon.orders.order import Status
from daemon.storage import order_log, rules
from daemon.storage.engine import Store
from daemon.storage.order_log import MOST_COUNTED, Party
from daemon.storage.tables import AssignRuleRow, CustomerRow, WorkOrderFieldRow, WorkOrderRow
from daemon.storage.visibility import Sight
from tests.builders import NOON, agent_id, answered_call, group_id, missed_call, stepped, team_id, work_order
from tests.worlds import small_world


async def test_open_orders_are_counted_by_category_each_once(store: Store) -> None:
    world = await small_world(store)
    acme, anna = team_id(world, "acme"), agent_id(world, "anna")
    support, sales = group_id(world, "acme", "support"), group_id(world, "acme", "sales")
    await work_order(store, acme, support, owner=anna, creator=anna)  # in three categories
    await work_order(store, acme, sales, creator=anna)
    await work_order(store, acme, sales)
    done = await work_order(store, acme, support, owner=anna)
    await stepped(store, done, Entry(NOON, SYSTEM, "done", "waiting", "done"), status=Status.DONE)
    sight = Sight(acme, anna, frozenset({support}), frozenset({support}))
    async with store.read() as session:
        counts = await order_log.count_open(session, sight, ["all", "mine", "created", "groups", "led"])
        admin = await order_log.count_open(session, Sight(acme), ["all"])
        everything = await order_log.count_open(session, Sight(None), ["all"])
        other = await order_log.count_open(session, Sight(team_id(world, "other")), ["all"])
        recent = await order_log.count_finished(session, sight, "all", NOON)
        older = await order_log.count_finished(session, sight, "all", NOON + timedelta(seconds=1))
        assert await order_log.count_open(session, sight, []) == {}
    assert counts == {"all": 2, "mine": 1, "created": 2, "groups": 1, "led": 1}
    assert (admin["all"], everything["all"], other["all"], recent, older) == (3, 3, 0, 1, 0)


async def test_nobody_counts_further_than_is_shown(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    for _ in range(MOST_COUNTED + 3):
        await work_order(store, acme, support)
    async with store.read() as session:
        for sight in (Sight(acme), Sight(acme, agent_id(world, "ben"), frozenset({support}))):
            assert await order_log.count_open(session, sight, ["all"]) == {"all": MOST_COUNTED}


async def test_an_order_is_for_its_customer_else_for_who_called(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    item = await missed_call(store, acme, name="Ada")
    call = await answered_call(store, acme, None, number="040 777888", name="040 777888")
    rows = [await work_order(store, acme, support, item=item if n == 1 else None) for n in range(4)]
    async with store.write() as session:
        session.add(CustomerRow(id=5, team_id=acme, kind="individual", name="Bob", created_at=NOON))
        await session.flush()
        (await session.get_one(WorkOrderRow, rows[1].id)).customer_id = 5
        (await session.get_one(WorkOrderRow, rows[2].id)).customer_id = 5
        (await session.get_one(WorkOrderRow, rows[3].id)).call_id = call.id
    async with store.read() as session:
        assert await order_log.parties_of(session, rows) == {
            rows[1].id: Party("Bob", "+49301234567"),
            rows[2].id: Party("Bob"),
            rows[3].id: Party("040 777888", "+4940777888"),
        }
        assert await order_log.parties_of(session, []) == {}


async def test_modules_fields_and_rules_are_told_of_these_orders_alone(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    rows = [await work_order(store, acme, support) for _ in range(2)]
    async with store.write() as session:
        rows[0].module_id = 1
        session.add(WorkOrderFieldRow(order_id=rows[0].id, identity="why", value="x"))
        session.add(AssignRuleRow(template_id=7, group_id=support, mode="fewest_unfinished"))
        session.add(AssignRuleRow(template_id=8, group_id=support))
    async with store.read() as session:
        assert await order_log.modules_of(session, rows) == {1: "desk"}
        assert await order_log.modules_of(session, rows[1:]) == {}
        assert await order_log.values_of(session, [rows[0].id]) == {(rows[0].id, "why"): "x"}
        assert await order_log.values_of(session, [rows[1].id]) == {}
        assert await order_log.automatic_places(session, {support}) == {(7, support)}
        assert await order_log.automatic_places(session, set()) == frozenset()
        assert [row.template_id for row in await rules.of_group(session, support)] == [8, 7]  # by label
