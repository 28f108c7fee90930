"""Fixtures: one desk per test, over SQLite; the queries themselves are tested on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.storage.engine import Store, database_url
from daemon.storage.schema import migrate
from tests.integration.web.desk import Desk, open_desk
from tests.integration.web.office import Office, open_office


@pytest.fixture
async def desk_store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty SQLite database."""
    store = Store(database_url(f"sqlite:///{tmp_path}/desk.sqlite"))
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
async def desk(desk_store: Store) -> AsyncIterator[Desk]:
    """The application over the small world."""
    async with open_desk(desk_store) as opened:
        yield opened


@pytest.fixture
async def office(desk_store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    """The application over the sample's world."""
    async with open_office(desk_store, tmp_path) as opened:
        yield opened
