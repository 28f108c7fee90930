"""Queues from the pages on a real Asterisk: log in, pause, the pause after a talk, and what kills and cuts do to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from daemon.demo.asterisk import PrivateAsterisk, Version, queue_name
from daemon.demo.desks import Caller, Desk
from daemon.demo.wire import Wire
from tests.acceptance.rig import DEADLINE, SAMPLE, Cable, Outpost

pytestmark = pytest.mark.asterisk

SUPPORT, SALES = queue_name("support", 0), queue_name("sales", 0)
ANNA, BEN = "Local/1000@agents/n", "Local/1001@agents/n"
REASONS = "pause_reasons:\n  - {id: lunch, labels: {en: '<b>Lunch</b>'}}\n  - {id: training, labels: {en: Training}}\n"


@dataclass
class Shift:
    """A house beside an Asterisk, and Anna at her page."""

    house: Outpost
    desk: Desk
    wire: Wire
    anna: ClientSession
    csrf: str = ""

    async def asks(self, deed: str, **form: str) -> int:
        """Post a form of the menu; the status."""
        form = {"csrf": self.csrf, "back": "/", **form}
        async with self.anna.post(f"/duty/{deed}", data=form, allow_redirects=False) as answer:
            return answer.status

    async def presence(self) -> dict[str, Any]:
        """How the daemon says that she stands."""
        async with self.anna.get("/api/v1/me") as answer:
            me = await answer.json()
        self.csrf = me["csrf_token"]
        found: dict[str, Any] = me["agent"]["presence"]
        return found

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until she stands so."""
        async with asyncio.timeout(DEADLINE):
            while not holds(found := await self.presence()):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        return found

    async def shown(self, queue: str, interface: str = ANNA) -> str | None:
        """Her line in `queue show`; None where she is no member."""
        lines = (await self.desk.pbx.rx(f"queue show {queue}")).splitlines()
        return next((line for line in lines if interface in line), None)

    async def until_shown(self, queue: str, *words: str) -> None:
        """Wait until Asterisk shows her with these words; a word that begins with ! must not be there."""
        async with asyncio.timeout(DEADLINE):
            while True:
                line = await self.shown(queue)
                if line and all(word[1:] not in line if word[0] == "!" else word in line for word in words):
                    return
                await asyncio.sleep(0.05)

    async def talks(self) -> Caller:
        """She talks with a caller, who then hangs up."""
        caller = await self.desk.call(SUPPORT)
        connect = await caller.connected()
        assert connect["Interface"] == ANNA
        await caller.hang_up()
        return caller


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
def wrap_up_seconds() -> int:
    return 600


@pytest.fixture
async def shift(switch: PrivateAsterisk, cable: Cable, tmp_path: Path, wrap_up_seconds: int) -> AsyncIterator[Shift]:
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(await Wire.to(switch))
        desk = Desk(wire, switch)
        await desk.behave(0, ring=0.2)
        house = Outpost(tmp_path, SAMPLE, switch, [SUPPORT, SALES])
        house.furnish()
        house.with_pbx(port=cable.port)
        queues = house.config / "queues.yaml"
        text = queues.read_text().replace("hidden_numbers: order}\n", "hidden_numbers: order}\n    log_in: {}\n")
        text = text.replace("    # wrap_up: {seconds: 120}\n", f"    wrap_up: {{seconds: {wrap_up_seconds}}}\n")
        queues.write_text(text + REASONS)
        await house.start()
        anna = await stack.enter_async_context(house.browser("anna"))
        shift = Shift(house, desk, wire, anna)
        await shift.presence()
        yield shift
        await shift.asks("log-out")
        await desk.clear()
        assert await house.stop() == 0


async def test_she_logs_in_from_her_page_and_gets_the_next_call(shift: Shift) -> None:
    assert (await shift.presence())["stand"] == "out"
    assert await shift.asks("log-in", queue=SUPPORT) == 303
    await shift.until_shown(SUPPORT, "dynamic")
    assert await shift.shown(SALES) is None
    assert (await shift.presence())["stand"] in {"ready", "busy"}
    caller = await shift.desk.call(SUPPORT)
    assert (await caller.rung())["Interface"] == ANNA
    await caller.hang_up()
    assert await shift.asks("log-in") == 303  # the others
    await shift.until_shown(SALES, "dynamic")
    assert await shift.asks("log-out") == 303
    assert (await shift.presence())["stand"] == "out"
    assert [await shift.shown(queue) for queue in (SUPPORT, SALES)] == [None, None]


async def test_no_call_is_offered_to_who_is_paused_and_why_is_known_everywhere(shift: Shift) -> None:
    await shift.asks("log-in")
    await shift.desk.staff("support", 1, ring=3600)
    assert await shift.asks("pause", reason="lunch") == 303
    for queue in (SUPPORT, SALES):
        await shift.until_shown(queue, "paused:lunch")
    found = await shift.presence()
    assert (found["stand"], found["reason"], found["paused_since"] is not None) == ("paused", "lunch", True)
    async with shift.anna.get("/duty", headers={"HX-Request": "true"}) as answer:
        assert "&lt;b&gt;Lunch&lt;/b&gt;" in await answer.text()
    caller = await shift.desk.call(SUPPORT)
    assert (await caller.rung())["Interface"] == BEN
    assert shift.wire.find("AgentCalled", Uniqueid=caller.uniqueid, Interface=ANNA) is None
    assert await shift.asks("resume") == 303
    await shift.wire.event("AgentConnect", Uniqueid=caller.uniqueid, Interface=ANNA)
    await caller.hang_up()


