"""SQLite in a thread of its own, with one trip to it for each statement.

aiosqlite goes to the connection's thread for a cursor, for the statement, for its rows and for closing the cursor; the
loop wakes up four times, and that costs more than most statements do. Here a statement and its rows are one trip. The
rows of a result are in memory at once, as SQLAlchemy wants them (connectors/asyncio.py, AsyncAdapt_dbapi_cursor).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import aiosqlite


class Cursor:
    """What SQLAlchemy asks of an asyncio cursor (connectors/asyncio.py, AsyncIODBAPICursor)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, operation: str, parameters: Sequence[Any] | None = None) -> Cursor:
        """Run a statement and take its rows. Raises what sqlite3 raises."""
        return await self._take(partial(_run, operation, parameters or ()))

    async def executemany(self, operation: str, parameters: Sequence[Sequence[Any]]) -> Cursor:
        """Run a statement for each of the parameters. Raises what sqlite3 raises."""
        return await self._take(partial(_run_many, operation, parameters))

    async def fetchall(self) -> Sequence[Any]:
        """All rows that were not taken yet."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """There is nothing open."""

    async def _take(self, run: Callable[[sqlite3.Connection], _Ran]) -> Cursor:
        self.description, self._rows, self.rowcount, self.lastrowid = await self._connection.trip(run)
        return self


_Ran = tuple[Any, list[Any], int, int | None]


def _run(operation: str, parameters: Sequence[Any], connection: sqlite3.Connection) -> _Ran:
    cursor = connection.execute(operation, parameters)
    rows = cursor.fetchall() if cursor.description else []
    ran = cursor.description, rows, cursor.rowcount, cursor.lastrowid
    cursor.close()
    return ran


def _begun(run: Callable[[sqlite3.Connection], _Ran], connection: sqlite3.Connection) -> _Ran:
    connection.execute("BEGIN").close()
    return run(connection)


def _run_many(operation: str, parameters: Sequence[Sequence[Any]], connection: sqlite3.Connection) -> _Ran:
    cursor = connection.executemany(operation, parameters)
    ran: _Ran = (None, [], cursor.rowcount, cursor.lastrowid)
    cursor.close()
    return ran


class Connection(aiosqlite.Connection):
    """A connection whose cursors make one trip. What only reads begins with its first statement, and ends unawaited."""

    _begins = _reads = False

    def begin_reading(self) -> None:
        """The next statement opens a transaction that only reads."""
        self._begins = self._reads = True

    def cursor(self) -> Cursor:  # type: ignore[override]  # SQLAlchemy enters it; aiosqlite's own needs a trip for it
        """A cursor, which costs nothing until it is used."""
        return Cursor(self)

    async def trip(self, run: Callable[[sqlite3.Connection], _Ran]) -> _Ran:
        """Run something in the connection's thread."""
        begins, self._begins = self._begins, False
        whole = partial(_begun, run) if begins else run
        ran: _Ran = await self._execute(whole, self._conn)  # type: ignore[no-untyped-call]
        return ran

    async def commit(self) -> None:
        """End the transaction; what was written stays."""
        self._begins = self._reads = False
        await super().commit()

    async def rollback(self) -> None:
        """End the transaction; of one that only read, the thread is told and not waited for."""
        began, self._begins = not self._begins, False
        reads, self._reads = self._reads, False
        if not reads and self.in_transaction:
            await super().rollback()
        elif reads and began:
            self._tx.put_nowait((None, self._conn.rollback))


def connecting(path: str, busy_seconds: float) -> Callable[[], Awaitable[Connection]]:
    """What opens a connection to this file; transactions begin when we say so."""

    async def connect() -> Connection:
        connection = Connection(
            partial(sqlite3.connect, path, timeout=busy_seconds, isolation_level=None), iter_chunk_size=64
        )
        connection._thread.daemon = True  # as SQLAlchemy does it: a dying process waits for nobody
        return await connection  # type: ignore[return-value]

    return connect
