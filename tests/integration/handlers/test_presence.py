"""Who is online: by pages, by queues, by both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daemon.calls.members import Member
from daemon.handlers.live import News
from daemon.handlers.presence import Presence
from daemon.handlers.world import World
from daemon.storage.engine import Store
from tests.builders import agent_id
from tests.integration.rivals import applied, furnish

ANNA = Member("support", "PJSIP/1000", "")


class House:
    """A world that can be replaced, and how often somebody came online."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.came = 0
        self.told: list[News] = []
        self.presence = Presence(lambda: self.world, self.told.append)
        self.presence.came = self._come

    def _come(self) -> None:
        self.came += 1

    def online(self, username: str) -> bool:
        return self.presence.online(agent_id(self.world, username))


@pytest.fixture
async def house(store: Store, tmp_path: Path) -> House:
    return House(await applied(store, furnish(tmp_path)))


async def test_a_member_of_a_queue_is_online_until_he_can_not_be_reached(house: House) -> None:
    house.presence.members("main", {ANNA})
    assert (house.online("anna"), house.online("ben"), house.came) == (True, False, 1)
    house.presence.members("main", {ANNA, ANNA._replace(queue="sales")})
    assert house.came == 1
    house.presence.members("main", set())
    assert not house.online("anna")


async def test_who_has_a_page_and_a_queue_comes_once_and_leaves_with_the_last(house: House) -> None:
    with house.presence.page(agent_id(house.world, "anna")):
        house.presence.members("main", {ANNA})
        assert house.online("anna")
    assert house.online("anna")
    house.presence.members("main", set())
    assert not house.online("anna")
    with house.presence.page(agent_id(house.world, "anna")):
        assert house.came >= 2


async def test_members_of_one_pbx_say_nothing_of_another(house: House) -> None:
    house.presence.members("main", {ANNA})
    house.presence.members("branch", set())
    assert house.online("anna")


async def test_another_configuration_knows_its_members_anew(house: House) -> None:
    house.presence.members("main", {ANNA})
    anna, ben = agent_id(house.world, "anna"), agent_id(house.world, "ben")
    agents = dict(house.world.agents)
    agents[ben] = replace(agents[ben], interfaces=("PJSIP/1000",), number="1000")
    agents[anna] = replace(agents[anna], interfaces=("PJSIP/9",), number="9")
    house.world = replace(house.world, agents=agents)
    assert (house.presence.online(anna), house.presence.online(ben)) == (False, True)
