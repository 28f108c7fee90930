"""A bad configuration, secret, name or visitor is told once and clearly, and costs no call."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
from pathlib import Path

import pytest

from daemon.demo.desks import Desk
from tests.acceptance.rig import CALLS, DEADLINE, ORDERS, Cable, Outpost, orders_of, somebody_gives_up, until
from tests.integration.ami.scripted import Headers, ScriptedAsterisk, answer, frame

pytestmark = pytest.mark.asterisk

PLACE = re.compile(r"(?m)^\S+/config/\S+\.yaml:\d+:\d+: \S")


# --- the configuration ------------------------------------------------------------------------------------------------


def garble_values(house: Outpost) -> int:
    """The number of mistakes."""
    house.change("port: " + str(house.http_port), "port: 99999999")
    house.change("backoff_max: 1", "backoff_max: never\n    colour: blue")
    house.change("module: support_desk", "module: nowhere", "queues.yaml")
    return 3


def garble_yaml(house: Outpost) -> int:
    (house.config / "queues.yaml").write_text("queues: [\n")
    return 1


def garble_bytes(house: Outpost) -> int:
    (house.config / "teams.yaml").write_bytes(b"teams: \xff\xfe\x00")
    return 1


def take_away(house: Outpost) -> int:
    (house.config / "teams.yaml").unlink()
    return 1


def put_a_folder(house: Outpost) -> int:
    (house.config / "queues.yaml").unlink()
    (house.config / "queues.yaml").mkdir()
    return 1


GARBLINGS = [garble_values, garble_yaml, garble_bytes, take_away, put_a_folder]


@pytest.mark.parametrize("garble", GARBLINGS, ids=lambda garble: garble.__name__)
async def test_a_bad_configuration_ends_the_start_with_every_place(house: Outpost, garble: object) -> None:
    assert callable(garble)
    mistakes = garble(house)
    await house.launch()
    assert await house.exit_code() == 1
    said = house.log.read_text()
    assert len(PLACE.findall(said)) >= mistakes, said
    assert "Traceback" not in said


async def test_a_bad_configuration_is_refused_while_it_runs_and_a_good_one_applied(house: Outpost, desk: Desk) -> None:
    await house.start()
    assert house.process is not None
    for times, garble in enumerate(GARBLINGS, 1):
        good = {path: path.read_text() for path in house.config.glob("*.yaml")}
        garble(house)
        house.process.send_signal(signal.SIGHUP)
        await house.until_said("config_refused", times)
        with contextlib.suppress(FileNotFoundError, OSError):
            (house.config / "queues.yaml").rmdir()
        for path, text in good.items():
            path.write_text(text)
    assert all(PLACE.match(entry["problem"]) for entry in house.said("config_problem"))
    first = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(first))
    house.change("name: support\n    module: support_desk", "name: support\n    module: sales_desk", "queues.yaml")
    text = (house.config / "queues.yaml").read_text()
    (house.config / "queues.yaml").write_text(text.replace("group: support,", "group: sales,"))
    house.process.send_signal(signal.SIGHUP)
    await house.until_said("config_reloaded")
    second = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(first, second))
    groups = "SELECT g.name FROM work_order o JOIN agent_group g ON g.id = o.group_id ORDER BY o.id"
    assert house.query(groups) == [("support",), ("sales",)]


async def test_a_wrong_secret_is_said_once_and_mended_by_a_restart(house: Outpost, cable: Cable, desk: Desk) -> None:
    secret = house.config / "secrets" / "ami"
    right = secret.read_text()
    secret.write_text("wrong\n")
    house.with_pbx(backoff_max="0.05")
    await house.launch()
    await house.until_said("ami_login_refused")
    tries = cable.connections
    await until(lambda: cable.connections >= tries + 3, DEADLINE, lambda: "it tries no more")
    reasons = await house.until_ready_is(503)
    assert any("main" in reason and "uthentication" in reason for reason in reasons), reasons
    assert len(house.said("ami_login_refused")) == 1
    assert house.said("ami_login_refused")[0]["level"] == "error"
    assert not house.said("ami_link_down")
    secret.write_text(right)
    assert await house.stop() == 0
    await house.start()
    caller = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(caller))


# --- calls ------------------------------------------------------------------------------------------------------------


async def test_a_call_into_a_queue_that_no_configuration_knows_is_listed_without_an_order(
    house: Outpost, desk: Desk
) -> None:
    house.queues = ["support"]
    house.furnish()
    await house.start()
    caller = await desk.call(desk.queue("sales"))
    await caller.joined(desk.queue("sales"))
    await caller.hang_up()
    await house.until("SELECT uniqueid, reason, listing FROM call", [(caller.uniqueid, "abandoned", "unknown_queue")])
    assert house.query("SELECT count(*) FROM work_order") == [(0,)]
    page = await house.page("/missed-calls")
    assert caller.number.removeprefix("0")[-3:] in page
    assert "queue is in no configuration" in page


SCRIPT = b"<script>alert('x')</script>"
NAMES = {
    "html": SCRIPT,
    "quotes": b'O\\\'Brien \\"Zo\xc3\xab\\" & {{ 7*7 }} %s ${QUEUE}',
    "latin": b"M\xfcller \xff\xfe",
    "endless": b"long " * 12_000,
}


def _channels(asked: Headers) -> bytes:
    end = frame("Event: CoreShowChannelsComplete", f"ActionID: {asked['ActionID']}", "EventList: Complete")
    return answer(asked, "EventList: start", "Message: Channels will follow") + end


def _call(uniqueid: str, number: str, name: bytes) -> bytes:
    """A caller waits and gives up."""
    tail = b"Uniqueid: %b\r\nLinkedid: %b\r\n" % (uniqueid.encode(), uniqueid.encode())
    who = b"CallerIDNum: %b\r\nCallerIDName: %b\r\n" % (number.encode(), name)
    queue = b"Queue: support\r\nPosition: 1\r\n"
    return b"".join(
        (
            b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\n" + who + queue + tail + b"\r\n",
            b"Event: HangupRequest\r\nPrivilege: call,all\r\n" + who + tail + b"\r\n",
            b"Event: QueueCallerAbandon\r\nPrivilege: agent,all\r\n" + who + queue + tail + b"\r\n",
            b"Event: QueueCallerLeave\r\nPrivilege: agent,all\r\n" + who + queue + tail + b"\r\n",
            b"Event: Hangup\r\nPrivilege: call,all\r\n" + who + b"Cause: 16\r\n" + tail + b"\r\n",
        )
    )


async def test_a_hostile_name_is_text_everywhere(house: Outpost) -> None:
    asterisk = ScriptedAsterisk(CoreShowChannels=_channels)
    await asterisk.start()
    try:
        house.with_pbx(port=asterisk.port, queue_log="null")
        await house.start()
        peer = await asterisk.peer()
        for n, name in enumerate(NAMES.values()):
            peer.send(_call(f"1700000000.{n}", f"0302312500{n}", name))
        await house.until(ORDERS, [(f"1700000000.{n}", "abandoned") for n in range(len(NAMES))])
        stored = [name for (name,) in house.query("SELECT name FROM call ORDER BY uniqueid")]
        assert stored[0] == SCRIPT.decode()
        assert stored[1] == 'O\'Brien "Zoë" & {{ 7*7 }} %s ${QUEUE}'
        assert stored[2].startswith("M")
        assert stored[3].startswith("long long")
        assert len(stored[3]) <= 255
        for path in ("/missed-calls", "/work-orders"):
            page = await house.page(path)
            assert "<script>alert" not in page
            assert "{{ 7*7 }}" in page or path == "/work-orders"
        assert "&lt;script&gt;alert" in await house.page("/missed-calls")
    finally:
        await house.stop()
        await asterisk.stop()


# --- ports and signals ------------------------------------------------------------------------------------------------


async def ports_of(pid: int) -> list[int]:
    """The TCP ports on which a process listens, by its sockets in /proc."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(fd.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[9] in inodes]


