"""Whose telephone rings: agents, by what a PBX tells of its members."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.calls.ringing import Change, Rung
from daemon.handlers.live import News
from daemon.handlers.ringing import Ringing
from daemon.handlers.world import World
from daemon.storage.engine import Store
from tests.builders import agent_id, team_id
from tests.integration.rivals import applied, furnish

RUNG = Rung(1_790_000_000.0, "main-1.1", "support", "Local/1000@agents/n", "Anna Albrecht", "030123", "<b>Ada</b>")


@pytest.fixture
async def world(store: Store, tmp_path: Path) -> World:
    return await applied(store, furnish(tmp_path))


async def test_an_agent_is_told_when_his_telephone_begins_and_ends_to_ring(world: World) -> None:
    told: list[News] = []
    ringing = Ringing(lambda: world, told.append)
    anna = agent_id(world, "anna")
    ringing.change("main", Change(began=(RUNG,)))
    [ring] = ringing.of(anna)
    assert (ring.pbx, ring.uniqueid, ring.queue, ring.number, ring.name) == (
        "main",
        "main-1.1",
        "support",
        "030123",
        "<b>Ada</b>",
    )
    ringing.change("main", Change(ended=(RUNG,)))
    assert ringing.of(anna) == ()
    assert told == [News(team_id(world, "acme"), "popup", (), (), (anna,))] * 2


async def test_two_telephones_of_an_agent_are_one_caller_until_neither_rings(world: World) -> None:
    ringing, anna = Ringing(lambda: world, lambda _: None), agent_id(world, "anna")
    other = replace(RUNG, at=RUNG.at + 1, interface="SIP/1000")
    ringing.change("main", Change(began=(RUNG, other)))
    assert [ring.since.timestamp() for ring in ringing.of(anna)] == [RUNG.at]
    ringing.change("main", Change(ended=(RUNG,)))
    assert [ring.since.timestamp() for ring in ringing.of(anna)] == [other.at]
    ringing.change("main", Change(ended=(other,)))
    assert ringing.of(anna) == ()


async def test_the_same_call_on_another_pbx_is_another_call(world: World) -> None:
    ringing, anna = Ringing(lambda: world, lambda _: None), agent_id(world, "anna")
    for pbx in ("main", "branch"):
        ringing.change(pbx, Change(began=(RUNG,)))
    ringing.change("branch", Change(ended=(RUNG,)))
    assert [ring.pbx for ring in ringing.of(anna)] == ["main"]


async def test_a_member_whom_nobody_knows_rings_at_nobody(world: World) -> None:
    told: list[News] = []
    ringing = Ringing(lambda: world, told.append)
    stranger = replace(RUNG, interface="PJSIP/9999", member="Nobody")
    ringing.change("main", Change(began=(stranger,)))
    ringing.change("main", Change(ended=(stranger,)))
    assert told == []
