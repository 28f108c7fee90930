"""What only reads: a transaction of its own, which costs no more trips than its statements."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from daemon.storage.engine import Store, database_url


@pytest.fixture
async def store(tmp_path: Path):
    store = Store(database_url(f"sqlite:///{tmp_path}/one.sqlite"), pool_size=2)
    async with store.write() as session:
        await session.execute(text("CREATE TABLE line (n INTEGER)"))
        await session.execute(text("INSERT INTO line VALUES (1)"))
    yield store
    await store.close()


async def lines(session) -> int:
    return await session.scalar(text("SELECT count(*) FROM line"))


async def test_a_reader_sees_the_same_from_his_first_statement_to_his_last(store: Store) -> None:
    async with store.read() as reader:
        assert await lines(reader) == 1
        async with store.write() as writer:
            await writer.execute(text("INSERT INTO line VALUES (2)"))
        assert await lines(reader) == 1
    async with store.read() as reader:
        assert await lines(reader) == 2


async def test_a_connection_that_only_read_can_write_at_once_and_one_that_wrote_read(store: Store) -> None:
    for n in range(2, 12):
        async with store.read() as reader:
            assert await lines(reader) == n - 1
        async with store.write() as writer:
            await writer.execute(text("INSERT INTO line VALUES (:n)"), {"n": n})


async def test_a_reader_who_asks_nothing_leaves_nothing_open(store: Store) -> None:
    for _ in range(4):
        async with store.read():
            pass
    async with store.write() as writer:
        await writer.execute(text("DROP TABLE line"))


async def test_what_is_rolled_back_after_reading_is_not_there(store: Store) -> None:
    async with store.read() as reader:
        await lines(reader)
    with pytest.raises(OperationalError):
        await _write_in_vain(store)
    async with store.read() as reader:
        assert await lines(reader) == 1


async def _write_in_vain(store: Store) -> None:
    async with store.write() as writer:
        await writer.execute(text("INSERT INTO line VALUES (2)"))
        await writer.execute(text("INSERT INTO nowhere VALUES (2)"))