async def knock(port: int, said: bytes) -> None:
    """Connect, say it, and go."""
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        await asyncio.wait_for(writer.drain(), 5)
        writer.transport.abort()


async def test_a_port_scan_hurts_nobody(house: Outpost, desk: Desk) -> None:
    await house.start()
    assert house.process is not None
    ports = await ports_of(house.process.pid)
    assert house.http_port in ports
    visits = [
        b"",
        b"\x00\xff" * 500,
        b"GET /missed-calls HTTP/1.1\r\nHost: x\r\n",
        b"x" * 1_000_000,
        b"\x16\x03\x01\x02\x00",
    ]
    for port in ports:
        await asyncio.gather(*(knock(port, said) for said in visits * 10))
    assert (await house.readiness())[0] == 200
    caller = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(caller))
    assert "Traceback" not in house.log.read_text()
    assert house.said("http_listening")


async def test_a_taken_port_ends_the_start_with_one_clear_line(house: Outpost) -> None:
    with socket.create_server(("127.0.0.1", house.http_port)):
        await house.launch()
        assert await house.exit_code() == 1
    said = [line for line in house.log.read_text().splitlines() if not line.startswith("{")]
    assert said == [f"http: can't listen on 127.0.0.1:{house.http_port}: Address already in use"] or len(said) == 1, (
        said
    )
    assert str(house.http_port) in said[0]


async def test_sigterm_ends_it_at_once_though_pages_are_open(house: Outpost) -> None:
    await house.start()
    async with contextlib.AsyncExitStack() as stack:
        streams = []
        for _ in range(3):
            session = await stack.enter_async_context(house.browser())
            streams.append(await stack.enter_async_context(session.get("/live")))
            assert await streams[-1].content.readline()
        assert await house.stop() == 0
        for stream in streams:
            await stream.content.read()  # raises unless it was ended by the daemon, before it would have been cut off
    assert "Traceback" not in house.log.read_text()
    assert house.query(CALLS) == []
