"""The cable between the daemon and Asterisk is cut, or goes dead without a word, while callers give up."""

from __future__ import annotations

import pytest

from daemon.demo.desks import Desk
from tests.acceptance.rig import (
    CALLS,
    GAPS,
    ORDERS,
    Cable,
    Outpost,
    orders_of,
    somebody_gives_up,
    somebody_is_answered,
    somebody_waits,
)
from tests.integration.ami.scripted import Headers, ScriptedAsterisk, answer, frame, join

pytestmark = pytest.mark.asterisk


@pytest.mark.parametrize("with_queue_log", [True, False])
async def test_a_cable_that_was_cut(house: Outpost, cable: Cable, desk: Desk, with_queue_log: bool) -> None:
    if not with_queue_log:
        house.with_pbx(queue_log="null")
    await house.start()
    waits = await somebody_waits(desk)
    stays = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(2,)])
    await cable.cut()
    await house.until_ready_is(503)
    await waits.hang_up()
    unseen = await somebody_gives_up(desk)
    served = await somebody_is_answered(desk)
    await cable.lay()
    await house.until_ready_is(200)
    found = orders_of(waits, unseen) if with_queue_log else orders_of(waits, reason="lost")
    await house.until(ORDERS, found)
    await stays.hang_up()
    found = sorted([*found, *orders_of(stays)])
    await house.until(ORDERS, found)
    if with_queue_log:
        await house.caught_up()
        assert house.query(CALLS) == sorted([*found, (served.uniqueid, "answered")])
    assert house.query(ORDERS) == found
    assert house.query("SELECT explained FROM gap") == [(with_queue_log,)]
    assert len(house.said("ami_link_down")) == 1
    assert len(house.said("ami_link_up")) == 2


async def test_a_cable_that_is_dead_and_nobody_is_told(house: Outpost, cable: Cable, desk: Desk) -> None:
    house.with_pbx(ping_interval=1, pong_timeout=4)
    await house.start()
    waits = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    cable.go_dead()
    await waits.hang_up()
    unseen = await somebody_gives_up(desk)
    served = await somebody_is_answered(desk)
    await house.until_said("ami_link_down")
    later = await somebody_gives_up(desk)
    cable.revive()
    await house.until(ORDERS, orders_of(waits, unseen, later))
    await house.until_ready_is(200)
    await house.caught_up()
    assert house.query(CALLS) == sorted([*orders_of(waits, unseen, later), (served.uniqueid, "answered")])
    assert house.query(ORDERS) == orders_of(waits, unseen, later)
    assert house.query(GAPS) == [(True, "")]


def _queue(asked: Headers, *entries: tuple[str, ...]) -> bytes:
    """An answer to QueueStatus."""
    items = b"".join(frame("Event: QueueEntry", f"ActionID: {asked['ActionID']}", *entry) for entry in entries)
    end = frame("Event: QueueStatusComplete", f"ActionID: {asked['ActionID']}", "EventList: Complete")
    return answer(asked, "EventList: start", "Message: Queue status will follow") + items + end


def _channels(asked: Headers) -> bytes:
    end = frame("Event: CoreShowChannelsComplete", f"ActionID: {asked['ActionID']}", "EventList: Complete")
    return answer(asked, "EventList: start", "Message: Channels will follow") + end


async def test_who_waits_is_asked_again_of_an_asterisk_that_is_slow_and_writes_garbage(house: Outpost) -> None:
    asterisk = ScriptedAsterisk(CoreShowChannels=_channels)
    await asterisk.start()
    try:
        house.with_pbx(port=asterisk.port, queue_log="null", ping_interval=30, pong_timeout=2)
        await house.start()
        peer = await asterisk.peer()
        peer.send(join("1700000000.1"))
        await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
        await house.kill()
        silences = iter([None, None])

        def late(asked: Headers) -> bytes | None:
            return next(silences, _queue(asked, ("Queue: support", "Position: 1"), ("Queue: support", "Uniqueid: 2.2")))

        asterisk.scripts["QueueStatus"] = late
        await house.start()
        await house.until(
            "SELECT uniqueid, reason, state FROM call ORDER BY uniqueid DESC",
            [
                ("2.2", None, "waiting"),
                ("1700000000.1", "lost", "ended"),
            ],
        )
        assert house.said("ami_snapshot_late")
        assert house.said("ami_frame_refused")
        assert len(house.said("ami_link_up")) == 2
    finally:
        await house.stop()
        await asterisk.stop()
