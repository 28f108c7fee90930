"""Databases full of orders, made as quickly as each database can: rows first, indexes after them, then statistics."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from bench.orders import AGENTS, GROUPS, NOW, TEAMS, TEMPLATES, Size
from daemon.orders.customer import fold_name
from daemon.storage.engine import Store, database_url
from daemon.storage.schema import migrate

Table = tuple[str, list[str], Iterator[tuple[Any, ...]]]
_FILL_WORDS = (
    "INSERT INTO order_word (team_id, word, order_id) SELECT team_id, {word}, order_id FROM order_text, {each}"
)
_SORTED = " ORDER BY 1, 2, 3"


def few(size: Size) -> Iterator[Table]:
    """Everything that orders point to."""
    teams = range(1, TEAMS + 1)
    labelled = ["id", "team_id", "name", "label", "active"]
    yield "team", ["id", "name", "label", "active"], ((n, f"t{n}", f"Team {n}", True) for n in teams)
    yield (
        "agent",
        ["id", "team_id", "number", "name", "username", "active"],
        ((n, 1 + (n - 1) // AGENTS, str(n), f"Agent {n}", f"a{n}", True) for n in range(1, TEAMS * AGENTS + 1)),
    )
    yield (
        "agent_group",
        labelled,
        ((n, 1 + (n - 1) // GROUPS, f"g{n}", f"Group {n}", True) for n in range(1, TEAMS * GROUPS + 1)),
    )
    yield (
        "template",
        [*labelled, "last_sequence", "definition"],
        (
            (n, 1 + (n - 1) // TEMPLATES, f"x{n}", f"Template {n}", True, size.orders, "{}")
            for n in range(1, TEAMS * TEMPLATES + 1)
        ),
    )
    yield (
        "customer",
        ["id", "team_id", "kind", "name", "name_key", "address", "note", "created_at", "version"],
        (
            (n, 1 + (n - 1) % TEAMS, "individual", size.name(n), fold_name(size.name(n)), "", "", NOW, 1)
            for n in range(1, size.customers + 1)
        ),
    )
    yield (
        "customer_number",
        ["id", "team_id", "customer_id", "raw", "e164", "tail"],
        (
            (n, 1 + (n - 1) % TEAMS, n, size.number(n), size.number(n), size.number(n)[-8:])
            for n in range(1, size.customers + 1)
        ),
    )


def many(size: Size) -> Iterator[list[Table]]:
    """The orders and their texts, some thousands at a time."""
    rows = size.rows()
    while some := list(itertools.islice(rows, 20_000)):
        orders = (tuple(row.values()) for row, _ in some)
        texts = ((row["team_id"], row["id"], words) for row, words in some)
        yield [
            ("work_order", list(some[0][0]), orders),
            ("order_text", ["team_id", "order_id", "words"], texts),
        ]


async def sqlite(folder: Path, size: Size) -> Store:
    """A database in a file."""
    path = folder / f"{size.orders}.sqlite"
    store = Store(database_url(f"sqlite:///{path}"))
    await migrate(store)
    await store.close()
    await asyncio.to_thread(_fill_sqlite, path, size)
    return store


def _fill_sqlite(path: Path, size: Size) -> None:
    sqlite3.register_adapter(datetime, lambda at: at.replace(tzinfo=None).isoformat(" ", "microseconds"))
    base = sqlite3.connect(path)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=FILE"):
        base.execute(f"PRAGMA {pragma}")
    found = base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'work_order'")
    indexes = {name: sql for name, sql in found if sql}
    for name in indexes:
        base.execute(f"DROP INDEX {name}")
    for name, columns, rows in itertools.chain(few(size), itertools.chain.from_iterable(many(size))):
        marks = ", ".join("?" * len(columns))
        base.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows)
    each = """json_each('["' || replace(trim(words), ' ', '","') || '"]')"""
    base.execute(_FILL_WORDS.format(word="value", each=each) + _SORTED)
    for sql in indexes.values():
        base.execute(sql)
    base.commit()
    base.execute("ANALYZE")
    base.commit()
    base.execute("PRAGMA journal_mode=WAL")
    base.close()


async def postgresql(server_url: str, size: Size) -> Store:
    """A database of a server."""
    admin = Store(database_url(server_url))
    async with admin.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql(f"CREATE DATABASE orders{size.orders}")
    await admin.close()
    url = server_url.replace("/postgres?", f"/orders{size.orders}?")
    store = Store(database_url(url))
    await migrate(store)
    await store.close()
    base = await asyncpg.connect(url)
    try:
        await _fill_postgresql(base, size)
    finally:
        await base.close()
    return store


async def _fill_postgresql(base: asyncpg.Connection, size: Size) -> None:
    for setting in ("session_replication_role = replica", "synchronous_commit = off", "maintenance_work_mem = '1GB'"):
        await base.execute(f"SET {setting}")
    await base.execute("SET work_mem = '512MB'")
    indexes = await base.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'work_order' AND indexname LIKE 'ix%'"
    )
    for index in indexes:
        await base.execute(f"DROP INDEX {index['indexname']}")
    await base.execute("ALTER TABLE order_word DROP CONSTRAINT pk_order_word")
    for name, columns, rows in few(size):
        marks = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await base.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows)
    for name, columns, rows in itertools.chain.from_iterable(many(size)):
        await base.copy_records_to_table(name, records=rows, columns=columns)
    each = "unnest(string_to_array(trim(words), ' ')) AS word"
    await base.execute(_FILL_WORDS.format(word="word", each=each))
    await base.execute("ALTER TABLE order_word ADD CONSTRAINT pk_order_word PRIMARY KEY (team_id, word, order_id)")
    for index in indexes:
        await base.execute(index["indexdef"])
    await base.execute("VACUUM ANALYZE")
