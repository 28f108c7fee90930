"""From the moment in which a caller gives up, by Asterisk's own clock, to the committed order.

A real private Asterisk, 20 calls a second for 20 seconds, each given up; the daemon's own link, listener and storage
on SQLite with synchronous=FULL, in this process. The moment of giving up is the Timestamp of QueueCallerLeave.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select

from bench.measure import Figure, at_most, quantile
from daemon.ami.link import Link, LinkSettings, State
from daemon.ami.listener import Listener, Surroundings
from daemon.demo.asterisk import USER, PrivateAsterisk
from daemon.demo.desks import Desk
from daemon.demo.wire import Wire
from daemon.handlers.configuration import apply_settings
from daemon.handlers.live import News
from daemon.settings import load
from daemon.storage.engine import Store, database_url
from daemon.storage.schema import migrate
from daemon.storage.tables import StintRow, WorkOrderRow

RATE = 20
SECONDS = 20


async def measure() -> list[float]:
    """Seconds for each order."""
    committed: dict[int, float] = {}

    def tell(news: News) -> None:
        if news.topic == "work_orders":
            for order_id in news.ids:
                committed.setdefault(order_id, time.time())

    with tempfile.TemporaryDirectory() as folder:
        store = Store(database_url(f"sqlite:///{folder}/bench.sqlite"))
        await migrate(store)
        settings = load(Path("config"))
        queue = settings.queues.queues[0]
        always = queue.missed.model_copy(update={"hours": None, "minimum_wait": 0.0})
        queues = settings.queues.model_copy(update={"queues": (queue.model_copy(update={"missed": always}),)})
        async with store.write() as session:
            world = await apply_settings(session, settings.model_copy(update={"queues": queues}), datetime.now(UTC))
        async with PrivateAsterisk("22") as pbx:
            link: Link

            class Ear:
                heard_at = property(lambda _: link.heard_at)
                classes = property(lambda _: link.classes)

                async def ask(self, action: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
                    return await link.ask(action)

            listener = Listener("main", Surroundings(store, lambda: world, tell, time.time), Ear(), None)
            reach = LinkSettings("main", pbx.host, pbx.port, USER, pbx.secret)
            link = Link(reach, listener, clock=time.time, jitter=lambda: 0.0)
            tasks = [asyncio.ensure_future(listener.run()), asyncio.ensure_future(link.run())]
            while link.state is not State.UP:
                await asyncio.sleep(0.05)
            async with await Wire.to(pbx) as wire:
                await _callers(Desk(wire, pbx))
                while len(committed) < RATE * SECONDS:
                    await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        async with store.read() as session:
            query = select(WorkOrderRow.id, StintRow.left_at).join(StintRow, StintRow.call_id == WorkOrderRow.call_id)
            rows = (await session.execute(query)).all()
        await store.close()
    return [committed[order_id] - left_at.timestamp() for order_id, left_at in rows]


async def _callers(desk: Desk) -> None:
    """Bounded: RATE * SECONDS callers, each with a number of his own, who stay two seconds."""
    started = time.monotonic()
    for n in range(RATE * SECONDS):
        await desk.wire.do(
            "Originate",
            ("Variable", f"CALLER_NUMBER=0302312{n:04d}"),
            ("Variable", "QUEUE=support"),
            ("Variable", "PATIENCE=2"),
            Channel="Local/call@queues/n",
            Context="caller",
            Exten="phone",
            Priority="1",
            Async="true",
        )
        await asyncio.sleep(max(0.0, started + (n + 1) / RATE - time.monotonic()))


def figures() -> Iterator[Figure]:
    """Median and p99."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # figures only
    taken = [seconds * 1000 for seconds in asyncio.run(measure())]
    against = f"{len(taken)} orders, {RATE} calls/s, SQLite FULL, Asterisk on the same machine"
    yield Figure("latency: giving up to committed order, median", quantile(taken, 0.5), "ms", against=against)
    yield at_most("latency: giving up to committed order, p99", quantile(taken, 0.99), "ms", 50, against)
