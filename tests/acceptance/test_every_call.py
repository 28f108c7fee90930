"""Hundreds of random calls on a real Asterisk: the orders equal the calls that the table calls missed.

Every way out, several at once; in the middle the daemon is killed and started again, Asterisk is stopped and killed
while callers wait. queue_log is the independent witness.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from daemon.demo import callers
from daemon.demo.asterisk import KINDS, PrivateAsterisk, queue_name
from daemon.demo.callers import Truth, WayOut
from daemon.demo.desks import Desk
from daemon.demo.house import House
from daemon.demo.wire import Wire
from tests.acceptance.rig import DEADLINE, until

CALLS = 300
DESKS = 10
SEED = 20261123
SAMPLE = Path(__file__).parents[2] / "config"
BY_SIP = [callers.abandoned_over_sip, callers.abandoned_in_the_place_of_another]
RARE = [callers.abandoned_during_memberdelay, *BY_SIP]
"""Played once: one waits for half a minute, the others share a SIP trunk and are played one after the other."""

QUICK = [way for way in callers.WAYS_OUT if way not in RARE]

WITHOUT_TRACE = {
    callers.refused_full,
    callers.refused_empty,
    callers.refused_unknown,
    callers.redirected,
    callers.bridged,
    callers.abandoned_in_the_place_of_another,
}
"""Ways out of which queue_log tells nothing, or the same as of giving up: not played in the moment of the crash."""

ABANDON_ROW = {"abandoned", "cut_off", "after_talk"}
"""Reasons of whose calls queue_log must have an ABANDON row; `moved` has one by Redirect, none by Bridge."""


TOLD_ALIKE = {("cut_off", "abandoned"), ("abandoned", "cut_off")}
"""Both are missed; queue_log has one word for them, so in the moment of the crash they can't be told apart."""


async def noted(house: House, uniqueids: Sequence[str], state: str = "ended", seconds: float = 90) -> None:
    """Wait until the daemon has written of each of these calls that it is in this state: it may be a little late."""
    ids = ",".join(f"'{uniqueid}'" for uniqueid in uniqueids)
    query = f"SELECT count(*) FROM call WHERE state = '{state}' AND uniqueid IN ({ids})"
    await house.until(query, [(len(uniqueids),)], seconds)


class Moment:
    """The moment of the crash: ways out that leave no trace in queue_log are over by then, and noted by the daemon."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._untraced: list[Truth] = []
        self._changed = asyncio.Condition()
        self._now = False
        self._playing = 0
        self._trunk = asyncio.Lock()

    async def play(self, way: WayOut, desk: Desk) -> tuple[Truth, ...]:
        """Play a way out, those by SIP one after the other."""
        async with self._trunk if way in BY_SIP else nullcontext():
            if way not in WITHOUT_TRACE:
                return await way(desk)
            async with self._changed:
                await self._changed.wait_for(lambda: not self._now)
                self._playing += 1
            truths = await way(desk)
            async with self._changed:
                self._playing -= 1
                self._untraced.extend(truths)
                self._changed.notify_all()
            return truths

    @asynccontextmanager
    async def comes(self) -> AsyncIterator[None]:
        """Nothing without a trace is being played inside, and what was played is in the database."""
        async with self._changed:
            self._now = True
            await self._changed.wait_for(lambda: self._playing == 0)
        await noted(self._house, [truth.uniqueid for truth in self._untraced])
        yield
        async with self._changed:
            self._now = False
            self._changed.notify_all()


async def a_shift(pbx: PrivateAsterisk, ways: Sequence[WayOut], house: House, *, kill_daemon: bool) -> list[Truth]:
    """Play ways out at all desks at once; in the middle kill -9 the daemon and start it again."""
    left = list(ways)
    truths: list[Truth] = []
    middle = asyncio.Event()
    moment = Moment(house)

    async def work(wire: Wire, number: int) -> None:
        while left:
            desk = Desk(wire, pbx, number)
            desk._calls = numbers[number]
            truths.extend(await moment.play(left.pop(), desk))
            await desk.clear()
            if len(left) < len(ways) // 2:
                middle.set()

    async def crash() -> None:
        await middle.wait()
        async with moment.comes():
            await house.kill()
            await house.start()

    numbers = {n: iter(range(n * 7, 10_000)) for n in range(DESKS)}
    async with await Wire.to(pbx) as wire, asyncio.TaskGroup() as tasks:
        for number in range(DESKS):
            tasks.create_task(work(wire, number))
        if kill_daemon:
            tasks.create_task(crash())
    await noted(house, [truth.uniqueid for truth in truths])
    return truths


async def waiting_when_it_ends(pbx: PrivateAsterisk, house: House, how: str) -> list[Truth]:
    """Four callers wait; then Asterisk is stopped or killed, and started again."""
    async with await Wire.to(pbx) as wire:
        desks = [Desk(wire, pbx, number) for number in range(4)]
        waiting = []
        for desk in desks:
            caller = await desk.call(
                desk.queue("support"), number=f"040{len(waiting)}{'77' if how == 'kill' else '88'}66971"
            )
            await caller.joined(desk.queue("support"))
            waiting.append((caller, desk.queue("support")))
        await noted(house, [caller.uniqueid for caller, _ in waiting], "waiting")
        await (pbx.kill() if how == "kill" else pbx.stop())
    await pbx.start()
    reason = "lost" if how == "kill" else "cut_off"
    return [Truth(caller.uniqueid, caller.number, (queue,), reason) for caller, queue in waiting]


def abandon_rows(pbx: PrivateAsterisk) -> list[str]:
    rows = [line.split("|") for line in pbx.queue_log.read_text("utf-8", "replace").splitlines()]
    return [row[1] for row in rows if len(row) > 4 and row[4] == "ABANDON"]


async def all_abandon_rows(pbx: PrivateAsterisk, truths: Sequence[Truth]) -> list[str]:
    """The rows, once those of everybody who gave up are there: a thread of its own writes them."""
    wanted = {truth.uniqueid for truth in truths if truth.reason == "abandoned"}
    await until(lambda: wanted <= set(abandon_rows(pbx)), DEADLINE, lambda: str(wanted - set(abandon_rows(pbx))))
    return abandon_rows(pbx)


def explain(truths: Sequence[Truth], rows: Sequence[str]) -> None:
    """Every difference between queue_log's ABANDON rows and the truth is one that the table names."""
    by_id = {truth.uniqueid: truth for truth in truths}
    without_row = [t for t in truths if t.reason in ABANDON_ROW and t.uniqueid not in rows]
    assert [t for t in without_row if t.reason != "cut_off"] == []  # Asterisk's stop may cut its log short
    for uniqueid in rows:
        truth = by_id.get(uniqueid)
        assert truth is None or truth.reason in ABANDON_ROW | {"moved"}, (uniqueid, truth)
    strangers = [uniqueid for uniqueid in rows if uniqueid not in by_id]
    taken = [truth for truth in truths if truth.reason == "moved"]
    assert len(strangers) <= len(taken)  # a surrogate's id, for one who was taken by Bridge


