"""The link to one Asterisk: connected whenever it can be, and honest about when it is not.

    connect -> banner -> log in -> on_up -> examine -> ping, ping, ... -> lost -> on_down -> pause -> connect

Rules:
1. Actions are sent now or refused now. Nothing is kept over a loss.
2. Every on_up is followed by one on_down; between them, and never outside, on_frames. What Asterisk sent before it
   went is delivered before on_down.
3. A generation is one connection that logged in; numbers only grow.
4. The reader only cuts, sieves and calls the sink; a sink that raises costs its own frames, never the link.
5. An outage is logged when it comes, when it changes its nature, and when it goes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol, Self

import structlog

from daemon.ami import capabilities
from daemon.ami.actions import Action
from daemon.ami.capabilities import Findings
from daemon.ami.errors import AmiDown, AmiError, AmiInvalid, AmiRefused, AmiTimeout
from daemon.ami.frames import Frame
from daemon.ami.protocol import SafeProtocol, Session
from daemon.settings.models import Pbx, Tls

LOOK: Final = 60.0  # seconds between looks at the queues' counters, until every class of events has been seen
BACKOFF_MIN: Final = 0.5  # seconds before the first new try
STEADY: Final = 30.0  # seconds after which a link counts as well, and a new outage starts with the short pause

log = structlog.get_logger()


class State(StrEnum):
    """Where a link stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    REFUSED = "refused"


class Sink(Protocol):
    """Who listens to a link. Called from its reader: only enqueue."""

    def on_up(self, generation: int) -> None:
        """Logged in; actions can be sent."""

    def on_frames(self, generation: int, frames: list[Frame]) -> None:
        """The wanted events of one read, in order."""

    def on_down(self, generation: int, reason: str) -> None:
        """Over; nothing more comes of this generation."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to reach one Asterisk; times in seconds. `server_name` is for TLS, when it is not the host."""

    name: str
    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    ssl: ssl.SSLContext | None = None
    connect_timeout: float = 5.0
    login_timeout: float = 5.0
    ping_interval: float = 10.0
    pong_timeout: float = 5.0
    backoff_min: float = BACKOFF_MIN
    backoff_max: float = 30.0
    server_name: str | None = None

    @classmethod
    def from_pbx(cls, pbx: Pbx) -> Self:
        """As configured. Raises OSError when the CA file can't be read."""
        return cls(
            name=pbx.name,
            host=pbx.host,
            port=pbx.port,
            username=pbx.username,
            secret=pbx.secret.get_secret_value(),
            ssl=_tls(pbx.tls) if pbx.tls else None,
            connect_timeout=pbx.connect_timeout,
            login_timeout=pbx.login_timeout,
            ping_interval=pbx.ping_interval,
            pong_timeout=pbx.pong_timeout,
            backoff_min=min(BACKOFF_MIN, pbx.backoff_max),
            backoff_max=pbx.backoff_max,
            server_name=pbx.tls.server_name if pbx.tls else None,
        )


