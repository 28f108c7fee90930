"""Asterisk's queue_log, read from a durable cursor: the only record of who joined and left while nobody listened.

File: `epoch|callid|queue|agent|event|data...`, one second of resolution, no escaping, rotated by rename (or copied
and truncated). Table: the realtime family queue_log with the columns time, callid, queuename, agent, event,
data1..data5 and id. Source: main/logger.c, ast_queue_log().
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import math
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from daemon.calls.events import Logged
from daemon.storage.engine import database_url

CHUNK: Final = 16 << 20  # bytes read of a file at once
OVERLAP: Final = 200  # rows of a table read again, since ids may become visible out of order
FIELDS: Final = 5
PATIENCE: Final = 5.0  # seconds that a table may take, while live calls wait
REST: Final = 60.0  # seconds for which a table that took longer is left alone
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LATEST: Final = 1e11  # seconds since the epoch; what is not below is no time
_COMPRESSED: Final = frozenset({".gz", ".bz2", ".xz", ".zst"})


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far it was read: a place in a file and the hash of the line before it.

    In a table `offset` is the highest id and `line_hash` that of the row that was taken last.
    """

    inode: int = 0
    offset: int = 0
    line_hash: str = ""
    row_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, each with the cursor behind it; `torn`: the place was not found again and rows may be missing."""

    rows: tuple[tuple[Logged, Cursor], ...]
    cursor: Cursor
    torn: bool = False


class QueueLog(Protocol):
    """Somewhere that queue_log can be read. Both methods raise OSError or a database error when it can't be."""

    async def end(self) -> Cursor:
        """The cursor behind the newest row: where a first reading begins."""

    async def read(self, cursor: Cursor) -> Page:
        """What was written behind the cursor."""


def parse_line(line: bytes) -> Logged | None:
    """A row of the file; None for what is none. Bytes that are not UTF-8 become U+FFFD, control characters blanks."""
    fields = _CONTROL.sub(" ", line.decode("utf-8", "replace").rstrip("\r\n")).split("|")
    if len(fields) < FIELDS:
        return None
    at, uniqueid, queue, agent, event = (field.strip() for field in fields[:FIELDS])
    try:
        seconds = float(at)
    except ValueError:
        return None
    if not 0 < seconds < _LATEST or not event.isupper():
        return None
    return Logged(seconds, uniqueid[:150], queue[:128], agent[:255], event, tuple(fields[FIELDS:]))


class FileLog:
    """The file queue_log of a PBX whose disk this machine sees."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def end(self) -> Cursor:
        """The cursor at the end of the present file."""
        return await asyncio.to_thread(self._end)

    async def read(self, cursor: Cursor) -> Page:
        """What was written behind the cursor, in rotated files first."""
        return await asyncio.to_thread(self._read, cursor)

    def _end(self) -> Cursor:
        page = _lines(self.path, Cursor(inode=self.path.stat().st_ino))
        return page.cursor

    def _read(self, cursor: Cursor) -> Page:
        while (inode := self._present()) is not None and cursor.inode in {0, inode}:
            page = self._continue(cursor, self.path.stat().st_size)
            if page.cursor.inode == inode:
                return page  # else it was renamed in this moment
        older = self._rotated(cursor.inode)
        if older is None and inode is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path))
        files = [older, *self._since(older.stat().st_mtime)] if older else self._since(cursor.row_at or math.inf)
        files += [self.path] if inode is not None else []  # else renamed, and Asterisk still writes to it
        pages: list[Page] = []
        for path in files:
            begin = cursor if path == older else Cursor(inode=path.stat().st_ino)
            pages.append(_lines(path, begin))
            if pages[-1].cursor.offset - begin.offset > CHUNK:
                break  # the rest of this file comes first, next time
        rows = tuple(row for page in pages for row in page.rows)
        return Page(_newer(rows, cursor) if not older else rows, pages[-1].cursor, torn=not older)

    def _present(self) -> int | None:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return None

    def _continue(self, cursor: Cursor, size: int) -> Page:
        if cursor.offset <= size and _hash_before(self.path, cursor.offset) == cursor.line_hash:
            return _lines(self.path, cursor)
        page = _lines(self.path, Cursor(inode=cursor.inode))  # copied and truncated, or written anew
        return Page(_newer(page.rows, cursor), page.cursor, torn=True)

    def _rotated(self, inode: int) -> Path | None:
        return next((path for path, stat in self._relatives() if stat.st_ino == inode), None)

    def _since(self, moment: float) -> list[Path]:
        """Rotated files that were written to after this moment, the oldest first."""
        return [path for _, path in sorted((s.st_mtime, path) for path, s in self._relatives() if s.st_mtime > moment)]

    def _relatives(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Rotated files, as Asterisk (queue_log.0) or logrotate (queue_log.1, queue_log-20261231) calls them."""
        file = self.path.resolve()
        for path in file.parent.glob(file.name + "?*"):
            if path.suffix not in _COMPRESSED:
                with suppress(FileNotFoundError):
                    yield path, path.stat()


