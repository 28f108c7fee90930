"""The daemon is stopped or killed while callers come and go; started again it makes exactly the right orders.

On SQLite and on PostgreSQL; queue_log is the witness, and where there is none, the daemon says what it can't know.
"""

from __future__ import annotations

import pytest

from daemon.demo.desks import Desk
from tests.acceptance.rig import (
    CALLS,
    GAPS,
    ORDERS,
    Outpost,
    orders_of,
    somebody_gives_up,
    somebody_is_answered,
    somebody_waits,
)

pytestmark = pytest.mark.asterisk


async def end(house: Outpost, how: str) -> None:
    await (house.kill() if how == "kill" else house.stop())


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_who_waited_and_gave_up_meanwhile_has_one_order_and_the_gap_is_explained(
    home: Outpost, desk: Desk, how: str
) -> None:
    await home.start()
    caller = await somebody_waits(desk)
    await home.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    await end(home, how)
    await caller.hang_up()
    await home.start()
    await home.until(ORDERS, orders_of(caller))
    await home.until(GAPS, [(True, "")])
    await home.caught_up()
    assert home.query(ORDERS) == orders_of(caller)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_who_came_gave_up_or_was_answered_wholly_meanwhile_is_judged(home: Outpost, desk: Desk, how: str) -> None:
    await home.start()
    patient = await somebody_waits(desk)
    await home.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    await end(home, how)
    await patient.hang_up()
    impatient = await somebody_gives_up(desk)
    served = await somebody_is_answered(desk)
    stays = await somebody_waits(desk)
    await home.start()
    await home.until(ORDERS, orders_of(patient, impatient))
    await stays.hang_up()
    await home.until(ORDERS, orders_of(patient, impatient, stays))
    await home.caught_up()
    assert home.query(ORDERS) == orders_of(patient, impatient, stays)
    assert home.query(CALLS) == sorted([*orders_of(patient, impatient, stays), (served.uniqueid, "answered")])
    assert home.query(GAPS) == [(True, "")]


async def test_without_queue_log_who_is_gone_is_lost_and_the_gap_is_shown_as_unexplained(
    house: Outpost, desk: Desk
) -> None:
    house.with_queue_log = False
    house.furnish()
    await house.start()
    waited = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    await house.kill()
    await waited.hang_up()
    await somebody_gives_up(desk)  # nothing can tell of him
    await house.start()
    await house.until(ORDERS, orders_of(waited, reason="lost"))
    await house.until(GAPS, [(False, "no queue_log is configured")])
    status = await house.page("/status")
    assert "no queue_log is configured" in status
    assert "what happens while the link is down can" in status
    assert house.query(CALLS) == orders_of(waited, reason="lost")
