"""Lists that are read page by page, and how a page is found without reading what is not on it.

A list is read forwards from a `Place`, the key of the last row seen: new rows on top never shift what comes next, and
page one thousand costs what page one does.

A list of orders is a merge of *walks*: entries of an index in its order, from the place on. Where every entry belongs
to the list, each walk goes as far as the page is long. Where entries must be looked at first (a filter without an
index, a second word), all walks together look at EFFORT entries: then the page ends there, perhaps short or empty, and
says where to go on. So a page is never slow and never leaves anything out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    false,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy import union_all as union
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.storage.tables import CallRow, MissedItemRow, WorkOrderRow

R = TypeVar("R", MissedItemRow, WorkOrderRow, CallRow)

EFFORT: Final = 300
"""How many entries a page may cost that are not on it."""
_WALKS_AT_ONCE: Final = 100  # SQLite joins no more than 500 SELECTs


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is in a list: the row that he saw last, or the last one that was looked at."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, and where the next ones begin; None: that was all."""

    rows: Sequence[R]
    next: Place | None


Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """Entries of an index in its order. `key` is what orders them: its last column is the order's id.

    `until`: of a descending walk, where it begins: before this value of the key's first column.
    """

    key: tuple[ColumnElement[Any], ...]
    where: tuple[ColumnElement[bool], ...]
    ascending: bool = False
    until: Any = None

    def entries(self, after: Key | None, size: int) -> Subquery:
        """The first entries after a place, as a subquery with the columns of the key."""
        return self._from(after).limit(_exactly(size)).subquery()

    def end(self, after: Key | None, size: int) -> Select[Any]:
        """The key of the last of so many entries, if there are so many."""
        return self._from(after).limit(_exactly(1)).offset(_exactly(size - 1))

    def _from(self, after: Key | None) -> Select[Any]:
        """Begun at one place or at the other: given both, SQLite would seek the wrong one and read all between."""
        query = select(*self.key).where(*self.where)
        if self.until is not None and (after is None or after[0] >= self.until):
            query = query.where(self.key[0] < self.until)
        elif after is not None:
            query = query.where(beyond(self.key, after, ascending=self.ascending))
        return query.order_by(*ordered(self.key, ascending=self.ascending))


def beyond(key: Sequence[ColumnElement[Any]], after: Key, *, ascending: bool = False) -> ColumnElement[bool]:
    """What comes after a place. Compared as one row, which both databases find in an index."""
    columns = tuple_(*key)
    place = tuple_(*(literal(value, column.type) for column, value in zip(key, after, strict=True)))
    return columns > place if ascending else columns < place


def ordered(key: Sequence[ColumnElement[Any]], *, ascending: bool = False) -> list[ColumnElement[Any]]:
    """As ORDER BY."""
    return [column.asc() if ascending else column.desc() for column in key]


def _looked_at(conditions: Sequence[ColumnElement[bool]]) -> Sequence[ColumnElement[bool]]:
    """Conditions in a shape that no planner takes for an index."""
    return [func.coalesce(and_(*conditions), false())] if conditions else ()


def _exactly(number: int) -> BindParameter[int]:
    """A limit that the database sees when it plans: PostgreSQL takes an unknown one for a tenth of the table."""
    return bindparam(None, number, Integer, literal_execute=True)


async def page_of(
    session: AsyncSession, query: Select[R], key: Sequence[ColumnElement[Any]], after: Place | None, limit: int
) -> tuple[Sequence[R], bool]:
    """Rows of a query that an index serves, the latest first, and whether there are more."""
    if after is not None:
        query = query.where(beyond(key, (after.at, after.id)))
    rows = (await session.scalars(query.order_by(*ordered(key)).limit(_exactly(limit + 1)))).all()
    return rows[:limit], len(rows) > limit


@dataclass(frozen=True, slots=True)
class Merge:
    """A list of orders: the entries of some walks, all alike in key and direction, of which `where` holds.

    `key`: by which columns of an order it goes, as its walks do. `guards` hold for all entries, or for none.
    """

    walks: Sequence[Walk]
    key: tuple[ColumnElement[Any], ...]
    where: Sequence[ColumnElement[bool]] = ()
    guards: Sequence[ColumnElement[bool]] = ()
    effort: int = EFFORT

    async def read(
        self, session: AsyncSession, after: Key | None, limit: int
    ) -> tuple[Sequence[WorkOrderRow], Key | None]:
        """Some orders, and the key of where to go on; None: that was all."""
        size = max(limit + 1, self.effort // max(1, len(self.walks))) if self.where else limit + 1
        found: list[WorkOrderRow] = []
        end: Key | None = None
        for n in range(0, len(self.walks), _WALKS_AT_ONCE):
            some = self.walks[n : n + _WALKS_AT_ONCE]
            found += await self._rows(session, some, after, size, limit)
            if self.where and (len(found) <= limit or len(self.walks) > 1):
                end = self._nearest(end, await self._end(session, some, after, size))
        rows = sorted({row.id: row for row in found}.values(), key=self._of, reverse=not self._ascending)
        if end is not None:
            rows = [row for row in rows if not self._further(self._of(row), end)]
        if len(rows) > limit:
            return rows[:limit], self._of(rows[limit - 1])
        return rows, end

    @property
    def _ascending(self) -> bool:
        return bool(self.walks) and self.walks[0].ascending

    def _of(self, row: WorkOrderRow) -> Key:
        return tuple(getattr(row, column.key or "") for column in self.key)

    def _further(self, one: Key, other: Key) -> bool:
        return one > other if self._ascending else one < other

    def _nearest(self, one: Key | None, other: Key | None) -> Key | None:
        if one is None or other is None:
            return one or other
        return other if self._further(one, other) else one

    async def _rows(
        self, session: AsyncSession, walks: Sequence[Walk], after: Key | None, size: int, limit: int
    ) -> Sequence[WorkOrderRow]:
        parts = [select(*walk.entries(after, size).c) for walk in walks]
        entries = (parts[0] if len(parts) == 1 else union(*parts)).subquery()
        chosen = select(list(entries.c)[-1])
        if not self.where and len(parts) > 1:
            distinct = select(*entries.c).distinct()
            top = distinct.order_by(*ordered(list(distinct.selected_columns), ascending=self._ascending))
            chosen = select(list(top.limit(_exactly(limit + 1)).subquery().c)[-1])
        query = select(WorkOrderRow).where(WorkOrderRow.id.in_(chosen), *_looked_at([*self.where, *self.guards]))
        query = query.order_by(*ordered(self.key, ascending=self._ascending)).limit(_exactly(limit + 1))
        return (await session.scalars(query)).all()

    async def _end(self, session: AsyncSession, walks: Sequence[Walk], after: Key | None, size: int) -> Key | None:
        """Where the first of the walks ended that did not come to its end."""
        parts = [select(*walk.end(after, size).subquery().c) for walk in walks]
        ends = await session.execute(parts[0] if len(parts) == 1 else union(*parts))
        nearest: Key | None = None
        for row in ends:
            nearest = self._nearest(nearest, tuple(row))
        return nearest
