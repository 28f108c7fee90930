"""panoramisk's protocol and manager, kept behind their own hooks, with their traps closed.

One `Session` is one connection: nothing of it outlives the connection, so nothing can be replayed. Whoever runs it
(`daemon.ami.link`) connects, logs in, watches and reconnects; panoramisk writes actions and parses answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog
from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from daemon.ami.actions import Action, Request
from daemon.ami.errors import AmiDown, AmiRefused, AmiTimeout
from daemon.ami.frames import BANNER, LIMIT, Frame, FrameReader, headers, text

__all__ = ["Frame", "FrameReader", "Receiver", "Session"]

BANNER_BYTES: Final = 256

log = structlog.get_logger()


class Receiver(Protocol):
    """Who gets what a connection brings; called by the reader, so it must be quick."""

    def received(self, frames: list[Frame]) -> None:
        """Wanted events of one read."""

    def noticed(self, event: dict[str, str]) -> None:
        """An event about Asterisk itself: FullyBooted or Shutdown."""


class SafeProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """Reads bytes, answers futures, and never lets an exception reach the event loop."""

    def __init__(self, receiver: Receiver, clock: Callable[[], float], limit: int = LIMIT) -> None:
        self.heard_at = 0.0
        self.lost = asyncio.Event()
        self.greeted = asyncio.Event()
        self.reason = ""
        self.factory: Any = None
        self.responses: dict[str, Request] = {}
        self.closed = False
        self.faults = 0
        self.reader = FrameReader(self._other, limit)
        self._receiver = receiver
        self._clock = clock
        self._early: list[Frame] | None = []
        self._greeting = b""

    def connection_made(self, transport: Any) -> None:
        """A connection; Asterisk speaks first."""
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Some bytes, cut anywhere."""
        if self.closed:
            return
        self.heard_at = at = self._clock()
        if self.version is None:
            greeted = self._greet(data)
            if greeted is None:
                return
            data = greeted
        oversized = self.reader.oversized
        self.reader.expecting = self.responses
        frames = self.reader.feed(data, at)
        if self.reader.oversized > oversized == 0:
            log.warning("ami_frame_too_long", limit=LIMIT)
        if frames:
            self._deliver(frames)

    def _greet(self, data: bytes) -> bytes | None:
        """What follows the banner, once it is whole; no secret is ever sent to what does not greet like Asterisk."""
        self._greeting += data
        line, found, rest = self._greeting.partition(b"\r\n")
        begins = line.startswith(BANNER) if found else BANNER.startswith(line[: len(BANNER)])
        if not begins or len(line) > BANNER_BYTES:
            self.end("it is not an Asterisk Manager Interface that answers there")
            return None
        if not found:
            return None
        self.version = text(line[len(BANNER) :]).strip()
        self._greeting = b""
        self.greeted.set()
        return rest

    def release(self) -> None:
        """Hand over what came so far, and from now on everything at once."""
        early, self._early = self._early, None
        if early:
            self._deliver(early)

    def _deliver(self, frames: list[Frame]) -> None:
        if self._early is not None:
            self._early += frames
            return
        try:
            self._receiver.received(frames)
        except Exception:  # a fault of ours must not cost the connection
            self.faults += 1
            if self.faults == 1:
                log.exception("ami_sink_failed", frames=len(frames))

    def _other(self, frame: bytes) -> None:
        if frame.startswith((b"Event: FullyBooted\r\n", b"Event: Shutdown\r\n")):
            self._receiver.noticed(headers(frame))
            return
        message = Message.from_line(text(frame))
        if message is not None:
            self.handle_message(message)

    def handle_message(self, message: Any) -> None:
        """An answer, or an item of one, to the request that it belongs to; others are passed over."""
        action_id = message.action_id
        request = self.responses.get(action_id) if isinstance(action_id, str) else None
        if request is not None and request.add_message(message):
            self.responses.pop(request.id, None)

    def send(self, data: Action, as_list: bool | None = None) -> asyncio.Future[Any]:
        """Write an action now or never. Raises AmiDown and AmiInvalid."""
        request = data if isinstance(data, Request) else Request(data)
        if self.closed or self.transport.is_closing():
            raise AmiDown(self.reason or "not connected")
        self.responses[request.id] = request
        self.transport.write(str(request).encode())
        future: asyncio.Future[Any] = request.future
        return future

    def forget(self, request: Request) -> None:
        """Nobody waits for this answer any more."""
        self.responses.pop(request.id, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: every complete frame was delivered before, every open answer fails now."""
        self.end(f"connection lost: {exc}" if exc else "Asterisk closed the connection")

    def end(self, reason: str) -> None:
        """Be over, once; the first reason stays."""
        if self.closed:
            return
        self.reason = self.reason or reason
        self.close()

    def close(self) -> None:
        """Drop the connection and what waits on it; nothing is kept for another one."""
        self.closed = True
        self.reason = self.reason or "closed by us"
        open_requests, self.responses = self.responses, {}
        for request in open_requests.values():
            if not request.future.done():
                request.future.set_exception(AmiDown(self.reason))
                request.future.exception()  # the asker may be gone: no complaint then
        self.transport.abort()
        self.greeted.set()
        self.lost.set()


class Session(Manager):  # type: ignore[misc]  # panoramisk has no types
    """One connection, from the log-in to its end; no pinger, no reconnection, no second chance."""

    protocol: SafeProtocol

    def __init__(self, transport: asyncio.Transport, protocol: SafeProtocol, username: str, secret: str) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop=loop, username=username, secret=secret, protocol_factory=None)
        self.protocol = protocol
        self._transport = transport

    @property
    def alive(self) -> bool:
        """Whether an action could be written."""
        return not self.protocol.closed and not self._transport.is_closing()

    async def log_in(self) -> None:
        """Wait for the banner, then log in. Raises AmiRefused and AmiDown."""
        await self.protocol.greeted.wait()
        if not self.alive:
            raise AmiDown(self.protocol.reason or "connection lost")
        protocol, self.protocol = self.protocol, None  # type: ignore[assignment]  # or panoramisk would close it
        connected: asyncio.Future[Any] = self.loop.create_future()
        connected.set_result((self._transport, protocol))
        self.connection_made(connected)
        self.pinger.cancel()
        answer = await self.authenticated_future
        if not answer.success:
            raise AmiRefused(str(answer.message) or "log-in refused")

    def login(self, future: asyncio.Future[Any]) -> None:
        """panoramisk's reaction to the answer: none, `log_in` waits for it."""

    def ping(self) -> None:
        """panoramisk's pings, whose answers nobody awaits: none."""

    def connection_lost(self, exc: Exception | None) -> None:
        """panoramisk's reconnection: none."""

    async def ask(self, action: Action, timeout: float) -> Any:  # noqa: ASYNC109 - it becomes a named error
        """The answer: a message, or all messages of a list. Raises AmiDown, AmiTimeout, AmiInvalid."""
        request = Request(action)
        try:
            async with asyncio.timeout(timeout):
                return await self.protocol.send(request)
        except TimeoutError:
            raise AmiTimeout(f"no answer to {request.title} in {timeout:g} s") from None
        finally:
            self.protocol.forget(request)
