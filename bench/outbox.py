"""The outbox: 20,000 notifications through kill -9, an unreliable receiver and an unreliable mail server, and what dead
receivers cost.

The daemon as it ships, on SQLite (synchronous=FULL). The receiver of webhooks verifies each by the independent library,
answers 5 % by 500, leaves 1 % hanging and cuts 1 % off; the mail server does the like at any step of the dialogue.
Orders are created and begun over HTTP while the daemon is killed every few seconds and started again. Then orders are
created one after the other: without webhooks, with three receivers that are well, and with three that are dead: one
where nobody listens, one that hangs, one that answers 500.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from bench.measure import Figure, at_least, at_most, quantile
from bench.receiver import SECRET, Receiver, config_of, receiving
from bench.servers import furnished
from daemon.demo.house import House
from tests.integration.outbox.mail_server import MailServer, Trouble, serving

NOTIFICATIONS = 20_000
READER = "reader@example.com"
BETWEEN_KILLS = 6.0  # seconds
AT_A_TIME = 8
CREATED = 400
ROWS = "six more rows for each order; well receivers also take processor time from the client"
PATIENCE = (5, 360)  # as the program ships: seconds, minutes
ROUNDS = 3
BODY = {
    "template": 2,
    "title": "The headset crackles",
    "description": "Since Monday, on every call.",
    "fields": {"product": "Headset 300", "severity": "high"},
}


def figures() -> Iterator[Figure]:
    """All arrived, in order; memory; and the price of dead receivers. Under ten minutes."""
    with tempfile.TemporaryDirectory() as name:
        yield from asyncio.run(_proof(Path(name) / "proof"))
    with tempfile.TemporaryDirectory() as name:
        yield from asyncio.run(_dead(Path(name)))


# --- the daemon ----------------------------------------------------------------------------------------------------


def _house(folder: Path, urls: dict[str, str], *patience: float) -> House:
    house = furnished(folder, "")
    hook = house.config / "secrets" / "hook"
    hook.touch(mode=0o600)
    hook.write_text(SECRET + "\n")
    main = house.config / "workorderd.yaml"
    main.write_text(main.read_text() + (config_of(urls, *patience) if urls else ""))
    return house


async def _launch(house: House) -> asyncio.subprocess.Process:
    with house.log.open("ab") as log:
        command = (sys.executable, "-m", "daemon", "run", "--config", str(house.config))
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    async with asyncio.timeout(60), ClientSession() as session:
        while True:
            try:
                async with session.get(f"{house.url}/healthz"):
                    return process
            except ClientError:
                await asyncio.sleep(0.05)


def _token(house: House) -> str:
    scopes = ["--scope", "orders:write", "--scope", "orders:read", "--scope", "reference:read"]
    words = ["token", "create", "--name", "bench", "--team", "acme", "--agent", "1000", *scopes]
    command = [sys.executable, "-m", "daemon", *words, "--config", str(house.config)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _asked(house: House, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(house.sqlite, timeout=30)) as database:
        return database.execute(sql).fetchall()


def _resident(pid: int) -> float:
    """MB (proc(5), statm)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


@asynccontextmanager
async def _api(house: House) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {await asyncio.to_thread(_token, house)}"}
    async with ClientSession(f"{house.url}/api/v1/", headers=headers, timeout=ClientTimeout(total=20)) as session:
        async with session.get("groups") as answer:
            groups = (await answer.json())["items"]
        BODY["group"] = next(each["id"] for each in groups if each["name"] == "support")
        yield session


# --- nothing is lost -----------------------------------------------------------------------------------------------


MAIL = """
mail:
  host: 127.0.0.1
  port: {port}
  security: none
  sender: Service desk <desk@example.com>
  per_minute: 100000
"""


def _mischief(dice: random.Random) -> Callable[[str, int, str], Trouble | None]:
    """What goes wrong at a step of the dialogue with the mail server: 1 % is cut off, 1 % refused, 0.1 % hangs."""

    def trouble(_step: str, _n: int, _text: str) -> Trouble | None:
        roll = dice.randrange(1000)
        return "cut" if roll < 10 else "refuse" if roll < 20 else "hang" if roll < 21 else None

    return trouble


