"""Open pages on one node: what 2,000 live streams cost in memory, and how long news take to reach each of them.

The daemon as it ships, on SQLite. The delay is an upper bound: it counts from the request that creates an order, so the
commit is in it, and the client, which shares the machine, must read all streams.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.listeners import Asked, Told
from bench.measure import Figure, at_most, quantile
from bench.servers import BenchError, ours

STREAMS, ROUNDS = 2000, 30
PEOPLE = ("boss", "anna", "ben", "chen")
FILES = 2 * STREAMS + 500


def figures() -> Iterator[Figure]:
    """Memory, then delay. Under two minutes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FILES:
        raise BenchError(f"{FILES} open files are needed: ulimit -Hn says {most}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))
    with tempfile.TemporaryDirectory() as name, ours(Path(name) / "house", "") as daemon:
        creating = daemon.creating(1, 0)
        assert creating.body is not None
        asked = Asked(daemon.url, daemon.pid, PEOPLE, STREAMS, ROUNDS, creating.headers, creating.body)
        told = _listened(asked)
    grown = (told.full - told.idle) / 1e6
    yield at_most(f"streams: {STREAMS} above idle", grown, "MB", 150, f"idle {told.idle / 1e6:.0f} MB")
    median, worst = statistics.median(told.delays) * 1e3, max(told.delays) * 1e3
    alone = statistics.median(told.answers) * 1e3
    against = f"median {median:.0f} ms, worst {worst:.0f} ms; the creation itself {alone:.0f} ms; {ROUNDS} rounds"
    yield at_most("streams: delivery to each, p99", quantile(told.delays, 0.99) * 1e3, "ms", 250, against)


def _listened(asked: Asked) -> Told:
    done = subprocess.run(
        [sys.executable, "-m", "bench.listeners"],
        check=False,
        input=json.dumps(asdict(asked)),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BenchError(f"listeners: {done.stderr[-3000:]}")
    return Told(**json.loads(done.stdout))
