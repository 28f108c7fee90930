"""Mails are there when the step is, to whom it concerns; what is late is told once a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from daemon.handlers.letters import LONGEST_NOTE, add_digests, digest_day
from daemon.handlers.work_orders import Wanted, act, create_in
from daemon.handlers.world import MailView, World
from daemon.orders.commands import Assign, Done, Pending, Reply, ReturnToGroup
from daemon.orders.creation import New
from daemon.orders.history import Actor
from daemon.orders.permissions import By
from daemon.orders.steps import NotAllowedError
from daemon.storage.engine import Store
from daemon.storage.tables import OutboxRow, WorkOrderRow
from tests.builders import NOON, agent_id, group_id
from tests.integration.handlers.test_notices import person
from tests.worlds import small_world

MAIL = MailView("mail.example", digest_at=time(7, 30), zone=ZoneInfo("Europe/Berlin"))


@pytest.fixture
async def world(store: Store) -> World:
    small = await small_world(store)
    agents = {id_: replace(each, email=f"{each.username}@example.com") for id_, each in small.agents.items()}
    return replace(small, agents=agents, mail=MAIL)


async def order_of_anna(store: Store, world: World, cc: str = "") -> int:
    anna = world.agents[agent_id(world, "anna")]
    by = By(Actor("agent", anna.name, anna.id), "agent", anna.id, anna.team_id)
    new = New(template=world.templates[7], title="Kettle", group_id=group_id(world, "acme", "support"), cc=cc)
    async with store.write() as session:
        return (await create_in(session, world, by, Wanted(new=new), NOON)).row.id


async def mails(store: Store) -> Sequence[OutboxRow]:
    async with store.read() as session:
        return (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()


async def told(store: Store) -> list[tuple[str, str]]:
    return [(str(row.payload["message"]), str(row.payload["to"])) for row in await mails(store)]


async def test_the_life_of_an_order_is_mailed_to_whom_it_concerns(store: Store, world: World) -> None:
    order_id = await order_of_anna(store, world, "boss@example.com; anna@example.com")
    anna, ben = person(world, "anna"), person(world, "ben")
    for n, (who, command) in enumerate(
        (
            (anna, Assign(agent_id=agent_id(world, "ben"))),
            (ben, Pending()),
            (ben, Reply(note="rang twice")),
            (ben, ReturnToGroup(note="x" * 5000)),
            (anna, Assign(agent_id=agent_id(world, "anna"))),
            (anna, Done(note="new kettle")),
        )
    ):
        await act(store, world, who, order_id, command, NOON + timedelta(minutes=n))
    assert await told(store) == [
        ("assigned", "ben@example.com"),
        ("status_changed", "boss@example.com"),
        ("status_changed", "anna@example.com"),
        ("returned", "anna@example.com"),
        ("status_changed", "boss@example.com"),
        ("status_changed", "boss@example.com"),
        ("status_changed", "boss@example.com"),
    ]
    found = await mails(store)
    assert len({row.message_id for row in found}) == len(found)
    assert len({row.line for row in found}) == 3  # one for each reader: who is slow holds up nobody else
    assert {row.endpoint for row in found} == {"mail.example"}
    returned = found[3].payload
    assert (len(returned["note"]), returned["note_cut"], returned["by"]) == (LONGEST_NOTE, True, "Ben")


async def test_a_step_that_is_refused_mails_nobody(store: Store, world: World) -> None:
    order_id = await order_of_anna(store, world, "boss@example.com")
    with pytest.raises(NotAllowedError):
        await act(store, world, person(world, "ben"), order_id, Assign(agent_id=agent_id(world, "ben")), NOON)
    assert await mails(store) == []


async def test_without_a_mail_server_nothing_is_written(store: Store, world: World) -> None:
    without = replace(world, mail=None)
    order_id = await order_of_anna(store, without, "boss@example.com")
    await act(store, without, person(world, "anna"), order_id, Assign(agent_id=agent_id(world, "ben")), NOON)
    assert await mails(store) == []


async def test_group_admins_hear_once_a_day_what_is_late(store: Store, world: World) -> None:
    order_id = await order_of_anna(store, world)
    day = digest_day(MAIL, NOON)
    assert day is not None
    assert await add_digests(store, world, day, NOON) == 0
    async with store.write() as session:
        await session.execute(update(WorkOrderRow).values(due_at=NOON - timedelta(hours=1)))
    await add_digests(store, world, day, NOON)
    await add_digests(store, world, day, NOON + timedelta(hours=1))
    assert await told(store) == [("digest", "anna@example.com")]
    [row] = await mails(store)
    assert (row.payload["count"], [each["id"] for each in row.payload["orders"]]) == (1, [order_id])
    await add_digests(store, world, day + timedelta(days=1), NOON + timedelta(days=1))
    assert len(await mails(store)) == 2


def test_the_days_digest_waits_for_its_time_in_the_houses_zone() -> None:
    before, after = NOON.replace(hour=6, minute=29), NOON.replace(hour=6, minute=30)
    assert (digest_day(MAIL, before), digest_day(MAIL, after)) == (None, NOON.date())
    assert digest_day(None, after) is None
    assert digest_day(replace(MAIL, messages=frozenset()), after) is None
