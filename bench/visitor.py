"""The client of a measurement over HTTP, in a process of its own: the same for all contestants.

    python -m bench.visitor < ASKED > TOLD

reads one `Asked` as JSON and answers with one `Told`. Each of the workers keeps one connection and sends its next
request when the last one is answered; one request at the least.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import ClientSession, TCPConnector


@dataclass(frozen=True, slots=True)
class Asked:
    """What to send; `body` None means GET, `keys` an Idempotency-Key of its own for each request."""

    url: str
    workers: int
    seconds: float
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    keys: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """Answers by status, from the first request to the last answer, and the client's own processor time."""

    statuses: dict[str, int]
    seconds: float
    busy: float

    @property
    def count(self) -> int:
        """Answers that are 2xx."""
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))

    @property
    def rate(self) -> float:
        """Successful requests a second."""
        return self.count / self.seconds


class VisitError(Exception):
    """Not every answer was 2xx."""


def visit(asked: Asked) -> Told:
    """Send the requests from a process of its own. Raises VisitError."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.visitor"],
        check=False,
        input=json.dumps(asdict(asked)),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise VisitError(f"{asked.url}: {done.stderr[-2000:]}")
    return Told(**json.loads(done.stdout))


async def send(asked: Asked) -> Told:
    """All workers, until the time is up. Raises VisitError on the first answer that is not 2xx."""
    statuses: Counter[str] = Counter()
    run, numbers = uuid.uuid4().hex[:12], itertools.count()
    payload = None if asked.body is None else json.dumps(asked.body).encode()
    fixed = {"Content-Type": "application/json", **asked.headers} if payload else asked.headers
    async with ClientSession(connector=TCPConnector(limit=0), headers=fixed) as session:

        async def work() -> None:
            while True:
                own = {"Idempotency-Key": f"{run}-{next(numbers)}"} if asked.keys else None
                method = "GET" if payload is None else "POST"
                async with session.request(method, asked.url, data=payload, headers=own) as answer:
                    text = await answer.read()
                statuses[str(answer.status)] += 1
                if answer.status // 100 != 2:
                    raise VisitError(f"{answer.status}: {text[:1000]!r}")
                if time.perf_counter() >= end:
                    return

        started, busy = time.perf_counter(), time.process_time()
        end = started + asked.seconds
        await asyncio.gather(*(work() for _ in range(asked.workers)))
        return Told(dict(statuses), time.perf_counter() - started, time.process_time() - busy)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(send(Asked(**json.load(sys.stdin)))))))
