"""The FastAGI server: who may ask, how much, how long; and which script answers.

FastAGI has no authentication: it listens on loopback unless told otherwise, answers only addresses that are allowed,
and, where a secret is configured, only a dialplan that sends it as the script's first argument. Whatever goes wrong
ends that one conversation; the caller's dialplan goes on without us.

On panoramisk's Application: its table of routes and its `handler`, overridden whole (a peer that connects and goes
would spin in the original for ever).
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Literal

import structlog
from panoramisk.fast_agi import Application

from agi.dialogue import LONGEST_LINE, AgiError, BadRequest, CommandFailed, Dialogue, Gone, Refused, read_asked

Network = IPv4Network | IPv6Network
Outcome = Literal["done", "gone", "failed", "refused", "bad", "slow", "broken"]
Script = Callable[[Dialogue], Awaitable[None]]

MOST_WARNED: Final = 1000  # addresses that are remembered as having been warned of
REFUSED: Final = "agi.refused"
BROKEN: Final = "agi.script_broken"

log = structlog.get_logger()

DONE: Final[Outcome] = "done"
_OUTCOMES: Final[Mapping[type[AgiError], Outcome]] = {
    Gone: "gone",
    CommandFailed: "failed",
    Refused: "refused",
    BadRequest: "bad",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """`opening`: seconds until Asterisk has told its variables; `script`: seconds that a script may take."""

    opening: float = 5.0
    script: float = 180.0
    at_once: int = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a conversation; `script` is "" where none was reached. Seconds from the connection on."""

    script: str
    outcome: Outcome
    seconds: float


class Server(Application):  # type: ignore[misc]
    """The scripts by name; `told` is called after each conversation."""

    def __init__(
        self,
        scripts: Mapping[str, Script],
        *,
        allow: Sequence[Network],
        secret: str | None = None,
        limits: Limits = Limits(),
        told: Callable[[Told], None] = lambda _: None,
    ) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        for name, script in scripts.items():
            self.add_route(name, script)
        self._allow = tuple(allow)
        self._secret = secret
        self._limits = limits
        self._told = told
        self._warned: Counter[str] = Counter()
        self.running = 0

    @asynccontextmanager
    async def listen(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve until the block is left; gives the port. Raises OSError."""
        server = await asyncio.start_server(self.handler, host, port, limit=LONGEST_LINE, backlog=512)
        async with server:
            yield server.sockets[0].getsockname()[1]
            server.close()

    async def handler(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Panoramisk's hook: one connection, from its first byte to its end."""
        began, address = time.monotonic(), str((writer.get_extra_info("peername") or ("",))[0])
        script, outcome = "", DONE
        self.running += 1
        try:
            self._admit(address)
            async with asyncio.timeout(self._limits.opening):
                asked = await read_asked(reader)
            if asked.script not in self._route:
                raise Refused(f"there is no script {asked.script[:40]!r}; there are {', '.join(sorted(self._route))}")
            script = asked.script
            dialogue = Dialogue(self, replace(asked, arguments=self._without_secret(asked.arguments)), reader, writer)
            async with asyncio.timeout(self._limits.script):
                await self._route[script](dialogue)
        except AgiError as problem:
            outcome = _OUTCOMES[type(problem)]
            if outcome in {"refused", "bad", "failed"}:
                self._warn(address, script, problem)
        except TimeoutError:
            outcome = "slow"
        except OSError:
            outcome = "gone"
        except Exception:
            outcome = "broken"
            log.exception(BROKEN, script=script, address=address)
        finally:
            self.running -= 1
            writer.close()
            self._told(Told(script, outcome, time.monotonic() - began))

    def _admit(self, address: str) -> None:
        if not any(ip_address(address) in network for network in self._allow):
            raise Refused("this address is not in agi.allow")
        if self.running > self._limits.at_once:
            raise Refused(f"more than {self._limits.at_once} at once")

    def _without_secret(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        if self._secret is None:
            return arguments
        shown = arguments[0] if arguments else ""
        if not hmac.compare_digest(shown.encode(errors="replace"), self._secret.encode()):
            raise Refused("the secret, the script's first argument, is missing or wrong")
        return arguments[1:]

    def _warn(self, address: str, script: str, problem: AgiError) -> None:
        """Once for each address and kind of trouble: a port scan must not fill the log."""
        key = f"{address} {type(problem).__name__}"
        if self._warned[key] == 0 and len(self._warned) <= MOST_WARNED:
            log.warning(REFUSED, address=address, script=script, problem=str(problem))
        self._warned[key] += 1
