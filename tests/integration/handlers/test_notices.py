"""Who wants to hear of it is told: in the transaction of what happens, in its order, and nothing of another team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from daemon.handlers.missed import dismiss
from daemon.handlers.person import Person
from daemon.handlers.results import choose_result
from daemon.handlers.work_orders import Wanted, act, create_in
from daemon.handlers.world import Hook, World
from daemon.orders.commands import Assign, Done, Pending, Reply, ReturnToGroup
from daemon.orders.creation import New
from daemon.orders.history import Actor
from daemon.orders.notices import Happening
from daemon.orders.permissions import By
from daemon.orders.steps import NotAllowedError
from daemon.storage.engine import Store
from daemon.storage.tables import OutboxRow
from tests.builders import NOON, agent_id, answered_call, group_id, team_id
from tests.integration.handlers.test_call_results import with_results
from tests.integration.handlers.test_missed_calls import MONDAY_NOON, answered, apply, given_up, items
from tests.worlds import small_world
from webhooks import hook


@pytest.fixture
async def world(store: Store) -> World:
    """The small world with three endpoints: all of acme, returns of acme, all of the other team."""
    small = await small_world(store)
    acme, other = team_id(small, "acme"), team_id(small, "other")
    every = frozenset(Happening)
    hooks = (
        Hook("crm", acme, every),
        Hook("alarm", acme, frozenset({Happening.ORDER_RETURNED})),
        Hook("spy", other, every),
    )
    return replace(small, hooks=hooks)


def person(world: World, username: str) -> Person:
    agent = world.agents[agent_id(world, username)]
    return Person("agent", username, agent.name, agent.team_id, agent)


async def told(store: Store) -> list[tuple[str, str]]:
    return [(row.endpoint, row.event) for row in await rows(store)]


async def rows(store: Store) -> Sequence[OutboxRow]:
    async with store.read() as session:
        return (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()


async def order_of_anna(store: Store, world: World, title: str = "Kettle") -> int:
    anna = world.agents[agent_id(world, "anna")]
    by = By(Actor("agent", anna.name, anna.id), "agent", anna.id, anna.team_id)
    wanted = Wanted(new=New(template=world.templates[7], title=title, group_id=group_id(world, "acme", "support")))
    async with store.write() as session:
        return (await create_in(session, world, by, wanted, NOON)).row.id


async def test_the_life_of_an_order_is_told_step_by_step(store: Store, world: World) -> None:
    order_id = await order_of_anna(store, world)
    anna, ben = person(world, "anna"), person(world, "ben")
    at = NOON
    for who, command in (
        (anna, Assign(agent_id=agent_id(world, "ben"))),
        (ben, Pending()),
        (ben, Reply(note="rang <b>twice</b>")),
        (ben, ReturnToGroup(note="not mine")),
        (anna, Assign(agent_id=agent_id(world, "anna"))),
        (anna, Pending()),
        (anna, Done(note="new kettle")),
    ):
        at += timedelta(minutes=1)
        await act(store, world, who, order_id, command, at)
    assert await told(store) == [
        ("crm", "order.created"),
        ("crm", "order.assigned"),
        ("crm", "order.status_changed"),
        ("crm", "order.replied"),
        ("crm", "order.status_changed"),
        ("crm", "order.returned"),
        ("alarm", "order.returned"),
        ("crm", "order.status_changed"),
        ("crm", "order.assigned"),
        ("crm", "order.status_changed"),
        ("crm", "order.status_changed"),
        ("crm", "order.finished"),
    ]
    found = await rows(store)
    assert {row.line for row in found} == {f"order:{order_id}"}
    assert len({row.message_id for row in found}) == len(found)
    replied = hook.OrderData.model_validate(found[3].payload["data"])
    assert (replied.note, replied.by.name, replied.order.version) == ("rang <b>twice</b>", "Ben", 4)
    last = found[-1].payload
    assert (last["type"], last["team"], last["version"], last["timestamp"]) == (
        "order.finished",
        "acme",
        hook.VERSION,
        at.isoformat(),
    )


async def test_a_step_that_is_refused_tells_nobody(store: Store, world: World) -> None:
    order_id = await order_of_anna(store, world)
    before = await told(store)
    with pytest.raises(NotAllowedError):
        await act(store, world, person(world, "ben"), order_id, Assign(agent_id=agent_id(world, "ben")), NOON)
    assert await told(store) == before


async def test_a_caller_who_gives_up_comes_again_and_is_reached(store: Store, world: World) -> None:
    await apply(store, world, given_up())
    await apply(store, world, given_up("17.2", at=MONDAY_NOON + 60))
    await apply(store, world, answered("17.3", "030 1234567", MONDAY_NOON + 120))
    found = await told(store)
    assert [event for endpoint, event in found if endpoint == "crm" and event.startswith("missed_call")] == [
        "missed_call.opened",
        "missed_call.again",
        "missed_call.closed",
    ]
    assert [event for endpoint, event in found if endpoint == "crm" and event.startswith("call.")] == [
        *("call.entered", "call.ended", "call.entered", "call.ended"),
        *("call.entered", "call.answered", "call.ended"),
    ]
    assert ("crm", "order.created") in found
    assert "spy" not in {endpoint for endpoint, _ in found}
    for row in await rows(store):
        hook.DATA[row.event.partition(".")[0]].model_validate(row.payload["data"])


async def test_the_same_effects_again_tell_nothing_new(store: Store, world: World) -> None:
    await apply(store, world, given_up())
    once = await told(store)
    await apply(store, world, given_up())
    assert await told(store) == once


async def test_a_dismissal_is_told_with_its_reason(store: Store, world: World) -> None:
    await apply(store, world, given_up())
    [item] = await items(store)
    await dismiss(store, world, person(world, "anna"), [item.id], "wrong <number>", NOON)
    closed = next(row for row in await rows(store) if row.event == "missed_call.closed")
    data = hook.MissedCallData.model_validate(closed.payload["data"]).missed_call
    assert (data.state, data.closed_by, data.closed_note) == ("dismissed", "Anna", "wrong <number>")


async def test_results_are_told_when_they_are_chosen_and_when_they_change(store: Store, world: World) -> None:
    rich = with_results(world)
    call_id = (await answered_call(store, team_id(rich, "acme"), agent_id(rich, "ben"))).id
    ben = person(rich, "ben")
    await choose_result(store, rich, ben, call_id, "solved", "", None, None, NOON)
    await choose_result(store, rich, ben, call_id, "solved", "", None, None, NOON)
    await choose_result(store, rich, ben, call_id, "order", "two", None, None, NOON + timedelta(minutes=1))
    found = [row for row in await rows(store) if row.event.startswith("result")]
    assert [row.event for row in found] == ["result.chosen", "result.changed"]
    data = hook.ResultData.model_validate(found[1].payload["data"]).result
    assert (data.result, data.note, data.agent and data.agent.name) == ("order", "two", "Ben")
    assert data.order_id is not None
