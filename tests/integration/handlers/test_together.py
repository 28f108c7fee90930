"""Jobs that come at the same time share a transaction; what the database refuses of one harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import RefusedError, WorkorderdError
from daemon.handlers.together import Together
from daemon.storage.engine import Store
from daemon.storage.tables import TeamRow


class Desk:
    """Writes teams by name, and remembers what was asked of it at once."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def add(self, session: AsyncSession, names: Sequence[str]) -> Sequence[str]:
        self.batches.append(list(names))
        for name in names:
            await session.execute(insert(TeamRow).values(name=name, label=name, active=True))
        return [name.upper() for name in names]


async def _names(store: Store) -> set[str]:
    async with store.read() as session:
        return set((await session.scalars(select(TeamRow.name))).all())


async def test_what_comes_while_a_transaction_runs_is_done_in_the_next_one(store: Store) -> None:
    desk = Desk()
    together = Together[str, str](store, desk.add)
    results = await asyncio.gather(*(together.do(name) for name in ("a", "b", "c", "d")))
    assert results == ["A", "B", "C", "D"]
    assert [name for batch in desk.batches for name in batch] == ["a", "b", "c", "d"]
    assert len(desk.batches) < 4
    assert await _names(store) == {"a", "b", "c", "d"}


async def test_who_is_refused_is_refused_alone(store: Store) -> None:
    together = Together[str, str](store, Desk().add)
    await together.do("taken")
    results = await asyncio.gather(*(together.do(n) for n in ("a", "taken", "b", "c")), return_exceptions=True)
    assert [results[0], results[2], results[3]] == ["A", "B", "C"]
    assert isinstance(results[1], IntegrityError)
    assert await _names(store) == {"taken", "a", "b", "c"}


async def test_who_is_cancelled_while_he_works_for_others_stops_nobody(store: Store) -> None:
    begun = asyncio.Event()
    calls = 0

    async def work(session: AsyncSession, names: Sequence[str]) -> Sequence[str]:
        nonlocal calls
        calls += 1
        if calls == 1:
            begun.set()
            await asyncio.Event().wait()
        return names

    together = Together[str, str](store, work)
    loop = asyncio.get_running_loop()
    jobs = [loop.create_task(together.do(name)) for name in ("a", "b", "c")]
    await begun.wait()
    jobs[0].cancel()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == ["b", "c"]


async def test_an_error_reaches_all_who_were_in_it_and_the_next_go_on(store: Store) -> None:
    failing = True

    async def work(session: AsyncSession, names: Sequence[str]) -> Sequence[str]:
        if failing:
            raise OSError("no space left on device")
        return names

    together = Together[str, str](store, work)
    results = await asyncio.gather(*(together.do(name) for name in ("a", "b")), return_exceptions=True)
    assert all(isinstance(each, OSError) for each in results)
    failing = False
    assert await together.do("c") == "c"


async def test_more_than_one_transaction_may_hold_are_all_done(store: Store) -> None:
    desk = Desk()
    together = Together[str, str](store, desk.add)
    names = [f"t{n}" for n in range(120)]
    assert await asyncio.gather(*(together.do(name) for name in names)) == [name.upper() for name in names]
    assert max(map(len, desk.batches)) <= 50


async def test_who_says_himself_what_is_wrong_is_refused_alone_and_the_others_are_written(store: Store) -> None:
    async def work(session: AsyncSession, names: Sequence[str]) -> Sequence[str | WorkorderdError]:
        for name in names:
            if name != "wrong":
                await session.execute(insert(TeamRow).values(name=name, label=name, active=True))
        return [RefusedError("not this one") if name == "wrong" else name for name in names]

    together = Together[str, str](store, work)
    results = await asyncio.gather(*(together.do(name) for name in ("a", "wrong", "b")), return_exceptions=True)
    assert (results[0], results[2]) == ("a", "b")
    assert isinstance(results[1], RefusedError)
    assert await _names(store) == {"a", "b"}
