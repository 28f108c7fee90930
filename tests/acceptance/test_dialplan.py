"""Asterisk's side as `workorderd dialplan` writes it: loaded without a warning, asking us, and going on without us."""

from __future__ import annotations

from collections.abc import AsyncIterator
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


@pytest.fixture(params=["22", "16"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    version: Version = request.param
    async with PrivateAsterisk(version) as pbx, await Wire.to(pbx) as wire:
        house = Outpost(tmp_path, SAMPLE, pbx, [queue_name("support", 0), queue_name("full", 0)])
        house.furnish()
        secret = house.config / "secrets" / "agi"
        secret.touch(mode=0o600)
        secret.write_text("sesam\n")
        with (house.config / "workorderd.yaml").open("a") as conf:
            conf.write(f"agi: {{host: 127.0.0.1, port: {free_port()}, secret: {{file: secrets/agi}}}}\n")
        desk = Desk(wire, pbx)
        yield Office(pbx, house, desk)
        await desk.clear()
        if house.process is not None and house.process.returncode is None:
            assert await house.stop() == 0


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
