"""What happens without anybody asking: timers fire, orders that wait are given to those who can take them, group
admins hear once a day what is late, and what nobody needs any more is swept away once an hour.

One task of the process. It looks when something changed that concerns it, when the next timer is due, and once a
minute in any case; what a stopped process missed is done when it starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from daemon.handlers.assignment import Assignment
from daemon.handlers.deadlines import fire_due, next_due
from daemon.handlers.letters import add_digests, digest_day
from daemon.handlers.live import News, Tell, Topic
from daemon.storage.engine import OUTAGES

LONGEST_PAUSE: Final = 60.0  # seconds
SHORTEST_PAUSE: Final = 0.1  # seconds; a storm of news is one reason to look, not a thousand
AFTER_TROUBLE: Final = 5.0  # seconds
BETWEEN_SWEEPS: Final = timedelta(hours=1)
TOPICS: Final[frozenset[Topic]] = frozenset({"work_orders", "rules"})

log = structlog.get_logger()


class Upkeep:
    """The task and what wakes it."""

    def __init__(
        self,
        assignment: Assignment,
        sweep: Callable[[datetime], Awaitable[None]],
        tell: Tell,
        clock: Callable[[], datetime],
    ) -> None:
        self._assignment = assignment
        self._sweep = sweep
        self._sweep_at: datetime | None = None
        self._digested: date | None = None
        self._tell = tell
        self._clock = clock
        self._woken = asyncio.Event()
        self._failing = False

    def hear(self, news: News) -> None:
        """Look soon, if these news concern us."""
        if news.topic in TOPICS:
            self._woken.set()

    def wake(self) -> None:
        """Look soon: somebody came online, or the configuration is another one."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._woken.clear()
            pause = await self._round()
            await asyncio.sleep(SHORTEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for would lose a cancellation that comes with the waking
                    await self._woken.wait()

    async def round(self) -> None:
        """Do all that is to be done now."""
        at, store, world = self._clock(), self._assignment.store, self._assignment.world()
        due = await next_due(store)
        fired = await fire_due(store, world, at) if due is not None and due <= at else ()
        for news in (*fired, *await self._assignment.give_out(at)):
            self._tell(news)
        day = digest_day(world.mail, at)
        if day is not None and day != self._digested:
            await add_digests(store, world, day, at)
            self._digested = day
        if self._sweep_at is None or at >= self._sweep_at:
            await self._sweep(at)
            self._sweep_at = at + BETWEEN_SWEEPS

    async def _round(self) -> float:
        """Do it, and say how long nothing will be due, in seconds."""
        try:
            await self.round()
            due = await next_due(self._assignment.store)
        except (*OUTAGES, OSError) as problem:
            if not self._failing:
                log.error("upkeep_failing", error=str(getattr(problem, "orig", problem)))
            self._failing = True
            return AFTER_TROUBLE
        if self._failing:
            log.info("upkeep_well_again")
        self._failing = False
        if due is None:
            return LONGEST_PAUSE
        return min(LONGEST_PAUSE, max(0.0, (due - self._clock()).total_seconds()))
