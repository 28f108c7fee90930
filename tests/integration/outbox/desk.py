"""Parcels, a clock that is turned by hand, and a deliverer that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from daemon.handlers.live import News
from daemon.outbox.policy import Answer, Kind, Rules
from daemon.outbox.worker import Limits, Worker
from daemon.storage import outbox
from daemon.storage.engine import Store
from daemon.storage.outbox import Parcel, Taken, message_id
from daemon.storage.tables import OutboxRow, TeamRow

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
TAKEN = Answer(Kind.TAKEN, "200", "thanks")
DOWN = Answer(Kind.DOWN, "503", "busy")
RULES = Rules(attempts=3, first_pause=timedelta(seconds=10), longest_pause=timedelta(minutes=1))


def parcel(what: str, line: str = "", endpoint: str = "crm") -> Parcel:
    name = message_id(endpoint, what)
    return Parcel(1, "webhook", endpoint, line, name, "order.created", 1, {"what": what})


async def posted(store: Store, *parcels: Parcel, at: datetime = AT) -> None:
    async with store.write() as session:
        if await session.get(TeamRow, 1) is None:
            session.add(TeamRow(id=1, name="acme", label="Acme"))
            await session.flush()
        await outbox.add(session, parcels, at)


async def rows(store: Store) -> Sequence[OutboxRow]:
    async with store.read() as session:
        return (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()


async def states(store: Store) -> list[str]:
    return [row.state for row in await rows(store)]


class Hands:
    """Delivers; `answers` says what comes of an attempt, by what is in the parcel. What hangs waits for `go`."""

    def __init__(self, answers: Callable[[Taken], Answer | None] = lambda _: TAKEN) -> None:
        self.answers = answers
        self.sent: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self.go = asyncio.Event()

    async def deliver(self, taken: Taken) -> Answer:
        self.sent.append(str(taken.parcel.payload["what"]))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = self.answers(taken)
            if answer is None:
                await self.go.wait()
                return TAKEN
            return answer
        finally:
            self._at_once -= 1


class Office:
    """A worker and its surroundings."""

    def __init__(self, store: Store, hands: Hands, holder: str = "one", limits: Limits | None = None) -> None:
        self.store = store
        self.hands = hands
        self.at = AT
        self.told: list[News] = []
        self.worker = Worker(
            store,
            {"webhook": hands},
            self.told.append,
            lambda: self.at,
            lambda: 0.999,
            holder,
            RULES,
            limits or Limits(),
        )

    async def until(self, fulfilled: Callable[[Sequence[OutboxRow]], bool]) -> Sequence[OutboxRow]:
        async with asyncio.timeout(20):
            while not fulfilled(found := await rows(self.store)):
                self.worker.wake()
                await asyncio.sleep(0.01)
        return found

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.worker.wake()


@asynccontextmanager
async def working(
    store: Store, hands: Hands, holder: str = "one", limits: Limits | None = None
) -> AsyncIterator[Office]:
    office = Office(store, hands, holder, limits)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(office.worker.run())
        yield office
        task.cancel()


def all_delivered(found: Sequence[OutboxRow]) -> bool:
    return bool(found) and all(row.state == "delivered" for row in found)
