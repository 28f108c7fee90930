"""The one task that looks after timers and waiting orders: it ends whenever it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.handlers.assignment import Assignment
from daemon.handlers.upkeep import Upkeep
from daemon.storage.engine import Store
from tests.integration.rivals import applied, furnish

DEADLINE = 10.0


@pytest.fixture
async def upkeep(store: Store, tmp_path: Path) -> Upkeep:
    world = await applied(store, furnish(tmp_path))

    async def sweep(at: datetime) -> None:
        """Nothing lies about."""

    assignment = Assignment(store, lambda: world, lambda _: True)
    return Upkeep(assignment, sweep, lambda _: None, lambda: datetime.now(UTC))


@pytest.mark.parametrize("turns", range(4))
async def test_it_ends_when_it_is_told_just_as_news_come(upkeep: Upkeep, turns: int) -> None:
    task = asyncio.create_task(upkeep.run())  # noqa: TID251 - this test ends it
    async with asyncio.timeout(DEADLINE):
        while not upkeep._woken._waiters:  # type: ignore[attr-defined]  # noqa: ASYNC110 - until it rests
            await asyncio.sleep(0)
    upkeep.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=DEADLINE)
    assert task.cancelled()
