"""One database, SQLite or PostgreSQL, and the two ways to use it: `read` and `write`.

SQLite: WAL, synchronous=FULL (a commit survives a power cut), foreign keys on, and every writing transaction begins
IMMEDIATE, so that it waits for its turn at the start instead of failing in the middle. Within the process writers
queue on a lock, which wakes them at once where SQLite's busy handler would poll.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import InterfaceError, InternalError, InvalidatePoolError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from daemon.storage.sqlite import connecting

BUSY_SECONDS = 15
FRESH_SECONDS = 1.0  # a connection that was used so shortly ago is not tried first: three round trips to PostgreSQL
RESTING_SINCE = "resting_since"
OUTAGES = (OperationalError, InterfaceError, InternalError)
"""What a database raises that is away or broken; InternalError is asyncpg's, on a connection that rested while the
server said goodbye (protocol/coreproto.pyx, PROTOCOL_ERROR_CONSUME)."""


def database_url(url: str, folder: Path | None = None) -> URL:
    """The URL with its asyncio driver; a relative SQLite path is taken from `folder`.

    Raises ValueError for a database that is neither SQLite nor PostgreSQL.
    """
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        path = parsed.database or ""
        if path in {"", ":memory:"}:
            message = "SQLite needs a file: sqlite:///PATH"
            raise ValueError(message)
        return parsed.set(drivername="sqlite+aiosqlite", database=str((folder or Path()) / path))
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    message = f"{backend} is not supported: sqlite:///PATH or postgresql://USER@HOST/NAME"
    raise ValueError(message)


class Store:
    """The database, for as long as the process lives."""

    def __init__(self, url: URL, pool_size: int = 10) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._writer = asyncio.Lock() if self.is_sqlite else None
        self.engine = _sqlite(url, pool_size) if self.is_sqlite else _postgresql(url, pool_size)
        self._plain = self.engine.execution_options(isolation_level="AUTOCOMMIT", plain=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A consistent view; nothing is written."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """For one statement that reads: without a transaction around it, which costs more than the statement."""
        async with self._plain.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on any exception."""
        async with self._writer or nullcontext(), AsyncSession(self.engine, expire_on_commit=False) as session:
            try:
                await session.connection(execution_options={"writes": True})
                yield session
                await session.commit()
            except BaseException:
                await session.rollback()
                raise

    async def ping(self) -> None:
        """Raises what the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()


def _sqlite(url: URL, pool_size: int) -> AsyncEngine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool_size,
        async_creator=connecting(url.database or "", BUSY_SECONDS),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_SECONDS * 1000}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if options.get("plain", False):
            return
        if options.get("writes", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.connection.driver_connection.begin_reading()

    @event.listens_for(engine.sync_engine, "handle_error")
    def _reopen(context: ExceptionContext) -> None:
        """What was opened on a disk that was read-only or broken stays so for ever: all are opened anew."""
        code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF  # the primary one (sqlite.org/rescode)
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
            context.is_disconnect = True

    return engine


def _postgresql(url: URL, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool_size)
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _rest(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[RESTING_SINCE] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _ping(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(RESTING_SINCE, time.monotonic()) < FRESH_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return engine
