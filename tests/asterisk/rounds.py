"""A round: every way out of a queue played at once, watched by queue_log and by the least-privilege user."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daemon.ami.recorder import record
from daemon.demo.asterisk import USER, PrivateAsterisk
from daemon.demo.callers import WAYS_OUT, Truth, WayOut
from daemon.demo.desks import Caller, Desk
from daemon.demo.wire import Wire

DEADLINE = 20.0
SHORT = {
    "QueueCallerJoin": "Join",
    "QueueCallerAbandon": "Abandon",
    "QueueCallerLeave": "Leave",
    "AgentConnect": "AgentConnect",
    "BridgeEnter": "Bridge",
    "HangupRequest": "HangupRequest",
    "Hangup": "Hangup",
}


@dataclass(frozen=True, slots=True)
class Round:
    """What was played, and what two witnesses saw."""

    truths: dict[str, tuple[Truth, ...]]
    transcript: Path
    queue_log: Path

    def log(self) -> list[list[str]]:
        """The rows of queue_log as fields."""
        return [line.split("|") for line in self.queue_log.read_text("utf-8", "backslashreplace").splitlines()]

    def rows(self, uniqueid: str) -> tuple[str, ...]:
        """The events of queue_log about a caller, but not those of telephones that rang in vain."""
        return tuple(row[4] for row in self.log() if row[1] == uniqueid and not row[4].startswith("RING"))

    def events(self, name: str | None = None) -> list[dict[str, str]]:
        """The recorded frames, of one event or all; the greeting is part of the first."""
        texts = self.transcript.read_bytes().decode("utf-8", "backslashreplace").split("\r\n\r\n")
        frames = [dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line) for text in texts]
        return [frame for frame in frames if name is None or frame.get("Event") == name]

    def tale(self, uniqueid: str) -> tuple[str, ...]:
        """What befell his channel on AMI, in short words; a VarSet as QUEUESTATUS=value."""
        words: list[str] = []
        for frame in self.events():
            name = frame.get("Event", "")
            if frame.get("Uniqueid") != uniqueid:
                continue
            if name == "VarSet":
                words.append(f"{frame['Variable']}={frame['Value']}")
            elif name in SHORT:
                words.append(SHORT[name])
        return tuple(words)


async def play(pbx: PrivateAsterisk, transcript: Path, ways_out: tuple[WayOut, ...] = WAYS_OUT) -> Round:
    """All at once, each at a desk of its own: of several the first is at desk 1, a single one at desk 0."""
    truths: dict[str, tuple[Truth, ...]] = {}

    async def heard(caller: Caller) -> None:
        join = re.compile(rb"Event: QueueCallerJoin\r\n(.+\r\n)*Uniqueid: " + re.escape(caller.uniqueid.encode()))
        await until(lambda: join.search(transcript.read_bytes()) is not None)
        await until(lambda: f"|{caller.uniqueid}|" in pbx.queue_log.read_text("utf-8", "replace"))

    async def one(way_out: WayOut, number: int) -> None:
        desk = Desk(wire, pbx, number, heard)
        truths[way_out.__name__] = await way_out(desk)  # type: ignore[attr-defined]
        if pbx.pid is not None:
            await desk.clear()

    async with asyncio.TaskGroup() as tasks, await Wire.to(pbx) as wire:
        recording = tasks.create_task(record(pbx.host, pbx.port, USER, pbx.secret, transcript))
        await until(lambda: transcript.exists() and b"FullyBooted" in transcript.read_bytes())
        async with asyncio.TaskGroup() as players:
            for number, way_out in enumerate(ways_out, int(len(ways_out) > 1)):
                players.create_task(one(way_out, number))
        if pbx.pid is not None:
            await wire.do("UserEvent", UserEvent="EndOfRound")
            await until(lambda: b"UserEvent: EndOfRound" in transcript.read_bytes())
            recording.cancel()
    return Round(truths, transcript, pbx.queue_log)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition; TimeoutError after a deadline."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not come about")
        await asyncio.sleep(0.01)
