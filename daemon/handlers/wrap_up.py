"""The pause after a call of which a result is owed: it begins with the call's end, and ends with the result, with its
time, or when the agent ends it.

A row is written with the call's end, in the same transaction; who is paused for it, Asterisk says. So whatever was
missed - a kill, a lost link - is put right by comparing the two: a seat that is paused as WRAP_UP without a row is
resumed, an agent with a row who is not paused is paused. Nothing else is ever resumed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.duty import WRAP_UP, Seat, steps
from daemon.errors import RefusedError
from daemon.handlers.live import News, Tell, Topic
from daemon.handlers.presence import Presence
from daemon.handlers.results import module_of
from daemon.handlers.seats import Switch, seat_pause
from daemon.handlers.world import World
from daemon.storage import results, wrap_ups
from daemon.storage.engine import OUTAGES, Store
from daemon.storage.results import TALKED
from daemon.storage.tables import CallRow, WrapUpRow

LONGEST_PAUSE: Final = 60.0  # seconds
SHORTEST_PAUSE: Final = 0.05  # seconds; a storm of news is one reason to look
AFTER_TROUBLE: Final = 5.0  # seconds
TOPICS: Final[frozenset[Topic]] = frozenset({"popup", "presence"})

log = structlog.get_logger()

Place = tuple[str, str, str]


async def begin_wrap_up(session: AsyncSession, world: World, call: CallRow) -> None:
    """An answered call is over: where its module wants it, who talked last is paused until he says what it came to."""
    module = module_of(world, call)
    if module is None or module.wrap_up is None or not module.results or call.reason not in TALKED:
        return
    if call.agent_id is None or call.team_id is None or call.ended_at is None:
        return
    if await results.result_of(session, call.id, call.agent_id) is None:
        await wrap_ups.begin(session, call, call.team_id, call.agent_id, call.ended_at + module.wrap_up)


class WrapUps:
    """The task that pauses and resumes; `until` tells pages how long it lasts."""

    def __init__(
        self,
        store: Store,
        world: Callable[[], World],
        presence: Presence,
        switch: Switch,
        tell: Tell,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._world = world
        self._presence = presence
        self._switch = switch
        self._tell = tell
        self._clock = clock
        self._woken = asyncio.Event()
        self._failing = False
        self._until: Mapping[int, datetime] = {}
        self._asked: dict[int, set[Place]] = defaultdict(set)
        self._seen: dict[int, set[Place]] = defaultdict(set)

    def until(self, agent_id: int) -> datetime | None:
        """When his wrap-up ends by itself; None: he has none."""
        return self._until.get(agent_id)

    def hear(self, news: News) -> None:
        """Look soon, if these news concern us."""
        if news.topic in TOPICS:
            self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._woken.clear()
            pause = await self._round()
            await asyncio.sleep(SHORTEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def end(self, agent_id: int) -> None:
        """He ends his wrap-up."""
        async with self._store.write() as session:
            await wrap_ups.end_of_agent(session, agent_id, "agent", self._clock())
        self._woken.set()

    async def _round(self) -> float:
        try:
            return await self.round()
        except (*OUTAGES, OSError) as problem:
            if not self._failing:
                log.error("wrap_up_failing", problem=str(getattr(problem, "orig", problem)))
            self._failing = True
            return AFTER_TROUBLE

    async def round(self) -> float:
        """Do what is to be done now; how long nothing will be due, in seconds."""
        at = self._clock()
        async with self._store.read() as session:
            rows = await wrap_ups.under_way(session)
        over = {row.id: "result" if given else "time" for row, given in rows if given or row.until <= at}
        await self._end(over, at)
        living = [row for row, _ in rows if row.id not in over]
        fine = await self._compare(living, at)
        self._failing = False
        if not fine:
            return AFTER_TROUBLE
        due = min((row.until for row in living), default=None)
        return LONGEST_PAUSE if due is None else min(LONGEST_PAUSE, max(0.0, (due - at).total_seconds()))

    async def _end(self, over: Mapping[int, str], at: datetime) -> None:
        if over:
            async with self._store.write() as session:
                for how in set(over.values()):
                    await wrap_ups.end(session, [id_ for id_, each in over.items() if each == how], how, at)

    async def _compare(self, living: list[WrapUpRow], at: datetime) -> bool:
        """What the rows want with what Asterisk says; whether every PBX did as it was asked."""
        before, fine = self._until, True
        self._until = _latest(living)
        for agent_id in {*self._until, *self._presence.seated(), *self._asked}:
            async with self._switch.lock(agent_id):
                fine = await self._one(agent_id, at) and fine
        for agent_id in before.keys() | self._until.keys():
            agent = self._world().agents.get(agent_id)
            if agent is not None and before.get(agent_id) != self._until.get(agent_id):
                self._tell(News(agent.team_id, "presence", (agent_id,), (), (agent_id,)))
        return fine

    async def _one(self, agent_id: int, at: datetime) -> bool:
        seats, asked, seen = self._presence.seats(agent_id), self._asked[agent_id], self._seen[agent_id]
        owed = agent_id in self._until
        asked &= {place for place in asked if self._presence.knows(place[0])}
        seen |= {seat.place for seat in seats if owed and seat.wraps_up}
        seen &= {seat.place for seat in seats}
        todo = steps(seats, owed=owed, asked=asked, seen=seen)
        if not owed or todo.given_up:
            self._asked.pop(agent_id, None)
            self._seen.pop(agent_id, None)
        if todo.given_up:
            self._until = {id_: until for id_, until in self._until.items() if id_ != agent_id}
            async with self._store.write() as session:
                await wrap_ups.end_of_agent(session, agent_id, "phone", at)
        fine = True
        for seat in todo.pause:
            if await self._ask(seat, paused=True):
                self._asked[agent_id].add(seat.place)
            else:
                fine = False
        for seat in todo.resume:
            fine = await self._ask(seat, paused=False) and fine
        return fine

    async def _ask(self, seat: Seat, *, paused: bool) -> bool:
        try:
            await self._switch.ask(seat.pbx, seat_pause(seat, WRAP_UP if paused else None))
        except RefusedError as problem:
            log.warning("wrap_up_refused", pbx=seat.pbx, queue=seat.member.queue, problem=str(problem))
            return False
        return True


def _latest(rows: list[WrapUpRow]) -> Mapping[int, datetime]:
    found: dict[int, datetime] = {}
    for row in rows:
        found[row.agent_id] = max(row.until, found.get(row.agent_id, row.until))
    return found
