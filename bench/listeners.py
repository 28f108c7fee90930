"""Browsers that listen, in a process of their own: `python -m bench.listeners < ASKED > TOLD`, both JSON.

Each stream is a bare socket with the request of a browser: what is measured is the daemon, not a client. One order
after the other is created; a stream has heard of it when the event is there. Ends by itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientSession, CookieJar

PATIENCE = 30.0  # seconds for anything
AT_A_TIME = 100  # streams that are opened at once


@dataclass(frozen=True, slots=True)
class Asked:
    """`streams` of these people (password `demo`), and `rounds` orders created with `headers` and `body`."""

    url: str
    pid: int
    people: Sequence[str]
    streams: int
    rounds: int
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """Resident bytes of the daemon before and with the streams; seconds from the sent request to each event."""

    idle: int
    full: int
    delays: Sequence[float]
    answers: Sequence[float]


class Stream(asyncio.Protocol):
    """One open stream: it notes when it hears of work orders."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard: asyncio.Future[float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """An event has come."""
        if not self.greeted.done():
            if b"event: hello" in data:
                self.greeted.set_result(None)
        elif b"event: work_orders" in data and self.heard is not None and not self.heard.done():
            self.heard.set_result(time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        """It must not be."""
        for waiting in (self.greeted, self.heard):
            if waiting is not None and not waiting.done():
                waiting.set_exception(exc or ConnectionError("the stream ended"))


def resident(pid: int) -> int:
    """Bytes of memory that a process has (proc(5): statm)."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


async def cookie(url: str, username: str) -> str:
    """The session of somebody who logs in."""
    async with ClientSession(url, cookie_jar=CookieJar(unsafe=True)) as session:
        form = {"username": username, "password": "demo", "next": "/"}
        async with session.post("/login", data=form, allow_redirects=False) as answer:
            assert answer.status == 303, answer.status
        return "; ".join(f"{each.key}={each.value}" for each in session.cookie_jar)


async def listen(asked: Asked) -> Told:
    """Open, measure, and leave."""
    place = urlsplit(asked.url)
    cookies = [await cookie(asked.url, username) for username in asked.people]
    async with ClientSession(headers=asked.headers) as session:
        await _create(session, asked, 0)
        idle = resident(asked.pid)
        streams: list[Stream] = []
        for first in range(0, asked.streams, AT_A_TIME):
            some = []
            for n in range(first, min(first + AT_A_TIME, asked.streams)):
                lines = (
                    "GET /live HTTP/1.1",
                    f"Host: {place.netloc}",
                    f"Cookie: {cookies[n % len(cookies)]}",
                    "Accept: text/event-stream",
                )
                stream = Stream("\r\n".join((*lines, "", "")).encode())
                await asyncio.get_running_loop().create_connection(
                    lambda stream=stream: stream,  # type: ignore[misc]
                    place.hostname,
                    place.port,
                )
                some.append(stream)
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(stream.greeted for stream in some))
            streams += some
        delays: list[float] = []
        answers: list[float] = []
        gc.collect()
        gc.disable()
        for n in range(1, asked.rounds + 1):
            for stream in streams:
                stream.heard = asyncio.get_running_loop().create_future()
            sent = time.perf_counter()
            await _create(session, asked, n)
            answers.append(time.perf_counter() - sent)
            async with asyncio.timeout(PATIENCE):
                heard = await asyncio.gather(*(stream.heard for stream in streams if stream.heard))
            delays += (at - sent for at in heard)
        return Told(idle, resident(asked.pid), delays, answers)


async def _create(session: ClientSession, asked: Asked, n: int) -> None:
    own = {"Idempotency-Key": f"streams-{os.getpid()}-{n}"}
    async with session.post(f"{asked.url}/api/v1/work-orders", json=asked.body, headers=own) as answer:
        assert answer.status == 201, await answer.text()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(listen(Asked(**json.load(sys.stdin)))))))
