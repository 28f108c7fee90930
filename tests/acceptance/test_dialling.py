"""Calls from the pages, and results from the dialplan, on a real Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from daemon.demo.asterisk import PrivateAsterisk, Version, queue_name
from daemon.demo.desks import Desk
from daemon.demo.wire import Wire
from tests.acceptance.rig import SAMPLE, Cable, Outpost, somebody_gives_up

pytestmark = pytest.mark.asterisk

SUPPORT = queue_name("support", 0)
ITEM = "SELECT state, closed_how FROM missed_item"
LATEST = "SELECT number, outcome, ended_at IS NULL FROM outgoing_call ORDER BY id DESC LIMIT 1"
TOLD = "SELECT action, note FROM history WHERE action <> 'create' ORDER BY n"


@dataclass
class Telephony:
    """A house beside an Asterisk, Anna at her page, and her telephone."""

    house: Outpost
    desk: Desk
    wire: Wire
    anna: ClientSession
    csrf: str

    async def asks(self, path: str, **form: str) -> tuple[int, str]:
        """Post a form of a page; the status, and what is said."""
        async with self.anna.post(path, data={"csrf": self.csrf, **form}, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def strip(self) -> str:
        """What the page says of her call."""
        async with self.anna.get("/dialling", headers={"HX-Request": "true"}) as answer:
            return await answer.text()

    async def comes_to(self, number: str, outcome: str) -> None:
        """Wait until the latest call is over so."""
        await self.house.until(LATEST, [(number, outcome, 0)])

    async def rings(self) -> Any:
        """Wait until her telephone rings."""
        return await self.wire.event("Newexten", Context="agents", Extension="1000", Application="Wait")


@pytest.fixture(scope="module", params=["22", "16"])
def switch(request: pytest.FixtureRequest) -> Iterator[PrivateAsterisk]:
    """An Asterisk of each version, never stopped."""
    version: Version = request.param
    started = PrivateAsterisk(version)
    asyncio.run(started.__aenter__())
    yield started
    asyncio.run(started.__aexit__(None, None, None))


@pytest.fixture
async def cable(switch: PrivateAsterisk) -> AsyncIterator[Cable]:
    cable = Cable(switch.port)
    await cable.lay()
    yield cable
    await cable.remove()


@pytest.fixture
async def telephony(switch: PrivateAsterisk, cable: Cable, tmp_path: Path) -> AsyncIterator[Telephony]:
    async with await Wire.to(switch) as wire:
        desk = Desk(wire, switch)
        await desk.behave(0, ring=0.2)
        await wire.do("Setvar", Variable="OUTSIDE_RINGS", Value="1")
        house = Outpost(tmp_path, SAMPLE, switch, [SUPPORT])
        house.furnish()
        house.with_pbx(port=cable.port)
        await house.start()
        async with house.browser("anna") as anna:
            async with anna.get("/api/v1/me") as answer:
                csrf = (await answer.json())["csrf_token"]
            yield Telephony(house, desk, wire, anna, csrf)
        assert await house.stop() == 0


async def test_a_missed_caller_is_called_back_and_reached(telephony: Telephony) -> None:
    caller = await somebody_gives_up(telephony.desk, patience=3600)
    await telephony.house.until(ITEM, [("open", "")])
    status, _ = await telephony.asks("/dial", item="1", back="/missed-calls")
    assert status == 303
    await telephony.rings()
    number = f"+49{caller.number[1:]}"
    dialled = await telephony.wire.event("DialEnd", DialStatus="ANSWER", CallerIDNum="1000")
    assert dialled["Exten"] == number
    await telephony.house.until(ITEM, [("reached", "call_back")])
    await telephony.house.until(TOLD, [("caller_reached", "Anna Albrecht")])
    assert "Talking" in await telephony.strip()
    await telephony.wire.do("Hangup", Channel=dialled["Channel"])
    await telephony.comes_to(number, "answered")
    assert "Reached" in await telephony.strip()
    assert (await telephony.asks("/dialling/put-away", back="/"))[0] == 303
    assert (await telephony.strip()).strip() == ""


async def test_what_came_of_calls_that_reached_nobody(telephony: Telephony) -> None:
    for number, outcome, said in (
        ("+493023125007", "busy", "Busy"),
        ("+493023125008", "no_answer", "No answer"),
    ):
        assert (await telephony.asks("/dial", number=number, back="/"))[0] == 303
        await telephony.comes_to(number, outcome)
        assert said in await telephony.strip()


async def test_a_telephone_that_is_not_picked_up_dials_nobody(telephony: Telephony) -> None:
    await telephony.desk.behave(0, ring=3600)
    path = telephony.house.config / "workorderd.yaml"
    path.write_text(path.read_text().replace("dial: {", "dial: {ring_seconds: 5, "))
    await telephony.house.stop()
    await telephony.house.start()
    assert (await telephony.asks("/dial", number="+493023125001", back="/"))[0] == 303
    await telephony.comes_to("+493023125001", "not_taken")
    assert telephony.wire.find("DialBegin", DestCallerIDNum="+493023125001") is None


async def test_a_telephone_that_is_not_there_is_said(telephony: Telephony) -> None:
    telephony.house.change("Local/1000@agents/n", "PJSIP/nobody", "teams.yaml")
    await telephony.house.stop()
    await telephony.house.start()
    assert (await telephony.asks("/dial", number="+493023125001", back="/"))[0] in {303, 409}
    await telephony.house.until("SELECT ended_at IS NULL FROM outgoing_call", [(0,)])
    [(outcome,)] = telephony.house.query("SELECT outcome FROM outgoing_call")
    assert outcome in {"unreachable", "failed"}


async def test_what_is_not_allowed_never_gets_to_the_pbx(telephony: Telephony) -> None:
    for number, said in (
        ("+499001234567", "not allowed"),
        ("+442079460001", "not allowed"),
        ("+4930\r\nAction: Command\r\nCommand: core stop now", "no number"),
    ):
        status, text = await telephony.asks("/dial", number=number, back="/")
        assert (status, said in text) == (409, True)
    assert telephony.house.query("SELECT count(*) FROM outgoing_call") == [(0,)]
    assert [event for event in telephony.wire.events if event["Event"] == "OriginateResponse"] == []


async def test_a_call_asked_for_while_the_link_is_lost_is_refused_and_never_placed_later(
    telephony: Telephony, cable: Cable
) -> None:
    await cable.cut()
    await telephony.house.until_ready_is(503)
    status, text = await telephony.asks("/dial", number="+493023125001", back="/")
    assert (status, "The PBX does not place the call" in text) == (409, True)
    await cable.lay()
    await telephony.house.until_ready_is(200)
    assert (await telephony.asks("/dial", number="+493023125007", back="/"))[0] == 303
    await telephony.comes_to("+493023125007", "busy")
    assert telephony.wire.find("DialBegin", DestCallerIDNum="+493023125001") is None


async def test_a_result_that_the_dialplan_reports_is_the_calls(telephony: Telephony) -> None:
    await telephony.desk.staff("support", talk=1)
    caller = await telephony.desk.call(SUPPORT)
    await caller.connected()
    await caller.gone()
    await telephony.house.until("SELECT reason FROM call", [("answered",)])
    for agent in ("nobody", "1000", "1000"):
        report = {"UserEvent": "CallResult", "Uniqueid": caller.uniqueid, "Result": "solved", "Agent": agent}
        await telephony.wire.do("UserEvent", **report)
    await telephony.house.until("SELECT result FROM call_result", [("solved",)])
    refused = await telephony.house.until_said("reported_result_refused")
    assert [entry["agent"] for entry in refused] == ["nobody"]