def _newer(rows: tuple[tuple[Logged, Cursor], ...], cursor: Cursor) -> tuple[tuple[Logged, Cursor], ...]:
    return tuple(row for row in rows if row[0].at >= cursor.row_at)


def _line_hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:32] if line else ""


def _hash_before(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        start = max(0, offset - 8192)
        file.seek(start)
        before = file.read(offset - start)
    return _line_hash(before[before.rfind(b"\n", 0, -1) + 1 :])


def _lines(path: Path, cursor: Cursor) -> Page:
    rows: list[tuple[Logged, Cursor]] = []
    with path.open("rb") as file:
        file.seek(cursor.offset)
        here = replace(cursor, inode=os.fstat(file.fileno()).st_ino)
        for line in file:
            if not line.endswith(b"\n"):
                break  # it is being written
            row = parse_line(line)
            here = Cursor(here.inode, here.offset + len(line), _line_hash(line), row.at if row else here.row_at)
            if row:
                rows.append((row, here))
            if here.offset - cursor.offset > CHUNK:
                break
    return Page(tuple(rows), here)


class TableLog:
    """The realtime table queue_log, in SQLite or PostgreSQL."""

    def __init__(self, url: str, table: str, zone: tzinfo = UTC, patience: float = PATIENCE) -> None:
        self._engine = create_async_engine(database_url(url), pool_size=1)
        self._table = table  # an identifier by the configuration's rule
        self._zone = zone
        self._patience = patience
        self._rests_until = 0.0
        self._given: set[int] = set()  # ids within the overlap that were taken already
        self._offered: list[int] = []  # ids of the latest page, of which perhaps only the first were taken

    async def end(self) -> Cursor:
        """The cursor behind the highest id."""
        query = text(f"SELECT id FROM {self._table} ORDER BY id DESC LIMIT {OVERLAP}")  # noqa: S608
        async with self._in_time(), self._engine.connect() as connection:
            latest = (await connection.scalars(query)).all()
        self._given = set(latest)
        return Cursor(offset=max(latest, default=0))

    async def read(self, cursor: Cursor) -> Page:
        """Rows with a higher id, and those before it that have become visible since."""
        if cursor.inode:  # of a file, before the configuration named a table
            return Page((), await self.end(), torn=True)
        self._take(cursor)
        query = text(
            f"SELECT id, time, callid, queuename, agent, event, data1, data2, data3, data4, data5 "  # noqa: S608
            f"FROM {self._table} WHERE id > :id ORDER BY id LIMIT 50000"
        )
        async with self._in_time(), self._engine.connect() as connection:
            found = (await connection.execute(query, {"id": max(0, cursor.offset - OVERLAP)})).all()
        rows = [
            (logged, Cursor(offset=max(row.id, cursor.offset), line_hash=str(row.id), row_at=logged.at))
            for row in found
            if row.id not in self._given and (logged := self._row(row))
        ]
        self._given &= {row.id for row in found}
        self._offered = [int(behind.line_hash) for _, behind in rows]
        return Page(tuple(rows), rows[-1][1] if rows else cursor)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Raises TimeoutError, which is an OSError, when it takes too long, and at once for a while after that."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            raise TimeoutError(errno.ETIMEDOUT, "its database took too long a moment ago")
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError:
            self._rests_until = loop.time() + REST
            raise TimeoutError(errno.ETIMEDOUT, f"its database took longer than {self._patience:g} s") from None

    def _take(self, cursor: Cursor) -> None:
        """The cursor names the last row that was taken of the latest page; those behind it are offered again."""
        taken = int(cursor.line_hash or 0)
        if taken in self._offered:
            self._given.update(self._offered[: self._offered.index(taken) + 1])

    def _row(self, row: Any) -> Logged | None:
        at = _table_time(row.time, self._zone)
        if at is None:
            return None
        columns = (
            row.callid,
            row.queuename,
            row.agent,
            row.event,
            row.data1,
            row.data2,
            row.data3,
            row.data4,
            row.data5,
        )
        uniqueid, queue, agent, event, *data = (_CONTROL.sub(" ", column or "") for column in columns)
        return Logged(at, uniqueid[:150], queue[:128], agent[:255], event, tuple(data))

    async def close(self) -> None:
        """Give the connection back."""
        await self._engine.dispose()


def _table_time(value: object, zone: tzinfo) -> float | None:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
    try:
        seconds = float(str(value))
        return seconds if 0 < seconds < _LATEST else None
    except ValueError:
        pass
    try:
        parsed = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).timestamp()


def open_queue_log(
    *, file: Path | None = None, database: str = "", table: str = "queue_log", zone: str = "UTC"
) -> QueueLog:
    """The reader for a configured queue_log."""
    return FileLog(file) if file is not None else TableLog(database, table, ZoneInfo(zone))


def uniqueids(rows: Sequence[tuple[Logged, Cursor]]) -> set[str]:
    """The calls of which these rows speak."""
    return {row.uniqueid for row, _ in rows if row.uniqueid and row.uniqueid != "NONE"}