async def _proof(folder: Path) -> list[Figure]:
    kills, memory = 0, list[float]()
    post = MailServer(trouble=_mischief(random.Random(12)))
    async with receiving(Receiver(trouble=(5, 1, 1))) as receiver, serving(post):
        house = _house(folder, {name: f"{receiver.url}/{name}" for name in ("crm", "desk")})
        main = house.config / "workorderd.yaml"
        main.write_text(main.read_text() + MAIL.format(port=post.port))
        daemon = await _launch(house)
        began = time.perf_counter()
        async with _api(house) as session:
            await _create(session, iter((0,)))
            orders = NOTIFICATIONS // _asked(house, "SELECT count(*) FROM outbox")[0][0] + 1
            shares = (range(1 + n, orders, AT_A_TIME) for n in range(AT_A_TIME))
            creating = asyncio.gather(*(_create(session, iter(share)) for share in shares))
            while True:
                await asyncio.sleep(BETWEEN_KILLS)
                memory.append(_resident(daemon.pid))
                if creating.done() and _left(house) == 0:
                    break
                os.kill(daemon.pid, signal.SIGKILL)
                await daemon.wait()
                kills += 1
                daemon = await _launch(house)
            await creating
        seconds = time.perf_counter() - began
        sent = _asked(house, "SELECT channel, endpoint, line, message_id FROM outbox ORDER BY id")
        daemon.terminate()
        await daemon.wait()
    wanted: dict[str, list[str]] = defaultdict(list)
    line_of: dict[str, str] = {}
    for channel, endpoint, line, id_ in sent:
        line_of[id_] = line if channel == "mail" else f"/{endpoint} {line.removeprefix('order:')}"
        wanted[line_of[id_]].append(id_)
    came = defaultdict(list, receiver.lines)
    read = [str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in post.mails]
    for id_ in dict.fromkeys(read):
        came[line_of[id_]].append(id_)
    total = sum(map(len, wanted.values()))
    lost = sum(len(set(ids) - set(came[line])) for line, ids in wanted.items())
    wrong = sum(came[line] != ids for line, ids in wanted.items()) if not lost else -1
    again = receiver.again + len(read) - len(set(read))
    told = f"{len(set(read))} of them mails; {kills} kills; {again} came twice under the same id"
    return [
        at_least("outbox: notifications", total, "messages", NOTIFICATIONS, told),
        at_most("outbox: lost", lost, "messages", 0, f"{seconds:.0f} s with all deaths"),
        at_most("outbox: orders with a message out of order", wrong, "orders", 0),
        at_most("outbox: the same id with another body", len(receiver.faults), "messages", 0),
        at_most(
            "outbox: memory, greatest of all lives by first",
            max(memory) / memory[0],
            "times",
            1.25,
            f"{max(memory):.0f} MB",
        ),
    ]


def _left(house: House) -> int:
    return int(_asked(house, "SELECT count(*) FROM outbox WHERE state <> 'delivered'")[0][0])


async def _create(session: ClientSession, numbers: Iterator[int]) -> None:
    """Orders, each made and begun once, whoever dies meanwhile; each step tells two receivers, and one reader."""
    for n in numbers:
        key = {"Idempotency-Key": f"proof-{n}"}
        order = await _insist(session, "work-orders", {**BODY, "cc": READER}, key)
        await _insist(session, f"work-orders/{order['id']}/actions", {"action": "pending"}, {})


async def _insist(session: ClientSession, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Ask until it is done; 409: it was done, and the answer was lost."""
    while True:
        try:
            async with session.post(path, json=body, headers=headers) as answer:
                if answer.status < 300 or answer.status == 409:
                    return await answer.json()
        except (ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.1)


# --- dead receivers ------------------------------------------------------------------------------------------------


async def _dead(folder: Path) -> list[Figure]:
    """Milliseconds of an order at p99, in turn: without webhooks, with receivers that are well, with dead ones."""

    async def hang(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with receiving(Receiver()) as well, receiving(Receiver(trouble=(100, 0, 0))) as wrong:
        app = web.Application()
        app.router.add_post("/", hang)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hanging = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        receivers = {
            "none": {},
            "well": {name: f"{well.url}/{name}" for name in ("a", "b", "c")},
            "dead": {"a": "http://127.0.0.1:9/", "b": hanging, "c": f"{wrong.url}/c"},
        }
        taken: dict[str, list[float]] = defaultdict(list)
        for round_ in range(ROUNDS):
            for name, urls in receivers.items():
                house = _house(folder / f"{name}{round_}", urls, *PATIENCE)
                daemon = await _launch(house)
                try:
                    async with _api(house) as session:
                        await _times(session, 50)
                        taken[name] += await _times(session, CREATED)
                finally:
                    daemon.terminate()
                    await daemon.wait()
        await runner.cleanup()
    slow = {name: quantile(times, 0.99) * 1000 for name, times in taken.items()}
    half = {name: quantile(times, 0.5) * 1000 for name, times in taken.items()}
    return [
        at_most("outbox: order p99, dead by well receivers", slow["dead"] / slow["well"], "times", 1.2, "as many rows"),
        Figure("outbox: order p99, dead receivers by no webhooks", slow["dead"] / slow["none"], "times", against=ROWS),
        *(
            Figure(f"outbox: order p99, {name}", slow[name], "ms", against=f"median {half[name]:.2f} ms")
            for name in slow
        ),
    ]


async def _times(session: ClientSession, many: int) -> list[float]:
    """Seconds of each order, one after the other."""
    times = []
    for _ in range(many):
        began = time.perf_counter()
        async with session.post("work-orders", json=BODY) as answer:
            assert answer.status == 201, await answer.text()
            await answer.read()
        times.append(time.perf_counter() - began)
    return times
