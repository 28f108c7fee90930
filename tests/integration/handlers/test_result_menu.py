"""Results by keys on the agent's telephone: which call, which results, and that they are noted; on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from daemon.handlers.result_menu import LATELY, choose, offer_of
from daemon.handlers.world import World
from daemon.storage.engine import Store
from daemon.storage.tables import CallResultRow, CallRow
from tests.builders import NOON, agent_id, team_id
from tests.integration.rivals import applied, furnish


@pytest.fixture
async def world(store: Store, tmp_path: Path) -> World:
    return await applied(store, furnish(tmp_path))


async def talked(
    store: Store, world: World, username: str, uniqueid: str, queue: str = "support", ago: float = 1
) -> None:
    """An agent talked with a caller, so many minutes ago."""
    at = NOON - timedelta(minutes=ago)
    row = CallRow(
        pbx="main",
        uniqueid=uniqueid,
        linkedid=uniqueid,
        team_id=team_id(world, "acme"),
        number="030123",
        e164=None,
        name="",
        extension="",
        queue=queue,
        state="ended",
        began_at=at,
        ended_at=at,
        reason="answered",
        agent_id=agent_id(world, username),
    )
    async with store.write() as session:
        session.add(row)


async def results(store: Store) -> list[tuple[int, str, bool]]:
    async with store.read() as session:
        rows = (await session.scalars(select(CallResultRow).order_by(CallResultRow.id))).all()
        return [(row.call_id, row.result, row.callback_at is not None) for row in rows]


async def test_the_last_call_of_the_agent_who_calls_is_meant_unless_the_dialplan_names_one(
    store: Store, world: World
) -> None:
    await talked(store, world, "anna", "main-1", ago=9)
    await talked(store, world, "anna", "main-2", ago=5)
    await talked(store, world, "ben", "main-3", ago=1)
    last = await offer_of(store, world, "main", "", "1000", NOON)
    named = await offer_of(store, world, "main", "main-1", "1000", NOON)
    assert last is not None
    assert named is not None
    assert (last.call_id, named.call_id) == (2, 1)
    assert [each.identity for each in last.results] == [
        "solved",
        "call_back",
        "wrong_number",
    ]  # a complaint needs a note


@pytest.mark.parametrize(
    ("pbx", "uniqueid", "number"),
    [("main", "", "9999"), ("nowhere", "", "1000"), ("main", "none", "1000"), ("main", "", "")],
)
async def test_there_is_no_menu_for_strangers_and_unknown_calls(
    store: Store, world: World, pbx: str, uniqueid: str, number: str
) -> None:
    await talked(store, world, "anna", "main-1")
    assert await offer_of(store, world, pbx, uniqueid, number, NOON) is None


async def test_yesterdays_call_is_not_the_last_one(store: Store, world: World) -> None:
    await talked(store, world, "anna", "main-1", ago=LATELY.total_seconds() / 60 + 1)
    assert await offer_of(store, world, "main", "", "1000", NOON) is None


async def test_a_choice_is_noted_once_with_its_call_back(store: Store, world: World) -> None:
    await talked(store, world, "anna", "main-1")
    offer = await offer_of(store, world, "main", "", "1000", NOON)
    assert offer is not None
    assert await choose(store, world, offer, "call_back", None, NOON) is None
    assert await results(store) == []
    assert await choose(store, world, offer, "call_back", NOON + timedelta(hours=2), NOON)
    assert await choose(store, world, offer, "call_back", NOON + timedelta(hours=2), NOON) == ()
    assert await results(store) == [(1, "call_back", True)]
    assert await choose(store, world, offer, "no such", None, NOON) is None
