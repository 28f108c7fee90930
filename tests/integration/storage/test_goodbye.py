"""A PostgreSQL server that says goodbye on connections that rest, as it does when it is shut down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from daemon.storage.engine import OUTAGES, Store, database_url

pytestmark = pytest.mark.postgres

GOODBYE = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
"""The fields of an ErrorResponse (PostgreSQL's manual, 55.8)."""


class Gate:
    """Passes everything between a client and the server, and can speak in the server's name."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._clients: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_unix_connection(self._server)
        self._clients.append(writer)
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(reader, onward))
            pumps.create_task(self._pump(there, writer))

    def say_goodbye(self) -> None:
        for client in self._clients:
            client.write(b"E" + (4 + len(GOODBYE)).to_bytes(4) + GOODBYE)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()


@pytest.fixture
async def gate(postgresql: str, tmp_path: Path) -> AsyncIterator[tuple[Gate, Store]]:
    folder = str(make_url(postgresql).query["host"])
    gate = Gate(f"{folder}/.s.PGSQL.5432")
    server = await asyncio.start_unix_server(gate.serve, tmp_path / ".s.PGSQL.5432")
    store = Store(database_url(postgresql.replace(folder, str(tmp_path))))
    yield gate, store
    await store.close()
    server.close()


async def ask(store: Store) -> int:
    async with store.read() as session:
        return int(await session.scalar(text("SELECT 42")) or 0)


async def test_a_connection_that_was_told_goodbye_costs_one_question(gate: tuple[Gate, Store]) -> None:
    door, store = gate
    assert await ask(store) == 42
    async with store.read() as one, store.read() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
    door.say_goodbye()
    for _ in range(20):  # the word has arrived; nobody has hung up
        await asyncio.sleep(0)
    with pytest.raises(OUTAGES):
        await ask(store)
    assert await ask(store) == 42
    assert await ask(store) == 42
