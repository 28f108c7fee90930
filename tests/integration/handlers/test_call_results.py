"""What a call came to: one use case for every road, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from daemon.errors import ForbiddenError, InvalidError, NotFoundError, RefusedError
from daemon.handlers.person import Person
from daemon.handlers.results import Chosen, choose_result
from daemon.handlers.world import ModuleView, World
from daemon.orders.results import Result
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt
from daemon.storage.results import choices_of
from daemon.storage.tables import (
    CallResultRow,
    CallRow,
    CustomerNumberRow,
    CustomerRow,
    HistoryRow,
    PopupRow,
    WorkOrderRow,
)
from tests.builders import NOON, agent_id, answered_call, group_id, missed_call, team_id
from tests.worlds import small_world

RESULTS = (
    Result("solved", {"en": "Solved"}),
    Result("complaint", {"en": "Complaint"}, template_id=7, note="required"),
    Result("order", {"en": "Ordered"}, template_id=8, automatic=True),
    Result("again", {"en": "Ordered again"}, template_id=7, automatic=True),
    Result("later", {"en": "Call later"}, callback="required"),
)


@pytest.fixture
async def world(store: Store) -> World:
    """The small world, whose desk offers results; the group support works in it."""
    return with_results(await small_world(store))


def with_results(world: World, *offered: Result) -> World:
    module_id = world.queues["", "support"].module_id
    acme, support = team_id(world, "acme"), group_id(world, "acme", "support")
    desk = ModuleView(module_id, acme, "desk", "Desk", "customer_service", "individual", (support,), offered or RESULTS)
    return replace(world, modules={module_id: desk})


def person(world: World, username: str) -> Person:
    agent = world.agent_by_username(username)
    assert agent is not None
    return Person("agent", username, agent.name, agent.team_id, agent)


async def talked(store: Store, world: World, **more: Any) -> CallRow:
    return await answered_call(store, team_id(world, "acme"), agent_id(world, "ben"), **more)


async def choose(
    store: Store,
    world: World,
    call: CallRow,
    result: str,
    note: str = "",
    *,
    who: Person | None = None,
    at: datetime = NOON,
    callback_at: datetime | None = None,
    callback_for: str | None = None,
    **more: Any,
) -> Chosen:
    by = who or person(world, "ben")
    return await choose_result(store, world, by, call.id, result, note, callback_at, callback_for, at=at, **more)


async def orders(store: Store) -> list[WorkOrderRow]:
    async with store.read() as session:
        return list((await session.scalars(select(WorkOrderRow).order_by(WorkOrderRow.id))).all())


async def test_the_same_choice_again_gets_the_same_answer_and_writes_nothing(store: Store, world: World) -> None:
    call = await talked(store, world)
    first = await choose(store, world, call, "solved", "all well")
    assert {each.topic for each in first.news} == {"popup", "calls"}
    assert first.news[0].agent_ids == (agent_id(world, "ben"),)
    again = await choose(store, world, call, "solved", " all well ", at=NOON + timedelta(minutes=5))
    assert again == replace(first, news=())
    async with store.read() as session:
        row = (await session.scalars(select(CallResultRow))).one()
        assert (row.changed_at, len((await choices_of(session, [row.id]))[row.id])) == (NOON, 1)


async def test_a_link_gives_the_template_and_makes_no_order(store: Store, world: World) -> None:
    chosen = await choose(store, world, await talked(store, world), "complaint", "too loud")
    assert (chosen.template_id, chosen.order_id, await orders(store)) == (7, None, [])


async def test_an_automatic_result_makes_its_order_in_the_same_breath(store: Store, world: World) -> None:
    call = await talked(store, world)
    chosen = await choose(store, world, call, "order", "two boxes")
    (order,) = await orders(store)
    assert (chosen.order_id, chosen.template_id) == (order.id, None)
    assert (order.serial, order.title, order.description) == ("#8-1", "Ordered · +49301234567", "two boxes")
    assert (order.call_id, order.module_id) == (call.id, world.queues["", "support"].module_id)
    assert (order.creator_id, order.group_id) == (agent_id(world, "ben"), group_id(world, "acme", "support"))
    assert "work_orders" in {each.topic for each in chosen.news}


async def test_the_order_is_for_the_only_customer_of_the_number(store: Store, world: World) -> None:
    customer = await known(store, world, "Ada")
    await choose(store, world, await talked(store, world), "order")
    assert (await orders(store))[0].customer_id == customer


async def test_of_two_customers_with_one_number_the_order_is_for_the_one_he_chose(store: Store, world: World) -> None:
    await known(store, world, "Ada")
    second = await known(store, world, "Bob")
    call, other = await talked(store, world), await talked(store, world)
    async with store.write() as session:
        session.add(PopupRow(call_id=other.id, agent_id=agent_id(world, "ben"), customer_id=second))
    await choose(store, world, call, "order")
    await choose(store, world, other, "order")
    assert [order.customer_id for order in await orders(store)] == [None, second]


async def known(store: Store, world: World, name: str) -> int:
    acme = team_id(world, "acme")
    async with store.write() as session:
        row = CustomerRow(team_id=acme, kind="individual", name=name, created_at=NOON)
        session.add(row)
        await session.flush()
        session.add(
            CustomerNumberRow(team_id=acme, customer_id=row.id, raw="030 1234567", e164="+49301234567", tail="01234567")
        )
        return row.id


async def test_another_choice_replaces_the_first_and_leaves_its_order_whose_history_tells(
    store: Store, world: World
) -> None:
    call = await talked(store, world)
    first = await choose(store, world, call, "order")
    changed = await choose(store, world, call, "again", at=NOON + timedelta(minutes=3))
    assert (changed.id, changed.result, changed.order_id) == (first.id, "again", first.order_id)
    assert len(await orders(store)) == 1
    async with store.read() as session:
        entry = (await session.scalars(select(HistoryRow).order_by(HistoryRow.id.desc()).limit(1))).one()
        choices = (await choices_of(session, [first.id]))[first.id]
    assert (entry.action, entry.note, entry.actor) == ("result_changed", "order → again", "Ben")
    assert [(each.n, each.result, each.actor) for each in choices] == [(1, "order", "Ben"), (2, "again", "Ben")]


async def test_a_later_choice_makes_the_order_that_the_first_did_not_make(store: Store, world: World) -> None:
    call = await talked(store, world)
    assert (await choose(store, world, call, "solved")).order_id is None
    assert (await choose(store, world, call, "order")).order_id is not None


async def test_a_result_changes_within_the_window_and_not_after_it(store: Store, world: World) -> None:
    call = await talked(store, world, ended_at=NOON + timedelta(minutes=2))
    await choose(store, world, call, "solved")
    await choose(store, world, call, "complaint", "no", at=NOON + timedelta(minutes=62))
    with pytest.raises(RefusedError, match="60 minutes after the call"):
        await choose(store, world, call, "solved", at=NOON + timedelta(minutes=63))
    same = await choose(store, world, call, "complaint", "no", at=NOON + timedelta(days=3))
    assert same.news == ()


async def test_the_first_choice_may_come_late(store: Store, world: World) -> None:
    call = await talked(store, world, ended_at=NOON)
    assert (await choose(store, world, call, "solved", at=NOON + timedelta(days=2))).result == "solved"


async def test_a_call_back_is_kept_with_the_result(store: Store, world: World) -> None:
    when = NOON + timedelta(hours=3)
    await choose(store, world, await talked(store, world), "later", callback_at=when, callback_for="anyone")
    async with store.read() as session:
        row = (await session.scalars(select(CallResultRow))).one()
    assert (row.callback_at, row.callback_for) == (when, "anyone")


@pytest.mark.parametrize(("result", "note"), [("sold", ""), ("complaint", ""), ("solved", "x" * 2001), ("later", "")])
async def test_what_is_not_allowed_is_refused_and_nothing_is_written(
    store: Store, world: World, result: str, note: str
) -> None:
    call = await talked(store, world)
    with pytest.raises(InvalidError):
        await choose(store, world, call, result, note)
    async with store.read() as session:
        assert await session.scalar(select(func.count()).select_from(CallResultRow)) == 0


async def test_a_result_that_is_gone_from_the_configuration_is_refused_and_the_old_one_stays(
    store: Store, world: World
) -> None:
    call = await talked(store, world)
    await choose(store, world, call, "solved")
    fewer = with_results(world, RESULTS[1])
    with pytest.raises(InvalidError, match="complaint"):
        await choose(store, fewer, call, "solved")
    async with store.read() as session:
        assert (await session.scalars(select(CallResultRow.result))).one() == "solved"


async def test_who_took_part_gives_a_result_also_outside_of_the_modules_groups(store: Store, world: World) -> None:
    sales = group_id(world, "acme", "sales")
    module_id = world.queues["", "support"].module_id
    elsewhere = replace(world.modules[module_id], group_ids=(sales,))
    world = replace(world, modules={module_id: elsewhere})
    call = await talked(store, world)
    assert (await choose(store, world, call, "solved")).agent_id == agent_id(world, "ben")
    with pytest.raises(ForbiddenError, match="took no part"):
        await choose(store, world, call, "solved", who=person(world, "anna"))
    twice = await answered_call(store, team_id(world, "acme"), agent_id(world, "ben"), interface="PJSIP/1000")
    assert (await choose(store, world, twice, "solved", who=person(world, "anna"))).agent_id == agent_id(world, "anna")


async def test_each_agent_of_a_call_has_a_result_of_his_own(store: Store, world: World) -> None:
    call = await talked(store, world)
    mine = await choose(store, world, call, "solved")
    hers = await choose(store, world, call, "complaint", "!", who=person(world, "anna"))
    assert mine.id != hers.id


async def test_a_group_admin_gives_the_result_of_his_agent_and_the_agent_not_his(store: Store, world: World) -> None:
    call, ben, anna = await talked(store, world), agent_id(world, "ben"), agent_id(world, "anna")
    chosen = await choose(store, world, call, "order", who=person(world, "anna"), agent_id=ben)
    async with store.read() as session:
        actor = (await choices_of(session, [chosen.id]))[chosen.id][0].actor
    assert (chosen.agent_id, actor) == (ben, "Anna")
    with pytest.raises(ForbiddenError, match="group admin"):
        await choose(store, world, call, "solved", agent_id=anna)


async def test_a_system_names_the_agent_and_the_order_is_the_agents(store: Store, world: World) -> None:
    call, ben = await talked(store, world), agent_id(world, "ben")
    crm = Person("system", "crm", "CRM", team_id(world, "acme"))
    with pytest.raises(ForbiddenError, match="names the agent"):
        await choose(store, world, call, "order", who=crm)
    with pytest.raises(NotFoundError, match="no agent"):
        await choose(store, world, call, "order", who=crm, agent_id=agent_id(world, "olga"))
    await choose(store, world, call, "order", who=crm, agent_id=ben)
    assert (await orders(store))[0].creator_id == ben


async def test_a_call_of_another_team_is_not_there(store: Store, world: World) -> None:
    call = await talked(store, world)
    with pytest.raises(NotFoundError):
        await choose(store, world, call, "solved", who=person(world, "olga"))
    with pytest.raises(NotFoundError):
        await choose(store, world, CallRow(id=4711), "solved")


async def test_admins_who_are_no_agents_give_none(store: Store, world: World) -> None:
    call = await talked(store, world)
    for kind, team in (("team_admin", team_id(world, "acme")), ("system_admin", None)):
        with pytest.raises(ForbiddenError):
            await choose(store, world, call, "solved", who=Person(kind, "x", "X", team))  # type: ignore[arg-type]


async def test_a_call_in_which_nobody_talked_has_no_result(store: Store, world: World) -> None:
    item = await missed_call(store, team_id(world, "acme"))
    async with store.read() as session:
        call = (await session.scalars(select(CallRow))).one()
    assert item.count == 1
    with pytest.raises(RefusedError, match="nobody has talked"):
        await choose(store, world, call, "solved")


async def test_without_results_in_the_configuration_there_is_nothing_to_choose(store: Store, world: World) -> None:
    call = await talked(store, world, queue="no such queue")
    with pytest.raises(RefusedError, match="no results are configured"):
        await choose(store, world, call, "solved")


async def test_a_request_that_comes_again_gets_what_it_made(store: Store, world: World) -> None:
    call, receipt = await talked(store, world), Receipt("user:ben", "k", "f")
    first = await choose(store, world, call, "solved", receipt=receipt)
    await choose(store, world, call, "complaint", "!")
    again = await choose(store, world, call, "solved", receipt=receipt)
    assert (again.id, again.result, again.news) == (first.id, "complaint", ())


async def test_the_database_keeps_choices_and_refuses_nonsense(store: Store, world: World) -> None:
    call = await talked(store, world)
    await choose(store, world, call, "solved")
    for deed in (
        "UPDATE call_result_choice SET result = 'x'",
        "UPDATE call_result SET callback_for = 'me'",
        "UPDATE call_result SET result = ''",
        "UPDATE call_result SET changed_at = '2020-01-01'",
    ):
        with pytest.raises(DBAPIError):
            async with store.write() as session:
                await session.execute(text(deed))
    with pytest.raises(DBAPIError):
        async with store.write() as session:
            await session.execute(update(CallResultRow).values(callback_at=NOON, callback_for="nobody"))
