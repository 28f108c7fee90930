"""A desk: queues, agents and callers that one scenario has to itself, so that many can be played at once.

Callers are Local channels: one half is the caller's telephone, the other, whose Uniqueid counts, runs Queue(). Agents
are queue members that ring, answer and talk as their global variables say (etc/extensions.conf).
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from daemon.demo.asterisk import PrivateAsterisk, queue_name
from daemon.demo.wire import Headers, Wire

NAMES: Final = (
    "Anna Berg",
    "Ben Adler",
    "Clara Voss",
    "David Roth",
    "Eva Lind",
    "Felix Kern",
    "Gina Falk",
    "Hugo Ernst",
)
FOREVER: Final = 3600  # seconds
_PREFIXES: Final = ("03023125", "06990009", "04066969", "02214710", "08999998")
"""Numbers that Germany's Bundesnetzagentur keeps for films: nobody has them."""
_A_WHILE: Final = 0.5  # seconds, in which whoever listens has heard of him: each connection has a thread of its own
_SPECIAL: Final = re.compile(r'([\\",])')


def _moments() -> Iterator[str]:
    """Now, or a little later, so that no two are the same and none is the beginning of another (22 refuses that)."""
    last = 0
    while True:
        last = max(time.time_ns() // 1000, last + 1)
        yield f"{last // 1_000_000}.{last % 1_000_000:06d}"


_MOMENTS: Final = _moments()


@dataclass(slots=True)
class Caller:
    """A call on its way; `uniqueid` is that of the half that runs Queue()."""

    wire: Wire
    uniqueid: str
    phone_uniqueid: str
    number: str
    channel: str
    phone: str

    async def joined(self, queue: str, *, since: Headers | None = None) -> Headers:
        """Wait until he waits in this queue."""
        return await self.wire.event("QueueCallerJoin", Uniqueid=self.uniqueid, Queue=queue, since=since)

    async def rung(self) -> Headers:
        """Wait until an agent's telephone rings for him."""
        called = await self.wire.event("AgentCalled", Uniqueid=self.uniqueid)
        await self.wire.event("Newstate", Uniqueid=called["DestUniqueid"], ChannelStateDesc="Ringing")
        return called

    async def connected(self, *, since: Headers | None = None) -> Headers:
        """Wait until he talks to an agent."""
        connect = await self.wire.event("AgentConnect", Uniqueid=self.uniqueid, since=since)
        await self.wire.event("BridgeEnter", Uniqueid=self.uniqueid, since=since)
        await self.wire.event("BridgeEnter", Uniqueid=connect["DestUniqueid"], since=since)
        return connect

    async def hang_up(self) -> None:
        """He puts down his telephone; returns when his channel is gone."""
        await self.wire.do("Hangup", Channel=self.phone)
        await self.gone()

    async def press(self, key: str) -> None:
        """He presses a key."""
        await self.wire.do("PlayDTMF", Channel=self.phone, Digit=key)

    async def gone(self) -> Headers:
        """Wait until his channel is gone."""
        return await self.wire.event("Hangup", Uniqueid=self.uniqueid)


async def _a_while(_: Caller) -> None:
    await asyncio.sleep(_A_WHILE)


@dataclass(slots=True)
class Desk:
    """The queues `support`, `sales`, ... of this number, and ten agents: 1000 to 1009 at desk 0, 1010 ... at desk 1.

    `heard` waits until whoever listens has heard that a caller waits.
    """

    wire: Wire
    pbx: PrivateAsterisk
    number: int = 0
    heard: Callable[[Caller], Awaitable[None]] = _a_while
    _members: list[tuple[str, str]] = field(default_factory=list)
    _calls: Iterator[int] = field(default_factory=itertools.count)

    def queue(self, kind: str) -> str:
        """The name of this desk's queue of a kind; see KINDS."""
        return queue_name(kind, self.number)

    def agent(self, index: int) -> str:
        """The extension of an agent."""
        return str(1000 + 10 * self.number + index)

    def fresh_number(self) -> str:
        """A caller's number; after a hundred calls they come again."""
        index = self.number * 100 + next(self._calls) % 100
        return f"{_PREFIXES[index // 1000 % len(_PREFIXES)]}{index % 1000:03d}"

    async def staff(self, kind: str, index: int = 0, *, ring: float = 0.3, talk: float | str = FOREVER) -> str:
        """An agent comes to a queue: rings so many seconds before answering, then talks so long ("busy": declines)."""
        agent, queue = self.agent(index), self.queue(kind)
        await self.behave(index, ring=ring, talk=talk)
        name = NAMES[index % len(NAMES)]
        interface = f"Local/{agent}@agents/n"
        await self.wire.do("QueueAdd", Queue=queue, Interface=interface, MemberName=name)
        self._members.append((queue, interface))
        return interface

    async def behave(self, index: int, *, ring: float, talk: float | str = FOREVER) -> None:
        """From the next call on."""
        agent = self.agent(index)
        await self.wire.do("Setvar", Variable=f"RING_{agent}", Value=str(ring))
        await self.wire.do("Setvar", Variable=f"TALK_{agent}", Value=str(talk))

    async def dismiss(self, queue: str, interface: str) -> None:
        """An agent leaves a queue."""
        self._members.remove((queue, interface))
        await self.wire.do("QueueRemove", Queue=queue, Interface=interface)

    async def clear(self) -> None:
        """All agents go home."""
        for queue, interface in list(self._members):
            await self.dismiss(queue, interface)

    async def call(
        self,
        queue: str,
        *,
        number: str | None = None,
        name: str = "",
        hidden: bool = False,
        patience: float = FOREVER,
        variables: Mapping[str, str] | None = None,
    ) -> Caller:
        """A caller dials a queue; returns when his channels are there. Raises AsteriskError.

        `variables` are those of etc/extensions.conf, such as TIMEOUT and NEXT_QUEUE.
        """
        number = self.fresh_number() if number is None else number
        brought = {"CALLER_NUMBER": number, "CALLER_NAME": name, "CALLER_HIDDEN": "1" if hidden else ""}
        brought |= {"QUEUE": queue, "PATIENCE": str(patience), **(variables or {})}
        return await self.dial("call@queues", number, {k: v for k, v in brought.items() if v})

    async def dial(self, where: str, number: str, variables: Mapping[str, str]) -> Caller:
        """A telephone that calls an extension@context."""
        phone_uniqueid, uniqueid = f"{self.pbx.name}-{next(_MOMENTS)}", f"{self.pbx.name}-{next(_MOMENTS)}"
        listed = [("Variable", f"{key}={_escaped(value)}") for key, value in variables.items()]
        await self.wire.do(
            "Originate",
            *listed,
            Channel=f"Local/{where}/n",
            Context="caller",
            Exten="phone",
            Priority="1",
            Async="true",
            Timeout="60000",
            ChannelId=phone_uniqueid,
            OtherChannelId=uniqueid,
        )
        phone = await self.wire.event("Newchannel", Uniqueid=phone_uniqueid)
        channel = await self.wire.event("Newchannel", Uniqueid=uniqueid)
        return Caller(self.wire, uniqueid, phone_uniqueid, number, channel["Channel"], phone["Channel"])


def _escaped(value: str) -> str:
    """Manager splits the header Variable at commas and takes quotes and backslashes away (main/app.c)."""
    return _SPECIAL.sub(r"\\\1", value)
