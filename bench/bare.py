"""The bare INSERTs: the rows that a request wrote, written again without anything around them.

What a request wrote is found by comparing all tables before and after it, so that the list can't go stale. A row that
it changed, such as the template's with its sequence, is an UPDATE here too; numbers are counted on in the database.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Executable, Table, UniqueConstraint, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from daemon.storage.engine import Store
from daemon.storage.tables import Row

Values = dict[str, Any]
Tables = Mapping[Table, Mapping[tuple[Any, ...], Values]]


async def photograph(store: Store) -> Tables:
    """Every row of every table, by primary key."""
    async with store.read() as session:
        connection = await session.connection()
        return {
            table: {
                tuple(row[column.key] for column in table.primary_key): dict(row)
                for row in (await connection.execute(select(table))).mappings()
            }
            for table in Row.metadata.sorted_tables
        }


@dataclass(frozen=True, slots=True)
class Change:
    """An UPDATE of one row; `counted` is the column that it counts on and gives back, with what it was set to."""

    statement: Executable
    counted: int | None


@dataclass(frozen=True, slots=True)
class Insert:
    """One row; which of its columns are new each time, and from where."""

    table: Table
    values: Values
    given: str | None  # the column that the database numbers
    links: Mapping[str, Table]  # foreign keys to rows that are inserted before it
    counted: tuple[str, ...]
    unique: tuple[str, ...]

    @property
    def statement(self) -> Executable:
        """INSERT, with RETURNING where others need its number."""
        plain = insert(self.table)
        return plain.returning(self.table.c[self.given]) if self.given else plain

    def filled(self, numbers: Mapping[Table, Any], count: int | None) -> Values:
        """The row as it is written this time."""
        values = dict(self.values)
        values.update({column: numbers[table] for column, table in self.links.items()})
        values.update(dict.fromkeys(self.counted, count))
        values.update({column: uuid.uuid4().hex for column in self.unique})
        return values


@dataclass(frozen=True, slots=True)
class Bare:
    """What one request writes."""

    changes: tuple[Change, ...]
    inserts: tuple[Insert, ...]

    @property
    def told(self) -> str:
        """Such as `history 1, work_order 1, 1 UPDATE`."""
        names = [each.table.name for each in self.inserts]
        rows = [f"{name} {names.count(name)}" for name in sorted(set(names))]
        return ", ".join([*rows, f"{len(self.changes)} UPDATE"])

    async def write(self, connection: AsyncConnection) -> None:
        """All rows of one request, those of one table at once; nothing is committed."""
        count: int | None = None
        for change in self.changes:
            done = await connection.execute(change.statement)
            count = done.scalar_one() if change.counted is not None else count
        numbers: dict[Table, Any] = {}
        for table, rows in groupby(self.inserts, key=attrgetter("table")):
            several = list(rows)
            values = [row.filled(numbers, count) for row in several]
            if several[0].given and len(several) == 1:
                numbers[table] = (await connection.execute(several[0].statement, values[0])).scalar_one()
            else:
                await connection.execute(insert(table), values)


def compare(before: Tables, after: Tables) -> Bare:
    """What happened between the two photographs. Raises ValueError for rows that went: no INSERT does that."""
    changes: list[Change] = []
    fresh: dict[Table, list[Values]] = {}
    for table, rows in after.items():
        if before[table].keys() - rows.keys():
            raise ValueError(f"rows of {table.name} went")
        fresh[table] = [row for key, row in rows.items() if key not in before[table]]
        old = before[table]
        changes += [_change(table, old[key], row) for key, row in rows.items() if key in old and old[key] != row]
    counted = next((change.counted for change in changes if change.counted is not None), None)
    made = {table: rows[0] for table, rows in fresh.items() if len(rows) == 1}
    inserts = [_insert(table, row, made, counted) for table, rows in fresh.items() for row in rows]
    return Bare(tuple(changes), tuple(sorted(inserts, key=lambda each: bool(each.links))))


def _change(table: Table, old: Values, new: Values) -> Change:
    differing = [column for column in new if new[column] != old[column]]
    here = and_(*(column == new[column.key] for column in table.primary_key))
    statement = update(table).where(here)
    for column in differing:
        if type(new[column]) is int and new[column] == old[column] + 1:
            counting = statement.values({column: table.c[column] + 1}).returning(table.c[column])
            return Change(counting, new[column])
    return Change(statement.values({column: new[column] for column in differing}), None)


def _insert(table: Table, row: Values, made: Mapping[Table, Values], counted: int | None) -> Insert:
    given = table.autoincrement_column
    unique = {column for one in table.constraints if isinstance(one, UniqueConstraint) for column in one.columns}
    unique |= {column for index in table.indexes if index.unique for column in index.columns}
    unique |= set(table.primary_key)
    links = {
        column: target
        for column in row
        if (target := _references().get(column)) in made and row[column] == made[target]["id"]
    }
    free = [column.key for column in unique if column is not given and not column.foreign_keys]
    return Insert(
        table,
        {name: value for name, value in row.items() if given is None or name != given.key},
        given.key if given is not None else None,
        links,
        tuple(name for name in free if counted is not None and row[name] == counted),
        # Words of a list, such as the kind of a timer, tell rows of one order apart; long ones are keys.
        tuple(name for name in free if isinstance(row[name], str) and len(row[name]) >= 12 and not links),
    )


def _references() -> Mapping[str, Table]:
    """What a column's name refers to in this schema: `order_id` is a work order's wherever it stands."""
    return {
        key.parent.key: key.column.table
        for table in Row.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.key == "id"
    }


async def seconds_each(store: Store, bare: Bare, workers: int, seconds: float) -> float:
    """Wall clock for each request's rows, one transaction each, with so many at a time."""
    written = 0
    started = time.perf_counter()
    end = started + seconds

    async def work() -> None:
        nonlocal written
        while time.perf_counter() < end:
            async with store.write() as session:
                await bare.write(await session.connection())
            written += 1

    await asyncio.gather(*(work() for _ in range(workers)))
    return (time.perf_counter() - started) / written
