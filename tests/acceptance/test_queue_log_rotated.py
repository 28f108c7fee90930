"""queue_log is rotated, by Asterisk or by hand, with and without the daemon listening: nothing lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.demo.asterisk import PrivateAsterisk
from daemon.demo.desks import Desk
from tests.acceptance.rig import (
    DEADLINE,
    GAPS,
    ORDERS,
    Outpost,
    orders_of,
    somebody_gives_up,
    somebody_waits,
    until,
)

pytestmark = pytest.mark.asterisk


async def by_asterisk(pbx: PrivateAsterisk) -> None:
    await pbx.rx("logger rotate")


async def by_rename(pbx: PrivateAsterisk) -> None:
    """As logrotate does it: renamed, then Asterisk is told."""
    number = len(list(pbx.queue_log.parent.glob("queue_log*")))
    pbx.queue_log.rename(pbx.queue_log.with_name(f"queue_log-202611{number:02d}"))
    await pbx.rx("logger reload")


async def rotated(pbx: PrivateAsterisk, how: str) -> None:
    inode = pbx.queue_log.stat().st_ino
    await (by_asterisk(pbx) if how == "by Asterisk" else by_rename(pbx))
    await until(
        lambda: pbx.queue_log.exists() and pbx.queue_log.stat().st_ino != inode,
        DEADLINE,
        lambda: str(sorted(pbx.queue_log.parent.glob("queue_log*"))),
    )


@pytest.mark.parametrize("how", ["by Asterisk", "by rename"])
async def test_rotated_while_the_daemon_is_down_and_while_it_is_up(house: Outpost, desk: Desk, how: str) -> None:
    pbx = house.pbx
    await house.start()
    first = await somebody_gives_up(desk)
    waits = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    await house.kill()
    before = await somebody_gives_up(desk)
    await rotated(pbx, how)
    between = await somebody_gives_up(desk)
    await rotated(pbx, how)
    await waits.hang_up()
    after = await somebody_gives_up(desk)
    await house.start()
    everybody = [first, waits, before, between, after]
    await house.until(ORDERS, orders_of(*everybody))
    await rotated(pbx, how)
    everybody.append(await somebody_gives_up(desk))
    await house.until(ORDERS, orders_of(*everybody))
    await house.caught_up()
    assert house.query(ORDERS) == orders_of(*everybody)
    assert house.query(GAPS) == [(True, "")]


async def test_renamed_and_asterisk_not_yet_told_when_the_daemon_starts(house: Outpost, desk: Desk) -> None:
    pbx = house.pbx
    await house.start()
    first = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(first))
    await house.kill()
    pbx.queue_log.rename(pbx.queue_log.with_name("queue_log-20261201"))
    meanwhile = await somebody_gives_up(desk)  # it is written to the renamed file
    await house.start()
    await house.until(ORDERS, orders_of(first, meanwhile))
    await house.until(GAPS, [(True, "")])
    await pbx.rx("logger reload")
    await until(pbx.queue_log.exists, DEADLINE, lambda: "no new queue_log")
    last = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(first, meanwhile, last))
    await house.caught_up()
    assert house.query(ORDERS) == orders_of(first, meanwhile, last)


async def test_queue_log_that_is_out_of_reach_for_a_while_still_tells_of_the_gap(
    house: Outpost, desk: Desk, tmp_path: Path
) -> None:
    mounted = tmp_path / "queue_log"
    mounted.symlink_to(house.pbx.queue_log)
    house.with_pbx(queue_log=f"{{file: {mounted}}}")
    await house.start()
    waits = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    await house.until("SELECT count(*) FROM queue_log_cursor", [(1,)])
    await house.kill()
    await waits.hang_up()
    unseen = await somebody_gives_up(desk)
    mounted.unlink()
    await house.start()
    await house.until(ORDERS, orders_of(waits, reason="lost"))
    [(explained, note)] = await house.until(GAPS, house.query(GAPS))
    assert not explained
    assert "No such file" in note
    assert "queue_log can" in await house.page("/status")
    mounted.symlink_to(house.pbx.queue_log)
    await house.until(ORDERS, sorted([*orders_of(waits, reason="lost"), *orders_of(unseen)]))
    assert len(house.said("queue_log_unreadable")) == len(house.said("queue_log_readable_again")) == 1
