"""What a listener promises when links come and go, clocks jump, and a decision can't be written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from daemon.ami.link import Link
from daemon.ami.listener import Listener, Surroundings
from daemon.ami.queue_log import Cursor, FileLog, QueueLog
from daemon.handlers.world import World
from daemon.storage import sight
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow, MissedItemRow, SightRow, WorkOrderRow, moment
from tests.integration.ami.scripted import Headers, Peer, ScriptedAsterisk, answer, frame, settings
from tests.worlds import small_world

DEADLINE = 20.0
NOON = 1_800_000_000.0


class Clock:
    """It stands, until it is set."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class House:
    """A store, a world, a scripted Asterisk, and a listener on its link."""

    def __init__(self, store: Store, world: World) -> None:
        self.store = store
        self.world = world
        self.clock = Clock()
        self.asterisk = ScriptedAsterisk(CoreShowChannels=channels)
        self.listener: Listener

    @contextlib.asynccontextmanager
    async def listening(self, queue_log: QueueLog | None = None) -> AsyncIterator[Peer]:
        """It listens; the first connection."""
        around = Surroundings(self.store, lambda: self.world, lambda _: None, self.clock)
        link: Link

        class Ear:
            heard_at = property(lambda _: link.heard_at)
            classes = property(lambda _: frozenset({"dialplan"}))

            async def ask(self, action: Any) -> Any:
                return await link.ask(action)

        self.listener = Listener("main", around, Ear(), queue_log)
        link = Link(settings(self.asterisk.port), self.listener, clock=self.clock, jitter=lambda: 1.0)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self.listener.run()), tasks.create_task(link.run())]
            try:
                yield await self.asterisk.peer()
            finally:
                for task in running:
                    task.cancel()

    async def verdicts(self) -> dict[str, str | None]:
        async with self.store.read() as session:
            rows = await session.execute(select(CallRow.uniqueid, CallRow.reason))
            return {row.uniqueid: row.reason for row in rows}

    async def orders(self) -> int:
        async with self.store.read() as session:
            return len((await session.scalars(select(WorkOrderRow.id))).all())

    async def items(self) -> list[str]:
        async with self.store.read() as session:
            return list((await session.scalars(select(MissedItemRow.state))).all())

    async def seen_at(self) -> float:
        async with self.store.read() as session:
            row = await session.get(SightRow, "main")
            return row.seen_at.timestamp() if row else 0.0

    async def was_seen(self, at: float, queue_log: FileLog) -> None:
        """An earlier process saw the PBX then, and read its queue_log so far."""
        end = await queue_log.end()
        async with self.store.write() as session:
            await sight.seen(session, "main", moment(at))
            await sight.move_cursor(
                session, "main", inode=end.inode, offset=end.offset, line_hash=end.line_hash, row_at=None
            )


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    made = House(store, await small_world(store))
    await made.asterisk.start()
    yield made
    await made.asterisk.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.touch()
    return path


async def until(found: Callable[[], Any], expected: object) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(DEADLINE):
        while await found() != expected:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)


def channels(asked: Headers, *uniqueids: str) -> bytes:
    """These live."""
    listed = (
        frame("Event: CoreShowChannel", f"ActionID: {asked['ActionID']}", f"Uniqueid: {u}", "Application: Queue")
        for u in uniqueids
    )
    end = frame("Event: CoreShowChannelsComplete", f"ActionID: {asked['ActionID']}", "EventList: Complete")
    return answer(asked, "EventList: start", "Message: Channels will follow") + b"".join(listed) + end


def waiters(asked: Headers, *uniqueids: str) -> bytes:
    """These wait in support, since this second."""
    who = ("Queue: support", "Position: 1", "CallerIDNum: 0301234567", "Wait: 0")
    listed = (frame("Event: QueueEntry", f"ActionID: {asked['ActionID']}", f"Uniqueid: {u}", *who) for u in uniqueids)
    end = frame("Event: QueueStatusComplete", f"ActionID: {asked['ActionID']}", "EventList: Complete")
    return answer(asked, "EventList: start", "Message: Queue status will follow") + b"".join(listed) + end


def told(uniqueid: str, *events: str, at: float | None = None, number: str = "0301234567") -> bytes:
    """Events of a caller in support."""
    more = {"AgentConnect": ("Interface: PJSIP/1000", "MemberName: Anna", "DestUniqueid: 9.9")}
    stamp = () if at is None else (f"Timestamp: {at:.6f}",)
    who = (f"Uniqueid: {uniqueid}", "Queue: support", f"CallerIDNum: {number}")
    return b"".join(
        frame(f"Event: {event}", "Privilege: agent,all", *stamp, *who, *more.get(event, ())) for event in events
    )


GIVES_UP = ("HangupRequest", "QueueCallerAbandon", "QueueCallerLeave", "Hangup")
IS_ANSWERED = ("QueueCallerLeave", "AgentConnect", "BridgeEnter", "Hangup")


def row(at: float, uniqueid: str, event: str, *data: str) -> str:
    return "|".join((f"{at:.0f}", uniqueid, "support", "Anna" if event == "CONNECT" else "NONE", event, *data)) + "\n"


