"""The schema's version: bring it up to date, or refuse clearly."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import SchemaError
from daemon.storage.engine import Store
from daemon.storage.views import drop_views, restore_views

_HERE = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The version that this program speaks."""
    version = ScriptDirectory.from_config(_config()).get_current_head()
    assert version is not None
    return version


async def current(store: Store) -> str | None:
    """The version that the database has; None for an empty one."""
    async with store.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def migrate(store: Store) -> tuple[str | None, str]:
    """Bring the database to this program's version; returns (before, after). Raises SchemaError if it is newer."""
    before = await current(store)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if before is not None and before not in known:
        message = (
            f"the database's schema {before} is newer than this program, which knows up to {head()}: upgrade workorderd"
        )
        raise SchemaError(message)
    if before != head():
        async with store.engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with AsyncSession(connection, join_transaction_mode="control_fully") as session:
                views = await drop_views(session)  # neither database changes a table as freely below a view
                await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
                await restore_views(session, views)
                await session.commit()
    return before, head()


async def require_current(store: Store) -> None:
    """Raises SchemaError, naming the remedy, unless the database has exactly this program's version."""
    version = await current(store)
    if version != head():
        message = (
            f"the database's schema is {version or 'empty'}, this program needs {head()}: run `workorderd migrate`"
        )
        raise SchemaError(message)