def _tls(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Link:
    """The link to one Asterisk. `clock` tells seconds since the epoch; `jitter` a number from 0 to 1."""

    def __init__(
        self, settings: LinkSettings, sink: Sink, *, clock: Callable[[], float], jitter: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.state = State.DOWN
        self.up_since: float | None = None
        self.last_error = ""
        self.missing: tuple[str, ...] = ()
        self.booted_at: float | None = None
        self.generation = 0
        self.faults = 0
        self.oversized = 0
        self._sink = sink
        self._clock = clock
        self._jitter = jitter
        self._session: Session | None = None
        self._findings: Findings | None = None
        self._heard_at = 0.0
        self._seen: set[str] = set()  # on this connection
        self._proven: set[str] = set()  # on this connection or an earlier one
        self._served = 0
        self._served_before: int | None = None
        self._looked_at = 0.0
        self._failures = 0
        self._reported: State | None = None
        self._log = log.bind(pbx=settings.name, host=settings.host, port=settings.port)

    # --- for those who use it -----------------------------------------------------------------------------------------

    @property
    def version(self) -> str:
        """Such as `22.10.1 (AMI 11.0.0)`; "" before the first log-in."""
        found = self._findings
        return "" if found is None else f"{found.asterisk or 'unknown'} (AMI {found.ami})"

    @property
    def heard_at(self) -> float:
        """When anything was received last, be it an answer to a ping; 0 if never."""
        return max(self._heard_at, self._session.protocol.heard_at) if self._session else self._heard_at

    @property
    def classes(self) -> frozenset[str]:
        """The read classes that are known to work: events of theirs have come, on this or an earlier connection."""
        return frozenset(self._proven)

    async def action(self, action: Action, timeout: float = 5) -> Any:  # noqa: ASYNC109 - it becomes a named error
        """Asterisk's answer: a panoramisk Message or, for a list, all its Messages, the first and last included.

        An answer may be a refusal (`success` is False). An Originate without Async is answered when the phone is.
        Raises AmiDown when there is no link or it is lost before the answer (whether Asterisk acted is then unknown,
        and it is never sent again), AmiTimeout, and AmiInvalid.
        """
        session = self._session
        if session is None or self.state is not State.UP:
            raise AmiDown(f"no link to {self.settings.name}: {self.last_error or self.state}")
        return await session.ask(action, timeout)

    async def ask(self, action: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
        """The events of a list action, its frame left off. Raises AmiError, also when Asterisk refuses."""
        answer = await self.action(action, self.settings.pong_timeout)
        if isinstance(answer, list):
            return answer[1:-1]
        if answer.success:
            return []
        raise AmiRefused(f"{action['Action']}: {answer.message}")

    # --- the supervisor -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the link until cancelled."""
        try:
            await self._keep()
        finally:
            self.state = State.DOWN

    async def _keep(self) -> None:
        while True:
            began = asyncio.get_running_loop().time()
            refused = False
            try:
                await self._connection()
            except (AmiRefused, AmiInvalid) as problem:
                refused = True
                self._fell(State.REFUSED, str(problem))
            except (AmiError, OSError) as problem:
                self._fell(State.DOWN, str(problem) or type(problem).__name__)
            if asyncio.get_running_loop().time() - began > STEADY:
                self._failures = 0
            await asyncio.sleep(self._pause(refused))

    def _pause(self, refused: bool) -> float:
        self._failures += 1
        longest = self.settings.backoff_max
        pause = longest if refused else min(longest, self.settings.backoff_min * 2.0 ** min(self._failures - 1, 16))
        return pause * (0.5 + 0.5 * self._jitter())

    def _fell(self, state: State, reason: str) -> None:
        self.state = state
        self.last_error = reason
        if self._reported is state:
            return
        self._reported = state
        if state is State.REFUSED:
            self._log.error("ami_login_refused", username=self.settings.username, reason=reason)
        else:
            self._log.warning("ami_link_down", reason=reason)

    async def _connection(self) -> None:
        """One connection from beginning to end; it always ends with an error or a cancellation."""
        if self._reported is not State.REFUSED:
            self.state = State.CONNECTING
        session = await self._connect()
        generation = 0
        try:
            await self._log_in(session)
            generation = self._rise(session)
            await self._watch(session)
        except AmiError as problem:
            session.protocol.end(str(problem))
            raise
        finally:
            session.protocol.end("closed by us")
            self._heard_at = session.protocol.heard_at
            self.faults += session.protocol.faults
            self.oversized += session.protocol.reader.oversized
            if generation:
                self._session = None
                self.state = State.DOWN
                self.up_since = None
                self._sink.on_down(generation, session.protocol.reason)

    async def _connect(self) -> Session:
        settings = self.settings
        loop = asyncio.get_running_loop()
        self._seen.clear()
        server_name = (settings.server_name or settings.host) if settings.ssl else None
        try:
            async with asyncio.timeout(settings.connect_timeout):
                transport, protocol = await loop.create_connection(
                    lambda: SafeProtocol(self, self._clock),
                    settings.host,
                    settings.port,
                    ssl=settings.ssl,
                    server_hostname=server_name,
                )
        except TimeoutError:
            raise AmiTimeout(f"no connection in {settings.connect_timeout:g} s") from None
        return Session(transport, protocol, settings.username, settings.secret)

    async def _log_in(self, session: Session) -> None:
        try:
            async with asyncio.timeout(self.settings.login_timeout):
                await session.log_in()
        except TimeoutError:
            raise AmiTimeout(f"no answer to the log-in in {self.settings.login_timeout:g} s") from None

    def _rise(self, session: Session) -> int:
        self.generation += 1
        self._session = session
        self.state = State.UP
        self.up_since = self._clock()
        self._log.info("ami_link_up", generation=self.generation, after=self.last_error or None)
        self.last_error = ""
        self._reported = None
        self._sink.on_up(self.generation)
        session.protocol.release()
        return self.generation

    async def _watch(self, session: Session) -> None:
        settings = self.settings
        await self._examine(session)
        while True:
            try:
                async with asyncio.timeout(settings.ping_interval):
                    await session.protocol.lost.wait()
            except TimeoutError:
                await session.ask({"Action": "Ping"}, settings.pong_timeout)
                await self._look(session)
            else:
                raise AmiDown(session.protocol.reason)

    # --- what the user may see ----------------------------------------------------------------------------------------

    async def _examine(self, session: Session) -> None:
        async def ask(action: Action) -> Any:
            return await session.ask(action, self.settings.pong_timeout)

        self._served, self._served_before = 0, None
        self._findings = await capabilities.examine(ask, self.settings.username, session.protocol.version)
        self._judge()
        await self._look(session)

    async def _look(self, session: Session) -> None:
        """Compare what the queues count with what we hear, now and then, until there is nothing left to doubt."""
        now = asyncio.get_running_loop().time()
        if self._seen >= capabilities.PROVEN_BY_CALLS or (self._served_before is not None and now < self._looked_at):
            return
        self._looked_at = now + LOOK
        try:
            served = await capabilities.calls_served(lambda action: session.ask(action, self.settings.pong_timeout))
        except AmiTimeout:
            return
        if served is None:
            return
        if self._served_before is None or served < self._served_before:  # the counters were reset
            self._served_before = served
        self._judge()  # by the count of the look before: the events of the latest calls may be on their way
        self._served = served - self._served_before

    def _judge(self) -> None:
        if self._findings is None:
            return
        missing = capabilities.shortcomings(self._findings, self._seen, self._served)
        if missing != self.missing:
            self.missing = missing
            if missing:
                self._log.warning("ami_capabilities_missing", missing=list(missing))
            else:
                self._log.info("ami_capabilities_complete")

    # --- the reader's side --------------------------------------------------------------------------------------------

    def received(self, frames: list[Frame]) -> None:
        """Wanted events of one read."""
        if not self._seen >= capabilities.PROVEN_BY_CALLS:
            known = len(self._seen)
            self._seen.update(capabilities.class_of(frame.headers) for frame in frames)
            self._proven |= self._seen
            if self.missing and len(self._seen) > known:
                self._judge()
        self._sink.on_frames(self.generation, frames)

    def noticed(self, event: dict[str, str]) -> None:
        """FullyBooted says since when Asterisk runs; Shutdown that the connection is about to end by itself."""
        if event["Event"] == "Shutdown":
            self._log.info("asterisk_stops", restarts=event.get("Restart"))
            return
        uptime = event.get("Uptime", "")
        self.booted_at = self._clock() - int(uptime) if uptime.isascii() and uptime.isdigit() else None
        self._seen.add("system")
        self._proven.add("system")
        if self.state is State.UP:  # it was still starting when we logged in
            self._judge()
