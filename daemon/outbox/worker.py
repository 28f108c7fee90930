"""The worker: takes parcels that are due, lets them be delivered, and writes what came of it.

One transaction writes what came of many and takes the next ones. Who is slow or dead holds up nobody else: each
endpoint has a few places of its own, and none while its circuit is open. What is under way is held by a lease that is
renewed; a process that dies loses it, and the parcel goes again under the same message id.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from daemon.handlers.live import News, Tell
from daemon.outbox.policy import Answer, Circuit, Decision, Delivered, Kind, Retry, Rules, decide
from daemon.storage import outbox
from daemon.storage.engine import Store
from daemon.storage.outbox import Channel, Depth, Settled, Taken

DEADLINE: Final = 30.0  # seconds for one delivery
LEASE: Final = timedelta(seconds=12)
LONGEST_PAUSE: Final = 2.0  # seconds: other nodes add rows, too
SHORTEST_PAUSE: Final = 0.02  # seconds: what happens meanwhile is done together
IDLE_PAUSE: Final = 0.1  # seconds: after a look that found nothing to do
AFTER_TROUBLE: Final = 5.0  # seconds
PATIENCE_AT_END: Final = 1.5  # seconds for what is under way
BETWEEN_COUNTS: Final = timedelta(seconds=15)
BETWEEN_NEWS: Final = timedelta(seconds=1)

log = structlog.get_logger()

Place = tuple[Channel, str]


class Deliverer(Protocol):
    """A channel: see the package's docstring."""

    async def deliver(self, taken: Taken) -> Answer:
        """Send it, once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many parcels may be under way at once: in all, and to one endpoint."""

    in_all: int = 64
    per_endpoint: int = 8


