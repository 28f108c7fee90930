from __future__ import annotations

import pytest
from sqlalchemy import text

from daemon.handlers.history_check import check_history
from daemon.orders.history import SYSTEM, Entry
from daemon.orders.order import NodeStatus, Status
from daemon.storage.engine import Store
from tests.builders import NOON, group_id, stepped, team_id, work_order
from tests.worlds import small_world


async def some_orders(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    for n in range(3):
        row = await work_order(store, acme, support, title=f"order {n}")
        began = {"status": ["new", "pending"], "node_status": ["new", "pending"]}
        entry = Entry(NOON, SYSTEM, "pending", "assigned", "working", "begun", began)
        await stepped(store, row, entry, status=Status.PENDING, node_status=NodeStatus.PENDING)


async def tampered(store: Store, *deeds: str) -> tuple[str, ...]:
    """What the check says after somebody with the database's password did this, triggers taken away."""
    await some_orders(store)
    async with store.write() as session:
        if store.is_sqlite:
            await session.execute(text("DROP TRIGGER history_refuses_update"))
            await session.execute(text("DROP TRIGGER history_refuses_delete"))
        else:
            await session.execute(text("DROP TRIGGER history_append_only ON history"))
        for deed in deeds:
            await session.execute(text(deed))
    return (await check_history(store)).faults


async def test_what_nobody_touched_is_in_order(store: Store) -> None:
    await some_orders(store)
    proof = await check_history(store)
    assert (proof.orders, proof.entries, proof.faults) == (3, 6, ())
    assert (await check_history(store)).seal == proof.seal


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("UPDATE history SET note = 'never' WHERE order_id = 2 AND n = 1", "entry 1 was changed"),
        ("UPDATE history SET actor = 'Ben' WHERE order_id = 2 AND n = 2", "entry 2 was changed"),
        ("DELETE FROM history WHERE order_id = 2 AND n = 1", "entry 1 was changed, removed"),
        ("DELETE FROM history WHERE order_id = 2 AND n = 2", "1 entries and must have 2"),
        ("UPDATE work_order SET title = 'other' WHERE id = 2", "its title is 'other', by its history 'order 1'"),
        ("UPDATE work_order SET status = 'new' WHERE id = 2", "its status is 'new', by its history 'pending'"),
    ],
)
async def test_what_was_changed_is_named(store: Store, deed: str, said: str) -> None:
    faults = await tampered(store, deed)
    assert any(fault.startswith("#7-2 (id 2)") and said in fault for fault in faults), faults


async def test_an_order_that_was_removed_leaves_a_gap(store: Store) -> None:
    faults = await tampered(store, "DELETE FROM history WHERE order_id = 2", "DELETE FROM work_order WHERE id = 2")
    assert faults == ("template missed_call: 3 serials were given out, 2 orders are there",)
