"""What troubled houses need: a cable to Asterisk that can be cut, a judge of any database, and what the log said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aiohttp import ClientSession, CookieJar

from daemon.demo.desks import Caller, Desk
from daemon.demo.house import House

SAMPLE = Path(__file__).parents[2] / "config"
DEADLINE = 20.0
ORDERS = (
    "SELECT c.uniqueid, c.reason FROM work_order o JOIN missed_call m ON m.item_id = o.missed_item_id"
    " JOIN call c ON c.id = m.call_id ORDER BY c.uniqueid"
)
CALLS = "SELECT uniqueid, reason FROM call ORDER BY uniqueid"
GAPS = "SELECT explained, note FROM gap ORDER BY id"

Entry = Mapping[str, Any]
Truth = tuple[str, str]


@dataclass(slots=True)
class Outpost(House):
    """A house whose configuration can be changed, and whose database may be PostgreSQL."""

    def furnish(self) -> None:
        """Write the configuration; a silent link is asked every second, so that queue_log is believed sooner."""
        House.furnish(self)
        self.with_pbx(ping_interval=1)

    def change(self, old: str, new: str, file: str = "workorderd.yaml") -> None:
        """Replace what must be there."""
        path = self.config / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def with_pbx(self, **keys: object) -> None:
        """Set keys of the PBX."""
        path = self.config / "workorderd.yaml"
        text = path.read_text()
        for key, value in keys.items():
            text = re.sub(rf"(?m)^    {key}: .*\n", "", text)
            text = text.replace("    team: acme\n", f"    team: acme\n    {key}: {value}\n")
        path.write_text(text)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read either database from outside."""
        if not self.database.startswith("postgresql"):
            return House.query(self, sql)
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, _ask(self.database, sql)).result()

    def said(self, event: str) -> list[Entry]:
        """What the log has of this event."""
        whole, _, _ = self.log.read_text().rpartition("\n")  # the last line may just be written
        entries = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]

    async def until_said(self, event: str, times: int = 1, seconds: float = DEADLINE) -> list[Entry]:
        """Wait until the log has it so often."""
        await until(lambda: len(self.said(event)) >= times, seconds, lambda: self.log.read_text()[-3000:])
        return self.said(event)

    async def launch(self) -> None:
        """Start the daemon without waiting for anything."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "daemon", "run", "--config", str(self.config), stdout=log, stderr=log
            )

    async def command(self, name: str, *arguments: str) -> str:
        """Run `workorderd` with a command on this configuration, which must end well; what it says."""
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "daemon", name, *arguments, "--config", str(self.config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await running.communicate()
        assert running.returncode == 0, said.decode()
        return said.decode()

    async def exit_code(self, seconds: float = DEADLINE) -> int:
        """Wait until it ends."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), seconds)

    async def readiness(self) -> tuple[int, list[str]]:
        """What /readyz says."""
        async with ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
            return answer.status, (await answer.json())["reasons"]

    async def until_ready_is(self, status: int, seconds: float = DEADLINE) -> list[str]:
        """Wait until /readyz has this status; its reasons."""
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(OSError):
                    found, reasons = await self.readiness()
                    if found == status:
                        return reasons
                await asyncio.sleep(0.05)

    async def caught_up(self) -> None:
        """Wait until every row of queue_log has been read, and no call is open."""
        await self.until("SELECT count(*) FROM call WHERE state <> 'ended'", [(0,)], 30)
        await until(
            lambda: self.query("SELECT position FROM queue_log_cursor") == [(self.pbx.queue_log.stat().st_size,)],
            DEADLINE,
            lambda: str(self.query("SELECT * FROM queue_log_cursor")),
        )

    @contextlib.asynccontextmanager
    async def browser(self, username: str = "boss") -> AsyncIterator[ClientSession]:
        """Somebody who is logged in."""
        async with ClientSession(self.url, cookie_jar=CookieJar(unsafe=True)) as session:
            form = {"username": username, "password": "demo", "next": "/"}
            async with session.post("/login", data=form, allow_redirects=False) as answer:
                assert answer.status == 303
            yield session

    async def page(self, path: str, username: str = "boss") -> str:
        """What somebody sees there."""
        async with self.browser(username) as session, session.get(path) as answer:
            assert answer.status == 200
            return await answer.text()


async def until(holds: Callable[[], bool], seconds: float, instead: Callable[[], str]) -> None:
    """Wait until it holds; else fail with what is instead."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, instead()
        await asyncio.sleep(0.05)


async def _ask(database: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def somebody_waits(desk: Desk, **how: Any) -> Caller:
    """A caller in support, heard by queue_log."""
    caller = await desk.call(desk.queue("support"), **how)
    await caller.joined(desk.queue("support"))
    return caller


async def somebody_gives_up(desk: Desk, **how: Any) -> Caller:
    """A caller who waits in support and hangs up."""
    caller = await somebody_waits(desk, **how)
    await caller.hang_up()
    return caller


async def somebody_is_answered(desk: Desk) -> Caller:
    """A caller in sales who talks to an agent for a moment."""
    await desk.staff("sales", talk=1)
    caller = await desk.call(desk.queue("sales"))
    await caller.connected()
    await caller.gone()
    await desk.clear()
    return caller


def orders_of(*callers: Caller, reason: str = "abandoned") -> list[Truth]:
    """What ORDERS gives when these have one each."""
    return sorted((caller.uniqueid, reason) for caller in callers)


class Cable:
    """Loopback TCP between the daemon and Asterisk, that can be cut, or go dead while both ends think it lives."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.connections = 0

    async def lay(self) -> None:
        """Listen; the port stays the same."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Both ends are told, and nobody can connect."""
        assert self._server is not None
        self._server.close()
        self._hang_up()

    def go_dead(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._flowing.clear()

    def revive(self) -> None:
        """What is connected dies; new connections pass."""
        self._hang_up()
        self._flowing.set()

    async def remove(self) -> None:
        """No more cable."""
        await self.cut()
        self._flowing.set()

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        await self._flowing.wait()
        there, onward = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers.add(onward)
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(reader, onward))
            pumps.create_task(self._pump(there, writer))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                target.write(data)
                await target.drain()
        target.close()
