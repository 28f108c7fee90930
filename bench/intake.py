"""How fast AMI events are taken in: our link, translation, tracker and queue; a bare protocol; stock panoramisk.

The stream is what an Asterisk 22 sent to a user who reads everything, during queue calls through a dialplan that sets
some fifty variables on each leg, as distributions' dialplans do: 19 headers an event on average, told again under new
names until there are 250,000. It comes from a process of its own over loopback.

The bare protocol splits, looks at the name and parses what has a wanted name. "sieved" is the same with our byte
filters (of VarSet only QUEUESTATUS, and so on): what could be reached at most, a protocol that judges nothing.
"""

from __future__ import annotations

import asyncio
import gzip
import multiprocessing
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog
from panoramisk import Manager
from sqlalchemy.ext.asyncio import AsyncSession

from bench.measure import Figure, at_least, at_most, in_turn
from daemon.ami.frames import FrameReader
from daemon.ami.link import Link, LinkSettings, State
from daemon.ami.listener import Listener, Surroundings
from daemon.ami.translate import WANTED

EVENTS = 250_000
END = b"\r\n\r\n"


def stream() -> bytes:
    """The bytes of 250,000 events; every copy has uniqueids of its own."""
    once = gzip.decompress(Path(__file__).with_name("stream.ami.gz").read_bytes())
    copies = -(-EVENTS // once.count(END))
    frames = b"".join(once.replace(b"pbx00-", b"%05d-" % n) for n in range(copies)).split(END)
    return END.join(frames[:EVENTS]) + END


def serve(port: Any) -> None:
    """An Asterisk that answers every action with success and sends the stream when told to `Go`."""
    data = stream()
    server = socket.create_server(("127.0.0.1", 0))
    port.send(server.getsockname()[1])
    while True:
        client, _ = server.accept()
        client.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        rest = b""
        try:
            while got := client.recv(65536):
                *actions, rest = (rest + got).split(END)
                for action in actions:
                    found = re.search(rb"(?i)\r\nActionID: (\S+)", b"\r\n" + action)
                    client.sendall(
                        b"Response: Success\r\nActionID: %s\r\nMessage: ok%s" % (found[1] if found else b"", END)
                    )
                    if b"Action: UserEvent" in action:
                        client.sendall(data)
        except OSError:
            pass
        client.close()


class Intake(Listener):
    """The real listener, its commits left off: storage is measured elsewhere."""

    async def _persist(self, work: Callable[[AsyncSession], Awaitable[None]], effects: Sequence[object] = ()) -> None:
        pass


async def ours(port: int, wanted: int) -> float:
    """Seconds through Link, Listener, translate and Board."""
    link: Link

    class Ear:
        heard_at = 0.0
        classes = frozenset({"dialplan"})

        async def ask(self, action: Any) -> list[Any]:
            return []

    around = Surroundings(store=None, world=lambda: None, tell=lambda _: None, clock=time.time)  # type: ignore[arg-type,return-value]
    listener = Intake("bench", around, Ear(), None)
    link = Link(LinkSettings("bench", "127.0.0.1", port, "u", "s"), listener, clock=time.time, jitter=lambda: 0.0)
    tasks = [asyncio.ensure_future(link.run()), asyncio.ensure_future(listener.run())]
    while link.state is not State.UP or not link.version:
        await asyncio.sleep(0.01)
    started = time.perf_counter()
    await link.action({"Action": "UserEvent", "UserEvent": "Go"})
    while listener.counters.frames < wanted:
        await asyncio.sleep(0.002)
    taken = time.perf_counter() - started
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(listener.counters.verdicts.values()) > 0
    return taken


class Bare(asyncio.Protocol):
    """The least that can be done: split, look at the name, parse what has a wanted name."""

    sieved = False

    def __init__(self) -> None:
        self.rest = b""
        self.parsed = 0
        self.seen = 0
        self.names = {name.encode() for name in WANTED}
        self.only = {name.encode(): wanted.only for name, wanted in WANTED.items()}

    def data_received(self, data: bytes) -> None:
        parts = (self.rest + data).split(END)
        self.rest = parts.pop()
        for part in parts:
            name = part[7 : part.find(b"\r\n", 7)]
            if name in self.names and (not self.sieved or self.only[name] in part):
                headers = {}
                for line in part.decode("utf-8", "replace").split("\r\n"):
                    key, colon, value = line.partition(": ")
                    if colon:
                        headers[key] = value
                self.parsed += 1
        self.seen += len(parts)


class Sieved(Bare):
    """The same with the byte filters."""

    sieved = True


async def bare(port: int, kind: type[Bare]) -> float:
    """Seconds through a bare asyncio protocol that parses the same wanted names."""
    transport, protocol = await asyncio.get_running_loop().create_connection(kind, "127.0.0.1", port)
    started = time.perf_counter()
    transport.write(b"Action: UserEvent\r\nActionID: 1" + END)
    while protocol.seen < EVENTS:
        await asyncio.sleep(0.002)
    taken = time.perf_counter() - started
    transport.close()
    return taken


async def stock(port: int, _wanted: int) -> float:
    """Seconds through panoramisk as it comes, with one callback for all events."""
    seen = 0

    def count(_manager: Any, _message: Any) -> None:
        nonlocal seen
        seen += 1

    manager = Manager(loop=asyncio.get_running_loop(), host="127.0.0.1", port=port, username="u", secret="s")
    manager.register_event("*", count)
    await manager.connect()
    started = time.perf_counter()
    await manager.send_action({"Action": "UserEvent"})
    while seen < EVENTS - 1:
        await asyncio.sleep(0.002)
    taken = time.perf_counter() - started
    manager.close()
    return taken


def figures() -> Iterator[Figure]:
    """Events a second and the two ratios; medians of rounds in turn."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # figures only
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    port = here.recv()
    wanted = len(FrameReader().feed(stream(), 0.0))
    try:
        medians = in_turn(
            {
                "ours": lambda: asyncio.run(ours(port, wanted)),
                "bare": lambda: asyncio.run(bare(port, Bare)),
                "sieved": lambda: asyncio.run(bare(port, Sieved)),
                "stock": lambda: asyncio.run(stock(port, wanted)),
            },
            rounds=3,
        )
    finally:
        server.terminate()
    for name, seconds in medians.items():
        yield Figure(f"intake: {name}", EVENTS / seconds, "events/s", against=f"{wanted} of {EVENTS} wanted")
    yield at_least("intake: speed against stock panoramisk", medians["stock"] / medians["ours"], "times", 8)
    yield at_most("intake: time against a bare protocol", medians["ours"] / medians["bare"], "times", 1.3)
