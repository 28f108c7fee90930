"""Two at once: the databases let one win. The real races are on PostgreSQL; SQLite has one writer."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from daemon.errors import RefusedError, StaleError
from daemon.handlers.creating import Creator
from daemon.handlers.deadlines import fire_due
from daemon.handlers.work_orders import Wanted, act
from daemon.orders.assign import Rule
from daemon.orders.commands import Assign, Done
from daemon.orders.creation import New
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt
from daemon.storage.tables import WorkOrderRow
from tests.integration.handlers.test_orders_over_time import MONDAY, Company, actions, owners, waiting_orders
from tests.integration.rivals import applied, furnish


@pytest.fixture
async def company(store: Store, tmp_path: Path) -> Company:
    config = furnish(tmp_path)
    return Company(store, config, await applied(store, config))


async def outcomes(*attempts: object) -> list[object]:
    return await asyncio.gather(*attempts, return_exceptions=True)  # type: ignore[call-overload,no-any-return]


async def test_of_two_who_say_done_one_wins(company: Company) -> None:
    [order] = await waiting_orders(company, 1)
    anna = company.person("anna")
    told = await outcomes(*(act(company.store, company.world, anna, order, Done(), MONDAY) for _ in range(4)))
    assert sum(isinstance(each, tuple) for each in told) == 1
    assert sum(isinstance(each, RefusedError) for each in told) == 3
    assert await actions(company, order) == ["create", "done"]


async def test_of_two_who_saw_the_same_version_one_wins(company: Company) -> None:
    [order] = await waiting_orders(company, 1)
    anna = company.person("anna")
    tries = (
        act(company.store, company.world, anna, order, Assign(agent_id=company.agent(who)), MONDAY, 1)
        for who in ("ben", "chen", "anna")
    )
    told = await outcomes(*tries)
    assert sum(isinstance(each, StaleError) for each in told) == 2
    assert (await company.order(order)).version == 2


async def test_serials_have_no_gaps_and_no_duplicates(company: Company) -> None:
    nodes = [Creator(company.store) for _ in range(3)]
    anna, world = company.person("anna"), company.world

    async def make(n: int) -> None:
        group = company.group("support") if n % 7 else company.group("finance")  # not of the range: refused
        new = New(template=world.templates[1], title=f"Order {n}", group_id=group)
        await nodes[n % 3].create(world, anna, Wanted(new=new, complete=False), None, MONDAY)

    told = await outcomes(*(make(n) for n in range(60)))
    assert sum(each is not None for each in told) == 9
    async with company.store.read() as session:
        found = (await session.scalars(select(WorkOrderRow.sequence).order_by(WorkOrderRow.sequence))).all()
    assert list(found) == list(range(1, 52))


async def test_one_key_sent_to_several_nodes_makes_one_order(company: Company) -> None:
    nodes = [Creator(company.store) for _ in range(4)]
    receipt = Receipt("token:crm", "k1", "f" * 64)
    new = New(template=company.world.templates[1], title="Once", group_id=company.group("support"))
    wanted = Wanted(new=new, complete=False)
    anna = company.person("anna")
    told = await asyncio.gather(*(nodes[n % 4].create(company.world, anna, wanted, receipt, MONDAY) for n in range(12)))
    assert len({each.id for each in told}) == 1
    assert sum(each.seen is not None for each in told) == 1


async def test_the_round_is_fair_though_several_nodes_give_out(company: Company) -> None:
    await company.rule("anna", 1, "support", Rule("agent_number_order", "all"))
    orders = await waiting_orders(company, 30)
    await asyncio.gather(*(company.assignment().give_out(MONDAY) for _ in range(3)))
    assert Counter(await owners(company, orders)) == {"anna": 10, "ben": 10, "chen": 10}
    for order in orders:
        assert await actions(company, order) == ["create", "auto_assign"]


async def test_a_timer_that_two_nodes_see_fires_once(company: Company) -> None:
    orders = await waiting_orders(company, 20)
    later = MONDAY.replace(month=12)
    await asyncio.gather(*(fire_due(company.store, company.world, later) for _ in range(3)))
    for order in orders:
        assert await actions(company, order) == ["create", "remind", "escalate"]