@pytest.mark.asterisk
@pytest.mark.parametrize("version", ["22", "16"])
async def test_orders_are_made_for_missed_calls_and_for_no_others(
    version: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    dice = random.Random(SEED)
    available = QUICK if version == "22" else [way for way in QUICK if way is not callers.withdrawn]
    plan = [dice.choice(available) for _ in range(CALLS)]
    plan += [*available, *RARE]
    dice.shuffle(plan)
    queues = [queue_name(kind, desk) for desk in range(DESKS) for kind in (*KINDS, "typo")]
    async with PrivateAsterisk(version, desks=DESKS) as pbx:  # type: ignore[arg-type]
        house = House(tmp_path, SAMPLE, pbx, queues)
        house.furnish()
        await house.start()
        try:
            half = len(plan) // 2
            truths = await a_shift(pbx, plan[:half], house, kill_daemon=True)
            truths += await waiting_when_it_ends(pbx, house, "stop")
            await house.ready()
            truths += await waiting_when_it_ends(pbx, house, "kill")
            await house.ready()
            truths += await a_shift(pbx, plan[half:], house, kill_daemon=False)
            missed = sorted(truth.uniqueid for truth in truths if truth.missed)
            await house.until("SELECT count(*) FROM call WHERE state <> 'ended'", [(0,)], seconds=90)
            reasons = dict(house.query("SELECT uniqueid, reason FROM call"))
            wrong = {
                t.uniqueid: (t.reason, reasons.get(t.uniqueid)) for t in truths if reasons.get(t.uniqueid) != t.reason
            }
            assert set(wrong.values()) <= TOLD_ALIKE, wrong
            orders = house.query(
                "SELECT c.uniqueid FROM work_order o JOIN missed_call m ON m.item_id = o.missed_item_id"
                " JOIN call c ON c.id = m.call_id"
            )
            assert sorted(uniqueid for (uniqueid,) in orders) == missed
            [(items, numbered)] = house.query("SELECT count(*), count(DISTINCT missed_item_id) FROM work_order")
            assert items == numbered
            explain(truths, await all_abandon_rows(pbx, truths))
            record_property("calls", len(truths))
            record_property("missed", len(missed))
            record_property("reasons", dict(Counter(truth.reason for truth in truths)))
            record_property("confused", wrong)
        finally:
            assert await house.stop() == 0
