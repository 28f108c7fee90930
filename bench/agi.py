"""FastAGI: conversations a second and how long each takes with 200 calls at once, beside panoramisk and pystrix.

What the servers say is the same (`agi_servers.py`); each is a process of its own, asked in turn. Then `caller` as it
ships: the daemon with 100,000 customers, who are looked up; first as many at once as above, then as calls come.
"""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.measure import Figure, at_least, at_most, quantile
from bench.orders import NOW
from bench.servers import BenchError, furnished, running
from daemon.demo.asterisk import free_port

AT_ONCE, CALLS, ROUNDS = 200, 2000, 3
CUSTOMERS = 100_000
ARRIVALS, ARRIVING = 50.0, 500  # calls a second, and how many
LIMIT = 50.0  # milliseconds
COMMANDS = 5
CONTESTANTS = ("ours", "stock", "pystrix")
# of their rate: deadlines, limits and checks, which they lack, may cost the rest
SHARE = {"stock": 0.75, "pystrix": 0.9}

Numbers = Callable[[], str]
ALIKE, SHIPPED = "caller", "caller?pbx=main&queue=support"  # panoramisk finds no script that has a query


@dataclass(frozen=True, slots=True)
class Asked:
    """Conversations a second, and how long each took in milliseconds."""

    rate: float
    took: tuple[float, ...]

    @property
    def p99(self) -> float:
        return quantile(self.took, 0.99)


def figures() -> Iterator[Figure]:
    """Rates and waiting times. About a minute."""
    rounds: dict[str, list[Asked]] = {name: [] for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name in CONTESTANTS:
            with peer(name) as port:
                rounds[name].append(asyncio.run(at_once(port, ALIKE, lambda: "03012345678")))
    rate = {name: statistics.median(each.rate for each in asked) for name, asked in rounds.items()}
    p99 = {name: statistics.median(each.p99 for each in asked) for name, asked in rounds.items()}
    for name in CONTESTANTS:
        yield Figure(f"agi: {name}, conversations", rate[name], "/s", against=f"{AT_ONCE} at once, {COMMANDS} commands")
        yield Figure(f"agi: {name}, p99", p99[name], "ms", against=f"{AT_ONCE} at once")
    for name, share in SHARE.items():
        yield at_least(f"agi: rate against {name}", rate["ours"] / rate[name], "times", share, "the same words")
        yield at_most(f"agi: p99 against {name}", p99["ours"] / p99[name], "times", 1 / share, "the same words")
    yield from shipped()


def shipped() -> Iterator[Figure]:
    """`caller` of the daemon, which looks for the customer, his orders and who spoke with him."""
    with tempfile.TemporaryDirectory() as name:
        house = furnished(Path(name) / "house", "")
        port, text = free_port(), (house.config / "workorderd.yaml").read_text()
        text = re.sub(r"(?m)^agi:\n(  .*\n)+", "", text) + f"agi:\n  port: {port}\n"
        (house.config / "workorderd.yaml").write_text(text)
        with running(house):
            pass  # it makes the tables and mirrors the configuration
        _customers(house.sqlite)
        dice = random.Random(1)
        with running(house):
            asyncio.run(at_once(port, SHIPPED, lambda: _number(dice.randrange(CUSTOMERS)), 400))
            asked = asyncio.run(at_once(port, SHIPPED, lambda: _number(dice.randrange(CUSTOMERS))))
            yield Figure("agi: caller as it ships", asked.rate, "/s", against=f"{CUSTOMERS:,} customers")
            yield Figure("agi: caller as it ships, p99", asked.p99, "ms", against=f"{AT_ONCE} at once")
            came = asyncio.run(as_they_come(port, lambda: _number(dice.randrange(CUSTOMERS))))
            against = f"{ARRIVALS:g} calls a second, {CUSTOMERS:,} customers"
            yield at_most("agi: caller as calls come, p99", came.p99, "ms", LIMIT, against)


@contextmanager
def peer(name: str) -> Iterator[int]:
    """A server of that name; its port. Raises BenchError."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "bench.agi_servers", name, str(port)]) as process:
        try:
            asyncio.run(_answering(port, name))
            yield port
        finally:
            process.terminate()
            process.wait()


async def _answering(port: int, name: str) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            await conversation(port, ALIKE, "03012345678")
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return
    raise BenchError(f"{name} does not answer")


async def at_once(port: int, script: str, number: Numbers, calls: int = CALLS) -> Asked:
    """So many calls, AT_ONCE of them at any time."""
    took: list[float] = []
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            took.append(await conversation(port, script, number()))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(AT_ONCE):
            callers.create_task(caller())
    return Asked(calls / (time.perf_counter() - began), tuple(took))


async def as_they_come(port: int, number: Numbers) -> Asked:
    """ARRIVING calls, at random moments, ARRIVALS a second on average."""
    took: list[float] = []
    dice = random.Random(2)

    async def caller() -> None:
        took.append(await conversation(port, SHIPPED, number()))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(ARRIVING):
            await asyncio.sleep(dice.expovariate(ARRIVALS))
            callers.create_task(caller())
    return Asked(ARRIVING / (time.perf_counter() - began), tuple(took))


async def conversation(port: int, script: str, number: str) -> float:
    """As res_agi has it: tell the variables, say yes to every command; milliseconds until the other side is done."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(VARIABLES.format(script=script, number=number).encode())
    commands = 0
    while await reader.readline():
        commands += 1
        writer.write(b"200 result=1\n")
    writer.close()
    if not commands:
        raise BenchError("the server said nothing")
    return (time.perf_counter() - began) * 1e3


VARIABLES = """agi_network: yes
agi_network_script: {script}
agi_request: agi://127.0.0.1/{script}
agi_channel: PJSIP/trunk-00000001
agi_language: en
agi_type: PJSIP
agi_uniqueid: main-1790000000.1
agi_version: 22.10.1
agi_callerid: {number}
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 500
agi_rdnis: unknown
agi_context: from-outside
agi_extension: 500
agi_priority: 1
agi_enhanced: 0.0
agi_accountcode:
agi_threadid: 140000000000000

"""


def _number(n: int) -> str:
    return f"+4930{n:08}"


def _customers(path: Path) -> None:
    sqlite3.register_adapter(datetime, lambda at: at.replace(tzinfo=None).isoformat(" ", "microseconds"))
    base = sqlite3.connect(path)
    base.execute("PRAGMA synchronous=OFF")
    acme = base.execute("SELECT id FROM team WHERE name = 'acme'").fetchone()[0]
    people = ((n, acme, f"Customer {n}", f"customer {n}", NOW) for n in range(1, CUSTOMERS + 1))
    base.executemany(
        "INSERT INTO customer (id, team_id, kind, name, name_key, address, note, created_at, version)"
        " VALUES (?, ?, 'individual', ?, ?, '', '', ?, 1)",
        people,
    )
    numbers = ((acme, n + 1, _number(n), _number(n), _number(n)[-8:]) for n in range(CUSTOMERS))
    base.executemany(
        "INSERT INTO customer_number (team_id, customer_id, raw, e164, tail) VALUES (?, ?, ?, ?, ?)", numbers
    )
    base.commit()
    base.execute("ANALYZE")
    base.commit()
    base.close()
