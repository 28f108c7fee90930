"""Asterisk's side as `workorderd dialplan` writes it: loaded without a warning, asking us, and going on without us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from daemon.demo.asterisk import PrivateAsterisk, Version, free_port, queue_name
from daemon.demo.desks import Caller, Desk
from daemon.demo.wire import Wire
from tests.acceptance.rig import CALLS, ORDERS, SAMPLE, Outpost, orders_of

pytestmark = pytest.mark.asterisk
OWNER_NUMBER = "03023125117"


class Office:
    """An Asterisk with our dialplan, and the house that it asks."""

    def __init__(self, pbx: PrivateAsterisk, house: Outpost, desk: Desk) -> None:
        self.pbx = pbx
        self.house = house
        self.desk = desk

    def furnish(self) -> None:
        """Configure the house, with FastAGI."""
        self.house.furnish()
        secret = self.house.config / "secrets" / "agi"
        secret.touch(mode=0o600)
        secret.write_text("sesam\n")
        with (self.house.config / "workorderd.yaml").open("a") as conf:
            conf.write(f"agi: {{host: 127.0.0.1, port: {free_port()}, secret: {{file: secrets/agi}}}}\n")

    async def install(self) -> str:
        """Write the files, include them, and give what Asterisk had to say about them."""
        etc, quiet = self.pbx.home / "etc", self.pbx.messages_log
        said = quiet.stat().st_size if quiet.exists() else 0
        await self.house.command("dialplan", str(etc))
        manager = (etc / "manager_workorderd.conf").read_text()
        (etc / "manager_workorderd.conf").write_text(manager.replace("[workorderd]", "[workorderd-written]"))
        with (etc / "manager.conf").open("a") as conf:
            conf.write('\n#include "manager_workorderd.conf"\n')
        await self.pbx.rx("dialplan reload")
        await self.pbx.rx("manager reload")
        return quiet.read_text()[said:] if quiet.exists() else ""

    async def calls(self, queue: str, number: str = OWNER_NUMBER, seconds: str = "") -> Caller:
        """A caller whose dialplan goes through our wrapper."""
        variables = {"CALLER_NUMBER": number, "QUEUE": queue, "TIMEOUT": seconds}
        return await self.desk.dial("wrapped@queues", number, {k: v for k, v in variables.items() if v})

    async def alive(self) -> None:
        """Wait until the PBX has heard that we live."""
        await until_shown(self.pbx)


async def until_shown(pbx: PrivateAsterisk) -> None:
    shown = ""
    while "alive" not in shown:
        shown = await pbx.rx("database show workorderd")


@pytest.fixture(scope="module", params=["22", "16"])
def switch(request: pytest.FixtureRequest) -> Iterator[PrivateAsterisk]:
    """An Asterisk of each version, never stopped."""
    version: Version = request.param
    started = PrivateAsterisk(version)
    asyncio.run(started.__aenter__())
    yield started
    asyncio.run(started.__aexit__(None, None, None))


@pytest.fixture
async def office(switch: PrivateAsterisk, tmp_path: Path) -> AsyncIterator[Office]:
    manager = switch.home / "etc" / "manager.conf"
    before = manager.read_text()
    async with await Wire.to(switch) as wire:
        house = Outpost(tmp_path, SAMPLE, switch, [queue_name("support", 0), queue_name("full", 0)])
        opened = Office(switch, house, Desk(wire, switch))
        opened.furnish()
        yield opened
        if house.process is not None and house.process.returncode is None:
            assert await house.stop() == 0
    manager.write_text(before)
    (switch.home / "etc" / "extensions_workorderd.conf").unlink(missing_ok=True)
    for command in (
        "manager reload",
        "dialplan reload",
        "database deltree workorderd",
        "database deltree workorderd-missed",
    ):
        await switch.rx(command)


async def variable(caller: Caller, name: str) -> str:
    answer = await caller.wire.do("Getvar", Channel=caller.channel, Variable=name)
    return answer["Value"]


async def test_it_loads_without_a_warning_and_a_known_caller_is_named(office: Office) -> None:
    assert await office.install() == ""
    (office.house.folder / "customers.csv").write_text(f"name,phone\nLieschen Müller,{OWNER_NUMBER}\n")
    await office.house.start()
    await office.house.command(
        "import-customers", str(office.house.folder / "customers.csv"), "--team", "acme", "--kind", "individual"
    )
    await office.alive()
    caller = await office.calls("support")
    await caller.joined("support")
    assert await variable(caller, "WORKORDERD_STATUS") == "known"
    assert await variable(caller, "CALLERID(name)") == "Lieschen Müller"
    await caller.hang_up()
    await office.house.until(ORDERS, orders_of(caller))
    again = await office.calls("support")
    await again.joined("support")
    assert (await variable(again, "WORKORDERD_ORDERS")).startswith("#1-")
    await again.hang_up()


async def test_a_call_goes_on_when_nobody_answers_and_none_waits_for_who_is_gone(office: Office) -> None:
    await office.install()
    caller = await office.calls("support")
    await caller.joined("support")
    assert await variable(caller, "WORKORDERD_STATUS") == "unavailable"
    await caller.hang_up()


async def test_without_class_dialplan_who_was_refused_or_timed_out_is_told_by_the_dialplan(office: Office) -> None:
    await office.install()
    conf = office.pbx.home / "etc" / "manager.conf"
    conf.write_text(conf.read_text().replace("read = system,call,agent,user,dialplan", "read = system,call,agent,user"))
    await office.pbx.rx("manager reload")
    await office.house.start()
    await office.alive()
    waits = await office.calls("full", "03023125118")
    await waits.joined("full")
    refused = await office.calls("full", "03023125119")
    await refused.gone()
    late = await office.calls("support", "03023125120", seconds="1")
    await late.gone()
    await waits.hang_up()
    expected = sorted([(waits.uniqueid, "abandoned"), (refused.uniqueid, "full"), (late.uniqueid, "timeout")])
    await office.house.until(CALLS, expected)


@pytest.mark.parametrize("with_queue_log", [False, True])
async def test_who_gave_up_while_nobody_listened_is_in_the_mailbox_and_has_one_order(
    office: Office, with_queue_log: bool
) -> None:
    office.house.with_queue_log = with_queue_log
    office.furnish()
    await office.install()
    await office.house.start()
    await office.alive()
    seen = await office.calls("support", "03023125117")
    await seen.joined("support")
    await seen.hang_up()
    await office.house.until(ORDERS, orders_of(seen))
    await office.house.kill()
    unseen = [await office.calls("support", f"0302312512{n}") for n in range(3)]
    for caller in unseen:
        await caller.joined("support")
        await caller.hang_up()
    await office.house.start()
    await office.house.until(ORDERS, orders_of(seen, *unseen))
    await until_empty(office.pbx)
    assert office.house.query(CALLS) == orders_of(seen, *unseen)


async def until_empty(pbx: PrivateAsterisk) -> None:
    shown = "|"
    while "|" in shown:
        shown = await pbx.rx("database show workorderd-missed")
