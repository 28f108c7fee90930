"""A bare manager client that drives a private Asterisk and watches it; trusts that Asterisk in everything.

It shares nothing with daemon.ami, so that it can be a witness against it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from daemon.demo.asterisk import DRIVER, AsteriskError, PrivateAsterisk

Headers = Mapping[str, str]

PATIENCE: Final = 20.0  # seconds for what must happen
_KEPT: Final = 50_000  # events
_END: Final = b"\r\n\r\n"


class Wire(asyncio.Protocol):
    """A logged-in connection; `async with Wire.to(pbx) as wire`."""

    def __init__(self, username: str, secret: str) -> None:
        self.events: deque[Headers] = deque(maxlen=_KEPT)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._username = username
        self._secret = secret
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Headers]] = {}
        self._heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest = b""
        self._seen = 0
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def to(cls, pbx: PrivateAsterisk, username: str = DRIVER, secret: str | None = None) -> Self:
        """Connect and log in, by default as the user who may do everything. Raises OSError, AsteriskError."""
        loop = asyncio.get_running_loop()
        secret = secret if secret is not None else pbx.driver_secret
        _, wire = await loop.create_connection(lambda: cls(username, secret), pbx.host, pbx.port)
        await wire.do("Login", Username=username, Secret=secret)
        await wire.event("FullyBooted")
        return wire

    async def __aenter__(self) -> Self:
        """It is connected already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up the connection."""
        self.close()

    def close(self) -> None:
        """Hang up the connection."""
        if self._transport is not None:
            self._transport.close()

    async def do(self, action: str, *headers: tuple[str, str], **more: str) -> Headers:
        """Send an action and give its answer; AsteriskError when it is refused. A header may come several times."""
        number = f"drive-{next(self._numbers)}"
        lines = [("Action", action), ("ActionID", number), *headers, *more.items()]
        text = "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            raise AsteriskError("the manager connection is gone")
        self._transport.write(text.encode("utf-8", "surrogateescape"))
        try:
            said: Headers = await asyncio.wait_for(answer, PATIENCE)
        finally:
            del self._answers[number]
        if said.get("Response") not in {"Success", "Goodbye", "Follows"}:
            raise AsteriskError(f"{action}: {said.get('Message', said)}")
        return said

    async def event(
        self, name: str, *, seconds: float = PATIENCE, since: Headers | None = None, **wanted: str
    ) -> Headers:
        """The first event of this name with these headers, seen already (after the event `since`) or still to come.

        Raises AsteriskError when it has not come in `seconds`.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        found = self.find(name, since=since, **wanted)
        while found is None:
            seen = self._seen
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(asyncio.shield(self._heard), max(left, 0))
            except TimeoutError:
                raise AsteriskError(f"no {name} with {wanted} in {seconds} s") from None
            new = itertools.islice(reversed(self.events), self._seen - seen)
            found = next((event for event in reversed([*new]) if _is(event, name, wanted)), None)
        return found

    def find(self, name: str, *, since: Headers | None = None, **wanted: str) -> Headers | None:
        """The first such event that has been seen."""
        started = since is None
        for event in self.events:
            if started:
                if _is(event, name, wanted):
                    return event
            elif event is since:
                started = True
        return None

    # --- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on answers, keep events."""
        *frames, self._rest = (self._rest + data).split(_END)
        for frame in frames:
            headers = _headers(frame)
            answer = self._answers.get(headers.get("ActionID", ""))
            if "Event" in headers:
                self.events.append(headers)
                self._seen += 1
            elif answer is not None and not answer.done():
                answer.set_result(headers)
        if frames:
            heard, self._heard = self._heard, asyncio.get_running_loop().create_future()
            heard.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any longer for answers."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AsteriskError("the manager connection is gone"))
        if not self.lost.done():
            self.lost.set_result(None)


def _is(event: Headers, name: str, wanted: Mapping[str, str]) -> bool:
    return event["Event"] == name and all(event.get(header) == value for header, value in wanted.items())


def _headers(frame: bytes) -> dict[str, str]:
    lines = frame.decode("utf-8", "backslashreplace").split("\r\n")
    return {name.rstrip(":"): value for name, _, value in (line.partition(": ") for line in lines)}