async def test_a_pause_on_the_telephone_is_seen_and_ended_on_the_page(shift: Shift) -> None:
    await shift.asks("log-in")
    await shift.wire.do("QueuePause", Interface=ANNA, Paused="true", Reason="'><i>feature code</i>")
    found = await shift.until(lambda presence: presence["stand"] == "paused")
    assert found["reason"] == "'><i>feature code</i>"
    async with shift.anna.get("/agents") as answer:
        assert "<i>feature" not in await answer.text()
    await shift.asks("resume")
    assert (await shift.presence())["stand"] == "ready"


async def test_after_a_talk_she_is_paused_until_the_result_is_given(shift: Shift) -> None:
    await shift.asks("log-in")
    await shift.talks()
    for queue in (SUPPORT, SALES):
        await shift.until_shown(queue, "paused:wrap-up")
    found = await shift.until(lambda presence: presence["stand"] == "wrap_up")
    assert found["wrap_up_until"] is not None
    headers = {"X-CSRF-Token": shift.csrf}
    async with shift.anna.post("/api/v1/calls/1/result", json={"result": "solved"}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    for queue in (SUPPORT, SALES):
        await shift.until_shown(queue, "!paused")
    assert shift.house.query("SELECT ended_how FROM wrap_up") == [("result",)]


async def test_her_own_pause_outlives_the_wrap_up(shift: Shift) -> None:
    await shift.asks("log-in")
    caller = await shift.desk.call(SUPPORT)
    await caller.connected()
    await shift.asks("pause", reason="lunch")
    await caller.hang_up()
    await shift.house.until("SELECT count(*) FROM wrap_up", [(1,)])
    headers = {"X-CSRF-Token": shift.csrf}
    async with shift.anna.post("/api/v1/calls/1/result", json={"result": "solved"}, headers=headers) as answer:
        assert answer.status == 200
    await shift.house.until("SELECT ended_how FROM wrap_up", [("result",)])
    await shift.until_shown(SUPPORT, "paused:lunch")
    assert (await shift.presence())["reason"] == "lunch"


async def test_a_resumption_on_the_telephone_ends_the_wrap_up(shift: Shift) -> None:
    await shift.asks("log-in")
    await shift.talks()
    await shift.until(lambda presence: presence["wrap_up_until"] is not None)
    for queue in (SUPPORT, SALES):
        await shift.until_shown(queue, "paused:wrap-up")
    await shift.wire.do("QueuePause", Interface=ANNA, Paused="false")
    await shift.house.until("SELECT ended_how FROM wrap_up", [("phone",)])
    await shift.until_shown(SUPPORT, "!paused")


async def test_a_kill_in_the_wrap_up_leaves_nobody_paused(shift: Shift) -> None:
    await shift.asks("log-in")
    await shift.talks()
    await shift.until_shown(SUPPORT, "paused:wrap-up")
    await shift.house.kill()
    await shift.house.start()
    found = await shift.until(lambda presence: presence["stand"] == "wrap_up")  # it goes on
    assert found["wrap_up_until"] is not None
    await shift.house.kill()
    with closing(sqlite3.connect(shift.house.sqlite)) as connection, connection:
        connection.execute("UPDATE wrap_up SET until = began_at")  # meanwhile its time is over
    await shift.house.start()
    for queue in (SUPPORT, SALES):
        await shift.until_shown(queue, "!paused")
    assert shift.house.query("SELECT ended_how FROM wrap_up") == [("time",)]


async def test_a_wrap_up_that_ends_while_the_link_is_lost_ends_when_it_is_back(shift: Shift, cable: Cable) -> None:
    await shift.asks("log-in")
    await shift.talks()
    await shift.until_shown(SUPPORT, "paused:wrap-up")
    await cable.cut()
    await shift.house.until_ready_is(503)
    assert (await shift.presence())["silent_pbxs"] == ["main"]
    assert await shift.asks("pause", reason="training") == 409  # refused, and never done later
    assert await shift.asks("resume") == 409  # the PBX can't be told, but the wrap-up is over
    await cable.lay()
    await shift.house.until_ready_is(200)
    for queue in (SUPPORT, SALES):
        await shift.until_shown(queue, "!paused")
    assert shift.house.query("SELECT ended_how FROM wrap_up") == [("agent",)]


@pytest.mark.parametrize("wrap_up_seconds", [5])
async def test_a_wrap_up_ends_with_its_time(shift: Shift) -> None:
    await shift.asks("log-in")
    await shift.talks()
    await shift.until_shown(SUPPORT, "paused:wrap-up")
    await shift.until_shown(SUPPORT, "!paused")
    assert shift.house.query("SELECT ended_how FROM wrap_up") == [("time",)]


async def test_a_member_of_the_pbxs_own_configuration_can_pause_but_not_log_out(shift: Shift) -> None:
    etc = shift.desk.pbx.home / "etc" / "queues.conf"
    before = etc.read_text()
    name = f"[{SUPPORT}]"
    assert name in before
    head, _, tail = before.partition(name)
    line, _, rest = tail.partition("\n")
    etc.write_text(f"{head}{name}{line}\nmember => {ANNA}\n{rest}")
    try:
        await shift.desk.pbx.rx("queue reload all")
        await shift.until_shown(SUPPORT, "!dynamic")
        await shift.house.stop()  # it would see within a minute, since no event tells
        await shift.house.start()
        await shift.until(lambda presence: [each["dynamic"] for each in presence["queues"]] == [False])
        assert await shift.asks("log-out") == 409
        assert await shift.asks("pause", reason="lunch") == 303
        await shift.until_shown(SUPPORT, "paused:lunch")
        assert await shift.asks("resume") == 303
    finally:
        etc.write_text(before)
        await shift.desk.pbx.rx("queue reload all")
