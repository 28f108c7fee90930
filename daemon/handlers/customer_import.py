"""Customers come in by file: all of its lines, or none.

    submit -> [queue] -> looked at, line by line -> refused, with every error
                                                 -> written in one transaction -> done

Imports of this process run one after the other; PostgreSQL lets one at a time write a team's customers. What dies
before its transaction ended has written nothing, and is called interrupted at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import NotFoundError, RefusedError
from daemon.handlers.customer_check import Findings, Source, Stage, Tell, check_file, count_lines
from daemon.handlers.customers import team_to_write
from daemon.handlers.person import Person
from daemon.handlers.world import TeamView, World
from daemon.orders.customer import Kind
from daemon.settings.models import Teams
from daemon.storage import customer_batches, customer_imports
from daemon.storage.customer_batches import NOTHING, Counts
from daemon.storage.customer_imports import Ending
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt, once
from daemon.storage.tables import TeamRow

MOST_WAITING: Final = 10
PAUSE: Final = timedelta(seconds=0.5)
"""Between two words on how far an import is."""
MOST_BYTES: Final = 200_000_000
"""Of a file on the command line."""
PIECE: Final = 1024 * 1024
LOOKS: Final = frozenset({10, 100, 1000})
"""Batches before which the database looks at what it has."""
TRIES: Final = 3
"""To write, when others take the same references at the same time."""

BEGUN: Final = "customer_import.begun"
ENDED: Final = "customer_import.ended"
FAILED: Final = "customer_import.failed"
INTERRUPTED: Final = "customer_import.interrupted"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Job:
    id: int
    source: Source


class _OverError(Exception):
    """Somebody said meanwhile that this import is over: nothing of it may be written."""


class Imports:
    """The imports of this process. `run` is long-lived; files may be submitted before it runs."""

    def __init__(self, store: Store, clock: Callable[[], datetime], folder: Path) -> None:
        self.folder = folder
        """Where files lie on their way in."""
        self._store = store
        self._clock = clock
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._ours: set[int] = set()
        self._expected = 0
        self._swept = False

    async def submit(
        self, world: World, person: Person, source: Source, receipt: Receipt | None = None
    ) -> tuple[int, bool]:
        """The id of an import, and whether it is a new one (False: an earlier request with this receipt's).

        The file is closed when it is done with. Raises ForbiddenError, InvalidError, RefusedError (too many wait).
        """
        try:
            team_to_write(world, person)
            if self._expected >= MOST_WAITING:
                message = f"{MOST_WAITING} imports are waiting: try again when one has ended"
                raise RefusedError(message)
        except BaseException:
            source.file.close()
            raise
        self._expected += 1
        accepted = False
        try:
            id_, accepted = await self._begin(person, source, receipt)
        finally:
            if not accepted:
                self._expected -= 1
                source.file.close()
        if accepted:
            self._queue.put_nowait(_Job(id_, source))
        return id_, accepted

    async def _begin(self, person: Person, source: Source, receipt: Receipt | None) -> tuple[int, bool]:
        async def make() -> int:
            row = await customer_imports.add(session, source.team.id, source.name, source.lines, person.name, at)
            self._ours.add(row.id)
            return row.id

        at = self._clock()
        async with self._store.write() as session:
            return await once(session, receipt, at, make)

    async def run(self) -> None:
        """Do what was submitted, one after the other."""
        await self._sweep()
        while True:
            job = await self._queue.get()
            try:
                await self._sweep()
                await self._do(job)
            finally:
                job.source.file.close()
                self._ours.discard(job.id)
                self._expected -= 1

    async def _sweep(self) -> None:
        """Once: what an earlier process left running was interrupted."""
        if self._swept:
            return
        try:
            async with self._store.write() as session:
                n = await customer_imports.interrupt_running(session, self._clock(), self._ours)
        except (SQLAlchemyError, OSError) as problem:
            log.warning(FAILED, problem=str(getattr(problem, "orig", problem)))
            return
        self._swept = True
        if n:
            log.warning(INTERRUPTED, imports=n)

    async def _do(self, job: _Job) -> None:
        """One import to its end; whatever goes wrong with it ends it, and not the process."""
        log.info(BEGUN, id=job.id, team=job.source.team.name)
        try:
            ending = await self._run(job)
            log.info(ENDED, id=job.id, state=ending.state, created=ending.counts.created, updated=ending.counts.updated)
            return
        except Exception:
            log.exception(FAILED, id=job.id)
        try:
            async with self._store.write() as session:
                await customer_imports.end(session, job.id, Ending("interrupted", self._clock()))
        except (SQLAlchemyError, OSError):
            self._swept = False  # to be said when the database can be written again
            self._ours.discard(job.id)

    async def _run(self, job: _Job) -> Ending:
        stage = Stage(self.folder)
        try:
            findings = await check_file(job.source, stage, self._tell(job.id))
            if findings.error_count:
                ending = _refusal(findings, self._clock())
                async with self._store.write() as session:
                    await customer_imports.end(session, job.id, ending)
                return ending

            async def end(session: AsyncSession, counts: Counts) -> Ending:
                seen = max(job.source.lines, findings.seen)
                ending = Ending("done", self._clock(), seen, counts)
                if not await customer_imports.end(session, job.id, ending):
                    raise _OverError
                return ending

            return await write_rows(self._store, job.source.team.id, stage, self._clock(), end)
        finally:
            stage.close()

    def _tell(self, import_id: int) -> Tell:
        told_at = self._clock()

        async def tell(seen: int) -> None:
            nonlocal told_at
            if self._clock() - told_at < PAUSE:
                return
            told_at = self._clock()
            with suppress(SQLAlchemyError):  # who only says how far he is does not fail for it
                async with self._store.write() as session:
                    await customer_imports.progress(session, import_id, seen)

        return tell


def _refusal(findings: Findings, at: datetime) -> Ending:
    return Ending("refused", at, findings.seen, NOTHING, findings.error_count, tuple(findings.errors))


async def write_rows(
    store: Store,
    team_id: int,
    stage: Stage,
    at: datetime,
    end: Callable[[AsyncSession, Counts], Awaitable[Ending]],
) -> Ending:
    """Write all staged rows and their ending in one transaction. Raises what the database raises, then nothing is."""
    for attempt in range(1, TRIES + 1):
        try:
            async with store.write() as session:
                await customer_batches.alone(session, team_id)
                counts = NOTHING
                for n, batch in enumerate(stage.batches()):
                    if n in LOOKS:
                        await customer_batches.look_again(session)
                    counts += await customer_batches.merge(session, team_id, batch, at)
                return await end(session, counts)
        except IntegrityError:
            if attempt == TRIES:
                raise
    raise AssertionError


async def source_of(store: Store, teams: Teams, name: str, file: IO[bytes], file_name: str, kind: Kind) -> Source:
    """A file for a team of the configuration. Raises NotFoundError (the team), RefusedError (the file is too big)."""
    team = next((team for team in teams.teams if team.name == name), None)
    if team is None:
        message = f"there is no team {name}; there are: {', '.join(team.name for team in teams.teams)}"
        raise NotFoundError(message)
    async with store.read() as session:
        team_id = await session.scalar(select(TeamRow.id).where(TeamRow.name == name))
    if team_id is None:
        message = f"the database does not know the team {name} yet: it does once workorderd has run with it"
        raise NotFoundError(message)
    lines = size = 0
    while piece := file.read(PIECE):
        lines, size = lines + count_lines(piece), size + len(piece)
        if size > MOST_BYTES:
            message = f"{file_name} has more than {MOST_BYTES:,} bytes: cut it into several"
            raise RefusedError(message)
    file.seek(0)
    view = TeamView(team_id, name, team.label or name, team.region, team.match_last_digits)
    return Source(file, file_name, view, kind, lines)


async def import_now(
    store: Store, source: Source, folder: Path, at: datetime, tell: Callable[[int, int], None], *, write: bool
) -> Ending:
    """A file from its first line to its end, for the command line; without `write` it is only looked at.

    `tell` hears how many lines were seen, of how many.
    """
    stage = Stage(folder)

    async def told(seen: int) -> None:
        tell(seen, source.lines)

    try:
        findings = await check_file(source, stage, told)
        if findings.error_count:
            return _refusal(findings, at)
        if not write:
            return Ending("done", at, findings.seen)

        async def end(session: AsyncSession, counts: Counts) -> Ending:
            row = await customer_imports.add(session, source.team.id, source.name, source.lines, "command line", at)
            ending = Ending("done", at, max(source.lines, findings.seen), counts)
            await customer_imports.end(session, row.id, ending)
            return ending

        return await write_rows(store, source.team.id, stage, at, end)
    finally:
        stage.close()