async def test_a_call_that_begins_while_queue_log_is_read_is_not_judged_by_the_snapshot_before(
    house: House, file: Path
) -> None:
    class Slow(FileLog):
        """While it is read somebody joins."""

        async def read(self, cursor: Cursor) -> Any:
            if not said:
                said.append(True)
                peer.send(told("1.1", "QueueCallerJoin"))
                self.path.write_text(row(NOON - 1, "1.1", "ENTERQUEUE", "", "0301234567", "1"))
            return await super().read(cursor)

    said: list[bool] = []
    log = Slow(file)
    await house.was_seen(NOON - 60, log)
    async with house.listening(log) as peer:
        await until(house.verdicts, {"1.1": None})
        peer.send(told("1.1", *IS_ANSWERED))
        await until(house.verdicts, {"1.1": "answered"})
    assert await house.orders() == 0


async def test_who_was_answered_in_a_gap_and_hangs_up_while_it_is_looked_into_was_answered(
    house: House, file: Path
) -> None:
    class Slow(FileLog):
        """While it is read the talk is over."""

        async def read(self, cursor: Cursor) -> Any:
            if not said:
                said.append(True)
                peer.send(told("1.1", "Hangup", at=NOON))
                self.path.write_text(
                    row(NOON - 10, "1.1", "ENTERQUEUE", "", "0301234567", "1") + row(NOON - 8, "1.1", "CONNECT", "2")
                )
            return await super().read(cursor)

    said: list[bool] = []
    log = Slow(file)
    await house.was_seen(NOON - 60, log)
    async with house.listening(log) as peer:
        await until(house.verdicts, {"1.1": "answered"})
        assert await house.items() == []


async def test_a_link_that_fails_again_before_the_gap_was_looked_into_does_not_end_the_gap(
    house: House, file: Path
) -> None:
    log = FileLog(file)
    await house.was_seen(NOON - 600, log)
    file.write_text(
        row(NOON - 300, "1.1", "ENTERQUEUE", "", "0301234567", "1") + row(NOON - 250, "1.1", "ABANDON", "1", "1", "50")
    )
    patience = iter([None])
    house.asterisk.scripts["CoreShowChannels"] = lambda asked: next(patience, channels(asked))
    async with house.listening(log) as peer:
        await house.asterisk.was_asked("CoreShowChannels")
        peer.send(told("2.2", "QueueCallerJoin", *GIVES_UP, number="0309999999"))
        peer.drop()
        await until(house.verdicts, {"1.1": "abandoned", "2.2": "abandoned"})
    assert await house.orders() == 2


async def test_where_nobody_may_ask_who_lives_queue_log_alone_tells_who_gave_up(house: House, file: Path) -> None:
    del house.asterisk.scripts["CoreShowChannels"]
    async with house.listening(FileLog(file)) as peer:
        peer.send(told("1.1", "QueueCallerJoin"))
        await until(house.verdicts, {"1.1": None})
        house.clock.now += 600
        with file.open("a") as writing:
            writing.write(row(NOON, "1.1", "ENTERQUEUE", "", "0301234567", "1"))
            writing.write(row(NOON + 300, "1.1", "ABANDON", "1", "1", "300"))
        peer.drop()
        await until(house.verdicts, {"1.1": "abandoned"})
    assert await house.orders() == 1


async def test_who_is_answered_in_the_moment_of_the_snapshot_was_answered(house: House) -> None:
    def meanwhile(asked: Headers) -> bytes:
        house.clock.now += 3
        return told("1.1", *IS_ANSWERED, at=NOON + 1) + channels(asked)

    house.asterisk.scripts["QueueStatus"] = lambda asked: waiters(asked, "1.1")
    house.asterisk.scripts["CoreShowChannels"] = meanwhile
    async with house.listening():
        await until(house.verdicts, {"1.1": "answered"})
    assert await house.orders() == 0


async def test_who_is_answered_in_a_gap_after_he_gave_up_in_it_needs_no_call_back(house: House, file: Path) -> None:
    log = FileLog(file)
    await house.was_seen(NOON - 600, log)
    file.write_text(
        row(NOON - 500, "1.1", "ENTERQUEUE", "", "0301234567", "1")
        + row(NOON - 450, "1.1", "ABANDON", "1", "1", "50")
        + row(NOON - 400, "1.2", "ENTERQUEUE", "", "0301234567", "1")
        + row(NOON - 390, "1.2", "CONNECT", "10", "9.9", "1")
        + row(NOON - 300, "1.2", "COMPLETECALLER", "10", "90", "1")
    )
    async with house.listening(log):
        await until(house.verdicts, {"1.1": "abandoned", "1.2": "answered"})
    assert await house.items() == ["reached"]


async def test_a_clock_that_is_set_back_stops_nothing_and_nothing_grows(house: House) -> None:
    async with house.listening() as peer:
        peer.send(told("1.1", "QueueCallerJoin", *GIVES_UP))
        await until(house.verdicts, {"1.1": "abandoned"})
        house.clock.now -= 3600
        await until(house.seen_at, house.clock.now)
        assert house.listener.remembered == 0


async def test_a_decision_that_can_not_be_carried_out_is_set_aside_and_the_next_one_is(house: House) -> None:
    good = house.world
    house.world = replace(good, groups={})
    async with house.listening() as peer:
        peer.send(told("1.1", "QueueCallerJoin", *GIVES_UP))
        async with asyncio.timeout(DEADLINE):
            while not house.listener.counters.skipped:  # noqa: ASYNC110 - a counter tells nobody
                await asyncio.sleep(0.02)
        house.world = good
        peer.send(told("1.2", "QueueCallerJoin", *GIVES_UP, number="0309999999"))
        await until(house.orders, 1)
    assert (await house.verdicts())["1.2"] == "abandoned"
