"""A peer that speaks AMI as a test scripts it, and a sink that can be waited for."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from daemon.ami.frames import Frame
from daemon.ami.link import Link, LinkSettings

DEADLINE = 5.0
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
COMMANDS = "CoreShowChannels: x\r\nQueueStatus: x\r\nPing: x"

Headers = dict[str, str]
Script = Callable[[Headers], bytes | None]


def frame(*lines: str) -> bytes:
    """A frame of these lines."""
    return "\r\n".join((*lines, "", "")).encode()


def answer(asked: Headers, *lines: str, response: str = "Success") -> bytes:
    """The answer to an action."""
    return frame(f"Response: {response}", f"ActionID: {asked['ActionID']}", *lines)


def join(uniqueid: str, name: str = "Zoë") -> bytes:
    """A caller joins a queue."""
    return frame(
        "Event: QueueCallerJoin",
        "Privilege: agent,all",
        f"CallerIDName: {name}",
        f"Uniqueid: {uniqueid}",
        "Queue: support",
    )


def _log_in(asked: Headers) -> bytes:
    booted = frame("Event: FullyBooted", "Privilege: system,all", "Uptime: 60", "Status: Fully Booted")
    return answer(asked, "Message: Authentication accepted") + booted


def _queue_status(asked: Headers) -> bytes:
    end = frame("Event: QueueStatusComplete", f"ActionID: {asked['ActionID']}", "EventList: Complete", "ListItems: 0")
    return answer(asked, "EventList: start", "Message: Queue status will follow") + end


@dataclass
class Peer:
    """One connection, seen from the PBX."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def drop(self) -> None:
        self.writer.close()


class ScriptedAsterisk:
    """Answers as scripted; what it was asked can be awaited."""

    def __init__(self, **scripts: Script) -> None:
        self.banner: bytes = BANNER
        self.scripts: dict[str, Script] = {
            "Login": _log_in,
            "Ping": lambda asked: answer(asked, "Ping: Pong"),
            "CoreSettings": lambda asked: answer(asked, "AsteriskVersion: 22.10.1", "AMIversion: 11.0.0"),
            "ListCommands": lambda asked: answer(asked, *COMMANDS.split("\r\n")),
            "QueueStatus": _queue_status,
            **scripts,
        }
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.asked: list[Headers] = []
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: list[Peer] = []
        self.port = 0

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for peer in self._open:
            peer.drop()
            await asyncio.wait_for(peer.gone.wait(), DEADLINE)

    async def peer(self) -> Peer:
        """The next connection."""
        return await asyncio.wait_for(self.peers.get(), DEADLINE)

    async def was_asked(self, action: str, times: int = 1) -> list[Headers]:
        """All such actions, once there are that many."""
        async with asyncio.timeout(DEADLINE):
            while len(found := [asked for asked in self.asked if asked["Action"] == action]) < times:
                self._news.clear()
                await self._news.wait()
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self._open.append(peer)
        writer.write(self.banner)
        self.peers.put_nowait(peer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                asked = dict(line.split(": ", 1) for line in raw.decode().strip().split("\r\n"))
                self.asked.append(asked)
                script = self.scripts.get(asked["Action"])
                said = script(asked) if script else answer(asked, "Message: Permission denied", response="Error")
                if said is not None:
                    writer.write(said)
                self._news.set()
        peer.drop()
        peer.gone.set()


class Ears:
    """A sink that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, object]] = []
        self.frames: list[Frame] = []
        self.reads: list[int] = []
        self._news = asyncio.Event()

    def on_up(self, generation: int) -> None:
        self._note("up", generation, None)

    def on_frames(self, generation: int, frames: list[Frame]) -> None:
        self.frames += frames
        self.reads.append(len(frames))
        self._note("frames", generation, [f.headers.get("Uniqueid") for f in frames])

    def on_down(self, generation: int, reason: str) -> None:
        self._note("down", generation, reason)

    def _note(self, what: str, generation: int, detail: object) -> None:
        self.heard.append((what, generation, detail))
        self._news.set()

    def told(self, what: str) -> list[tuple[int, object]]:
        return [(generation, detail) for kind, generation, detail in self.heard if kind == what]

    async def until(self, what: str, times: int = 1) -> list[tuple[int, object]]:
        """Everything of this kind, once there is that much."""
        async with asyncio.timeout(DEADLINE):
            while len(found := self.told(what)) < times:
                self._news.clear()
                await self._news.wait()
        return found

    async def until_frames(self, number: int) -> list[Frame]:
        """All frames, once there are that many."""
        async with asyncio.timeout(DEADLINE):
            while len(self.frames) < number:
                self._news.clear()
                await self._news.wait()
        return self.frames


def settings(port: int, **changes: object) -> LinkSettings:
    """Impatient settings."""
    usual: dict[str, object] = {
        "name": "pbx1",
        "host": "127.0.0.1",
        "port": port,
        "username": "workorderd",
        "secret": "very-secret",
        "connect_timeout": 2.0,
        "login_timeout": 2.0,
        "ping_interval": 30.0,
        "pong_timeout": 2.0,
        "backoff_min": 0.001,
        "backoff_max": 0.002,
    }
    return LinkSettings(**{**usual, **changes})  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def linked(port: int, ears: Ears, **changes: object) -> AsyncIterator[Link]:
    """A link that runs."""
    link = Link(settings(port, **changes), ears, clock=lambda: 1_800_000_000.5, jitter=lambda: 1.0)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run(), name="link")
        try:
            yield link
        finally:
            running.cancel()
