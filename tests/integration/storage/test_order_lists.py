"""Lists of work orders against what a person would find by looking at every order, on both databases."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from daemon.handlers.world import World
from daemon.orders.order import Status
from daemon.storage.engine import Store
from daemon.storage.lists import OrderFilter, Page, Place, Sight, Whose, work_orders
from daemon.storage.tables import CustomerRow, TemplateRow, WorkOrderRow
from tests.builders import NOON, agent_id, group_id, team_id
from tests.integration.storage.plans import plan_of
from tests.worlds import small_world

DAY = timedelta(days=1)
RECENT = NOON - 3 * DAY


def is_listed(order: WorkOrderRow, wanted: OrderFilter, sight: Sight) -> bool:
    """The meaning of a filter, said for one order."""
    done = order.status == Status.DONE
    whose = {
        "all": True,
        "mine": sight.agent_id is not None and order.owner_id == sight.agent_id,
        "created": sight.agent_id is not None and order.creator_id == sight.agent_id,
        "groups": order.group_id in sight.groups,
        "led": order.group_id in sight.leads,
        "created_in_led": order.creator_group_id in sight.leads,
    }
    late = wanted.late_at is None or (not done and order.due_at is not None and order.due_at < wanted.late_at)
    return (
        sight.sees(order)
        and whose[wanted.whose]
        and wanted.open in {None, not done}
        and (wanted.open is not False or wanted.finished_since is None or order.updated_at >= wanted.finished_since)
        and (wanted.open is not False or wanted.finished_before is None or order.updated_at < wanted.finished_before)
        and (wanted.created_since is None or order.created_at >= wanted.created_since)
        and (wanted.created_before is None or order.created_at < wanted.created_before)
        and late
        and not (wanted.unowned and order.owner_id is not None)
        and wanted.team_id in {None, order.team_id}
        and (wanted.sort != "due" or (order.due_at is not None and not done))
        and all(
            getattr(wanted, name) in {None, getattr(order, name)}
            for name in ("template_id", "group_id", "owner_id", "creator_id", "customer_id", "priority")
        )
        and wanted.status in {None, order.status}
        and wanted.node_status in {None, order.node_status}
    )


def in_order(orders: Sequence[WorkOrderRow], wanted: OrderFilter) -> list[int]:
    keys: dict[str, Callable[[WorkOrderRow], tuple[datetime, int]]] = {
        "updated": lambda order: (order.updated_at, order.id),
        "created": lambda order: (order.created_at, order.id),
        "due": lambda order: (order.due_at or NOON, order.id),
    }
    return [order.id for order in sorted(orders, key=keys[wanted.sort], reverse=wanted.sort != "due")]


async def fill(store: Store, world: World, many: int) -> list[WorkOrderRow]:
    """Orders of two teams in every state, many of them changed in the same moment."""
    dice = random.Random(7)
    acme, other = team_id(world, "acme"), team_id(world, "other")
    agents = {acme: [agent_id(world, "anna"), agent_id(world, "ben")], other: [agent_id(world, "olga")]}
    groups = {
        acme: [group_id(world, "acme", "support"), group_id(world, "acme", "sales")],
        other: [group_id(world, "other", "support")],
    }
    async with store.write() as session:
        customers = [CustomerRow(team_id=acme, kind="individual", name=f"c{n}", created_at=NOON) for n in range(3)]
        session.add_all([*customers, TemplateRow(id=9, team_id=other, name="theirs", label="Theirs")])
        await session.flush()
        for n in range(1, many + 1):
            team = dice.choice([acme, acme, acme, other])
            created = NOON - dice.randrange(10) * DAY
            updated = created + dice.randrange(3) * DAY
            status = dice.choice(["new", "pending", "done", "done"])
            row = WorkOrderRow(
                team_id=team,
                template_id=dice.choice([7, 8] if team == acme else [9]),
                sequence=n,
                serial=f"#7-{n}",
                title=f"order {n}",
                customer_id=dice.choice([*(each.id for each in customers), None]) if team == acme else None,
                creator_id=dice.choice([*agents[team], None]),
                creator_group_id=dice.choice([*groups[team], None]),
                group_id=dice.choice(groups[team]),
                owner_id=dice.choice([*agents[team], None]),
                status=status,
                node_status=dice.choice(["new", "pending", "return", "verify"]),
                priority=dice.choice([2, 3, 3, 3]),
                due_at=dice.choice([None, NOON - dice.randrange(3) * DAY, NOON + DAY]),
                created_at=created,
                updated_at=updated,
                finished_at=updated if status == "done" else None,
            )
            session.add(row)
        await session.flush()
    async with store.read() as session:
        return list((await work_orders(session, Sight(None), OrderFilter(open=None), None, many)).rows)


async def read_all(
    store: Store, sight: Sight, wanted: OrderFilter, limit: int, effort: int
) -> tuple[list[int], list[Page[WorkOrderRow]]]:
    pages, after = [], None
    async with store.read() as session:
        while True:
            page = await work_orders(session, sight, wanted, after, limit, effort)
            pages.append(page)
            after = page.next
            if after is None:
                return [row.id for page in pages for row in page.rows], pages


def sights_of(world: World) -> dict[str, Sight]:
    acme, anna, ben = team_id(world, "acme"), agent_id(world, "anna"), agent_id(world, "ben")
    support, sales = group_id(world, "acme", "support"), group_id(world, "acme", "sales")
    return {
        "agent": Sight(acme, ben, frozenset({support})),
        "leader": Sight(acme, anna, frozenset({support}), frozenset({support})),
        "leader of two": Sight(acme, anna, frozenset({support, sales}), frozenset({support, sales})),
        "stranger": Sight(team_id(world, "other"), ben, frozenset({support}), frozenset({support})),
        "team admin": Sight(acme),
        "system admin": Sight(None),
    }


def filters_of(world: World) -> list[OrderFilter]:
    acme, anna, ben = team_id(world, "acme"), agent_id(world, "anna"), agent_id(world, "ben")
    support, sales = group_id(world, "acme", "support"), group_id(world, "acme", "sales")
    whose: list[Whose] = ["mine", "created", "groups", "led", "created_in_led", "all"]
    tabs = [
        OrderFilter(),
        OrderFilter(open=False, finished_since=RECENT),
        OrderFilter(open=False, finished_before=RECENT),
        OrderFilter(open=None),
    ]
    narrower: list[dict[str, object]] = [
        {"template_id": 8},
        {"group_id": support},
        {"group_id": sales},
        {"owner_id": ben},
        {"owner_id": anna, "template_id": 7},
        {"creator_id": ben},
        {"customer_id": 1},
        {"customer_id": 2, "owner_id": ben, "creator_id": anna},
        {"unowned": True},
        {"priority": 2, "node_status": "verify"},
        {"status": "pending"},
        {"late_at": NOON},
        {"created_since": NOON - 6 * DAY, "created_before": NOON - 2 * DAY},
        {"created_since": NOON - 6 * DAY, "created_before": NOON - 2 * DAY, "sort": "created"},
        {"sort": "created", "template_id": 7},
        {"sort": "due"},
        {"sort": "due", "late_at": NOON, "group_id": support},
        {"team_id": acme},
        {"team_id": team_id(world, "other")},
    ]
    wide = [replace(tab, whose=each) for tab in tabs for each in whose]
    narrow = [replace(tab, **each) for tab in tabs for each in narrower]  # type: ignore[arg-type]
    both = [replace(tabs[n % 4], whose=whose[n % 6], **each) for n, each in enumerate(narrower)]  # type: ignore[arg-type]
    return wide + narrow + both


@pytest.mark.parametrize(("limit", "effort", "many"), [(100, 1000, 150), (7, 1000, 100), (4, 10, 50)])
async def test_every_list_is_what_somebody_finds_who_looks_at_every_order(
    store: Store, limit: int, effort: int, many: int
) -> None:
    world = await small_world(store)
    orders = await fill(store, world, 120)
    assert len(orders) == 120
    every = list(itertools.product(sights_of(world).items(), filters_of(world)))
    for (name, sight), wanted in random.Random(limit).sample(every, many):
        expected = in_order([order for order in orders if is_listed(order, wanted, sight)], wanted)
        found, pages = await read_all(store, sight, wanted, limit, effort)
        assert found == expected, (name, wanted)
        assert all(len(page.rows) <= limit for page in pages)


async def test_a_page_for_which_too_much_must_be_looked_at_is_short_and_says_where_to_go_on(store: Store) -> None:
    world = await small_world(store)
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    async with store.write() as session:
        rows = [
            {
                "team_id": acme,
                "template_id": 7,
                "sequence": n,
                "serial": f"#7-{n}",
                "title": "t",
                "group_id": support,
                "priority": 1 if n == 1 else 3,
                "created_at": NOON,
                "updated_at": NOON + timedelta(minutes=n),
            }
            for n in range(1, 101)
        ]
        await session.execute(insert(WorkOrderRow), rows)
    found, pages = await read_all(store, Sight(acme), OrderFilter(priority=1), 10, 30)
    assert found == [1]
    assert [len(page.rows) for page in pages] == [0, 0, 0, 1]


async def test_every_walk_finds_its_index_even_without_statistics(store: Store) -> None:
    if not store.is_sqlite:
        return  # PostgreSQL reads so few rows whole, rightly
    world = await small_world(store)
    acme, anna, support = team_id(world, "acme"), agent_id(world, "anna"), group_id(world, "acme", "support")
    leader, admin = sights_of(world)["leader"], Sight(acme)
    cases: list[tuple[Sight, OrderFilter, set[str]]] = [
        (leader, OrderFilter(), {"owner_open", "creator_open", "group_open", "creator_group_open"}),
        (leader, OrderFilter(open=False), {"owner_done", "creator_done", "group_done", "creator_group_done"}),
        (leader, OrderFilter(whose="mine", template_id=7), {"owner_open"}),
        (leader, OrderFilter(owner_id=anna, status="new"), {"owner_open"}),
        (leader, OrderFilter(group_id=support, unowned=True), {"group_open"}),
        (admin, OrderFilter(open=None), {"team_open", "team_done"}),
        (admin, OrderFilter(open=False, finished_before=RECENT), {"team_done"}),
        (admin, OrderFilter(template_id=7, priority=1), {"template_open"}),
        (admin, OrderFilter(customer_id=1), {"customer_id_updated_at_id"}),
        (admin, OrderFilter(sort="created", created_before=NOON), {"team_id_created_at_id"}),
        (admin, OrderFilter(sort="due", late_at=NOON), {"due"}),
    ]
    for sight, wanted, indexes in cases:
        plan = await plan_of(store, lambda session, s=sight, w=wanted: work_orders(session, s, w, Place(NOON, 9)))
        named = {each.partition("INDEX ix_work_order_")[2].partition(" ")[0] for each in plan if "INDEX ix_" in each}
        assert named == indexes, (wanted, plan)
        assert not [each for each in plan if "SCAN work_order" in each], plan
