"""What comes while a transaction runs is done together in the next one: they share its commit, and its locks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import WorkorderdError
from daemon.storage.engine import Store

Job = TypeVar("Job")
Result = TypeVar("Result")

AT_ONCE: Final = 50


class Together(Generic[Job, Result]):
    """Jobs of one kind. `work` gives a result for each, or the error that this one raises: then it has written nothing.

    Where the database refuses what several wanted, each is tried in a transaction of its own.
    """

    def __init__(
        self,
        store: Store,
        work: Callable[[AsyncSession, Sequence[Job]], Awaitable[Sequence[Result | WorkorderdError]]],
    ) -> None:
        self._store = store
        self._work = work
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[Job, asyncio.Future[Result]]] = []

    async def do(self, job: Job) -> Result:
        """The result of a job, which is committed. Raises its own error, or what the database says of it alone."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, result))
        async with self._turn:
            if not result.done():  # else somebody else's turn did it, too
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                try:
                    await self._do(batch)
                except asyncio.CancelledError:  # of this job; the others' turn comes
                    result.cancel()
                    self._waiting[:0] = [each for each in batch if not each[1].done()]
                    raise
        return await result

    async def _do(self, batch: Sequence[tuple[Job, asyncio.Future[Result]]], *, last: bool = False) -> None:
        try:
            async with self._store.write() as session:
                results = await self._work(session, [job for job, _ in batch])
        except IntegrityError as refused:
            if last:
                _fail(batch, refused)
                return
            for each in batch:  # alone, and after whoever was faster has committed
                await self._do([each], last=True)
        except Exception as error:  # noqa: BLE001 - each of them hears of it
            _fail(batch, error)
        else:
            for (_, waiting), result in zip(batch, results, strict=True):
                if isinstance(result, WorkorderdError):
                    _fail([(None, waiting)], result)
                elif not waiting.done():
                    waiting.set_result(result)


def _fail(batch: Sequence[tuple[object, asyncio.Future[Result]]], error: BaseException) -> None:
    for _, waiting in batch:
        if not waiting.done():
            waiting.set_exception(error)