@dataclass(slots=True)
class Counts:
    """What was done, by channel and outcome; how deep the outbox was when it was last counted."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    depths: list[Depth] = field(default_factory=list)


class Worker:
    """One a process. `holder` names it among the processes that share the database, each time anew."""

    def __init__(
        self,
        store: Store,
        deliverers: Mapping[Channel, Deliverer],
        tell: Tell,
        clock: Callable[[], datetime],
        random: Callable[[], float],
        holder: str,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        limits: Limits = Limits(),
    ) -> None:
        self._store = store
        self._deliverers = deliverers
        self._tell = tell
        self._clock = clock
        self._random = random
        self._holder = holder
        self._rules = rules
        self._limits = limits
        self._woken = asyncio.Event()
        self._held: dict[int, tuple[Taken, datetime]] = {}  # until it is settled: (it, the lease's end)
        self._answered: deque[tuple[Taken, Answer]] = deque()
        self._under_way: Counter[Place] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._circuits: dict[Place, Circuit] = {}
        self._failing = False
        self._moved = False
        self._count_at: datetime | None = None
        self._untold: dict[int, list[int]] = {}
        self._tell_at: datetime | None = None
        self.counts = Counts()

    def hear(self, _news: News) -> None:
        """Something was committed: there may be parcels."""
        self._woken.set()

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()

    def open_circuits(self) -> tuple[Place, ...]:
        """Endpoints that count as down."""
        return tuple(place for place, circuit in self._circuits.items() if circuit.is_open)

    async def run(self) -> None:
        """Until it is cancelled; then what is under way may end, for a moment, and the rest is let go."""
        async with asyncio.TaskGroup() as group:
            try:
                await self._work(group)
            except asyncio.CancelledError:
                await self._end()
                with suppress(SQLAlchemyError, OSError):
                    await self._let_go()
                raise

    async def _work(self, group: asyncio.TaskGroup) -> None:
        begun = False
        while True:
            self._woken.clear()
            try:
                if not begun and self._store.is_sqlite:
                    await self._take_over()
                begun = True
                pause = await self._whole_round(group)
            except (SQLAlchemyError, OSError) as problem:
                if not self._failing:
                    log.error("outbox_failing", error=str(getattr(problem, "orig", problem)))
                self._failing = True
                await asyncio.sleep(AFTER_TROUBLE)
                continue
            if self._failing:
                log.info("outbox_well_again")
            self._failing = False
            await asyncio.sleep(SHORTEST_PAUSE if self._moved else IDLE_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _whole_round(self, group: asyncio.TaskGroup) -> float:
        """A round that is not cut off in the middle of a transaction: whoever ends us waits for it, for a moment."""
        task = group.create_task(self._tried(group), name="round")
        try:
            found = await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task], timeout=PATIENCE_AT_END)
            raise
        if isinstance(found, Exception):
            raise found
        return found

    async def _tried(self, group: asyncio.TaskGroup) -> float | SQLAlchemyError | OSError:
        """A round, or why there was none: an error that is raised would end all that is under way."""
        try:
            return await self.round(group)
        except (SQLAlchemyError, OSError) as problem:
            return problem

    async def _take_over(self) -> None:
        """Nobody else uses a SQLite file: what an earlier process held is nobody's."""
        async with self._store.write() as session:
            await outbox.release(session, None, self._clock())

    async def _end(self) -> None:
        if not self._tasks:
            return
        _, running = await asyncio.wait(self._tasks, timeout=PATIENCE_AT_END)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _let_go(self) -> None:
        at = self._clock()
        async with self._store.write() as session:
            await outbox.settle(session, self._settled(tuple(self._answered), at), self._holder, at)
            await outbox.release(session, self._holder, at)

    # --- a round ---------------------------------------------------------------------------------------------------

    async def round(self, group: asyncio.TaskGroup) -> float:
        """Settle, take, begin; the seconds until there will be something to do."""
        at = self._clock()
        await self._count(at)
        answered = tuple(self._answered)
        wishes, pause = await self._wishes(at, answered)
        settled = self._settled(answered, at)
        renewed = [id_ for id_, (_, until) in self._held.items() if until - at < LEASE / 2]
        taken: list[Taken] = []
        if settled or renewed or wishes:
            async with self._store.write() as session:
                await outbox.settle(session, settled, self._holder, at)
                if renewed:
                    await outbox.keep(session, renewed, self._holder, at + LEASE)
                for (channel, endpoint), limit in wishes:
                    taken += await outbox.take(session, channel, endpoint, limit, self._holder, at, at + LEASE)
        for id_ in renewed:
            self._held[id_] = (self._held[id_][0], at + LEASE)
        self._after(answered, settled)
        self._moved = bool(settled or taken)
        self._tell_on(at)
        for each in taken:
            self._begin(group, each, at)
        return pause

    async def _wishes(
        self, at: datetime, answered: tuple[tuple[Taken, Answer], ...]
    ) -> tuple[list[tuple[Place, int]], float]:
        """How many are to be taken of which endpoint."""
        wishes: list[tuple[Place, int]] = []
        busy = self._under_way - Counter((each.parcel.channel, each.parcel.endpoint) for each, _ in answered)
        free = self._limits.in_all - busy.total()
        next_at: list[datetime] = []
        for channel in self._deliverers:
            async with self._store.glance() as connection:
                standings = await outbox.standings(connection, channel, at)
            for standing in standings:
                place = (channel, standing.endpoint)
                if standing.next_at is not None:
                    next_at.append(standing.next_at)
                circuit = self._circuits.get(place, Circuit())
                limit = min(free, circuit.slots(at, self._limits.per_endpoint) - busy[place])
                if standing.due and limit > 0:
                    wishes.append((place, limit))
                    free -= limit
                elif standing.due and circuit.open_until is not None and circuit.open_until > at:
                    next_at.append(circuit.open_until)
        soonest = min(((each - at).total_seconds() for each in next_at), default=LONGEST_PAUSE)
        return wishes, max(0.0, min(LONGEST_PAUSE, soonest))

    def _settled(self, answered: tuple[tuple[Taken, Answer], ...], at: datetime) -> list[Settled]:
        settled = []
        for taken, answer in answered:
            decision = decide(answer, taken.attempts + 1, at, self._rules, self._random())
            settled.append(_settled(taken, answer, decision))
        return settled

    def _after(self, answered: tuple[tuple[Taken, Answer], ...], settled: list[Settled]) -> None:
        """It is committed: forget those, count them, and keep in mind who looks on."""
        for (taken, answer), each in zip(answered, settled, strict=True):
            self._answered.popleft()
            del self._held[taken.id]
            self._under_way[taken.parcel.channel, taken.parcel.endpoint] -= 1
            self.counts.outcomes[taken.parcel.channel, "retried" if each.state == "waiting" else each.state] += 1
            self._untold.setdefault(taken.parcel.team_id, []).append(taken.id)
            if each.state == "parked":
                log.warning("outbox_parked", id=taken.id, endpoint=taken.parcel.endpoint, code=answer.code)

    def _tell_on(self, at: datetime) -> None:
        """Pages look again once a second at the most, however much is delivered."""
        if self._untold and (self._tell_at is None or at >= self._tell_at):
            untold, self._untold, self._tell_at = self._untold, {}, at + BETWEEN_NEWS
            for team_id, ids in untold.items():
                self._tell(News(team_id, "deliveries", tuple(ids)))

    async def _count(self, at: datetime) -> None:
        if self._count_at is None or at >= self._count_at:
            self._count_at = at + BETWEEN_COUNTS
            async with self._store.read() as session:
                self.counts.depths = await outbox.depths(session)

    # --- a delivery ------------------------------------------------------------------------------------------------

    def _begin(self, group: asyncio.TaskGroup, taken: Taken, at: datetime) -> None:
        self._held[taken.id] = (taken, at + LEASE)
        self._under_way[taken.parcel.channel, taken.parcel.endpoint] += 1
        task = group.create_task(self._deliver(taken), name=f"delivery {taken.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, taken: Taken) -> None:
        answer = await self._answer(taken)
        place = (taken.parcel.channel, taken.parcel.endpoint)
        before = self._circuits.get(place, Circuit())
        after = before.after(answer, self._clock(), self._rules)
        if after == Circuit():
            self._circuits.pop(place, None)  # endpoints come and go; only those in trouble are remembered
        else:
            self._circuits[place] = after
        if after.is_open and not before.is_open:
            log.warning("outbox_endpoint_down", channel=place[0], endpoint=place[1], code=answer.code)
        elif before.is_open and not after.is_open:
            log.info("outbox_endpoint_up_again", channel=place[0], endpoint=place[1])
        self._answered.append((taken, answer))
        self._woken.set()

    async def _answer(self, taken: Taken) -> Answer:
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._deliverers[taken.parcel.channel].deliver(taken)
        except TimeoutError:
            return Answer(Kind.DOWN, "timeout", f"no answer within {DEADLINE:g} seconds")
        except Exception as error:
            log.exception("outbox_delivery_failed", id=taken.id, endpoint=taken.parcel.endpoint)
            return Answer(Kind.LATER, "error", type(error).__name__)


def _settled(taken: Taken, answer: Answer, decision: Decision) -> Settled:
    match decision:
        case Delivered():
            return Settled(taken.id, "delivered", answer.code, answer.text)
        case Retry(at):
            return Settled(taken.id, "waiting", answer.code, answer.text, at)
        case _:
            return Settled(taken.id, "parked", answer.code, answer.text)
