from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from daemon.errors import SchemaError
from daemon.storage.engine import Store, database_url
from daemon.storage.schema import current, head, migrate, require_current
from daemon.storage.tables import Row


async def test_the_migrations_give_exactly_the_tables(store: Store) -> None:
    async with store.engine.connect() as connection:
        different = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Row.metadata)
        )
    assert different == []


async def test_migrating_twice_changes_nothing(store: Store) -> None:
    assert await migrate(store) == (head(), head())
    await require_current(store)


async def test_a_schema_from_the_future_is_refused(store: Store) -> None:
    async with store.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="newer than this program"):
        await migrate(store)
    with pytest.raises(SchemaError, match="workorderd migrate"):
        await require_current(store)
    assert await current(store) == "9999"


@pytest.mark.parametrize("deed", ["UPDATE history SET note = 'x'", "DELETE FROM history"])
async def test_history_can_only_grow(store: Store, deed: str) -> None:
    async with store.write() as session:
        for statement in (
            "INSERT INTO team (id, name, label, active) VALUES (1, 't', 't', true)",
            "INSERT INTO agent_group (id, team_id, name, label, active) VALUES (1, 1, 'g', 'g', true)",
            "INSERT INTO template (id, team_id, name, label, active, last_sequence, definition)"
            " VALUES (1, 1, 'x', 'x', true, 1, '{}')",
            "INSERT INTO work_order (id, team_id, template_id, sequence, serial, title, description, group_id, status,"
            " node_status, priority, cc, created_at, updated_at, version) VALUES (1, 1, 1, 1, '#1-1', 't', '', 1,"
            " 'new', 'new', 3, '', '2026-01-01', '2026-01-01', 1)",
            "INSERT INTO history (id, order_id, n, at, actor_kind, actor, action, from_state, to_state, note, changes,"
            " previous_hash, hash) VALUES (1, 1, 1, '2026-01-01', 'system', 's', 'create', '', '', '', '{}', '', '')",
        ):
            await session.execute(text(statement))
    with pytest.raises(DBAPIError, match="append-only"):
        async with store.write() as session:
            await session.execute(text(deed))


async def test_nonsense_is_refused_by_the_database(store: Store) -> None:
    with pytest.raises(DBAPIError):
        async with store.write() as session:
            await session.execute(
                text(
                    "INSERT INTO call (pbx, uniqueid, linkedid, number, name, extension, queue, state, began_at,"
                    " reason, missed, listing, wait, evidence) VALUES ('p', 'u', 'u', '', '', '', '', 'waiting',"
                    " '2026-01-01', 'abandoned', true, '', 0, '{}')"
                )
            )


async def test_sqlite_survives_a_power_cut_by_its_settings(store: Store) -> None:
    if not store.is_sqlite:
        return
    async with store.read() as session:
        assert await session.scalar(text("PRAGMA synchronous")) == 2
        assert await session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused_by_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"not supported|needs a file"):
        database_url(url)
