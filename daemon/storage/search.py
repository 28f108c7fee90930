"""Orders by words: `order_word` gives the orders of a word, the newest first; `order_text` all words of an order.

A search walks the orders of its rarest word and looks in each one's text for the others, with the bounded effort of
`paging.py`. How rare a word is from the reader's place on is seen by how far back its next PROBE orders reach. An
unfinished word stands for the words that begin with it, MOST_ENDINGS at the most; when there are more, and no other
word to walk by, the orders of the team themselves are walked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.words import Query, Term, Word, words_of
from daemon.storage.order_lists import OrderFilter, filters, teams_of
from daemon.storage.paging import EFFORT, Merge, Page, Place, Walk
from daemon.storage.tables import (
    CallRow,
    CustomerNumberRow,
    CustomerRow,
    OrderTextRow,
    OrderWordRow,
    WorkOrderFieldRow,
    WorkOrderRow,
)
from daemon.storage.visibility import Sight

PROBE: Final = 100
MOST_ENDINGS: Final = 32
MOST_PROBED: Final = 6
ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of all places in what was found: it goes by ids alone."""
_BEYOND: Final = "\U0010ffff"

_text, _word = cast(Table, OrderTextRow.__table__), cast(Table, OrderWordRow.__table__)


# --- writing -------------------------------------------------------------------------------------------------------


async def index_order(session: AsyncSession, team_id: int, order_id: int, texts: Iterable[str]) -> None:
    """The texts of a new order, what matters most first: title, customer, numbers, values of fields, description.

    Numbers as they were written, and as E.164. For an order that has been there, see `index_again`.
    """
    await _write(session, [(team_id, order_id, words_of(texts))])


async def index_again(session: AsyncSession, order_ids: Collection[int]) -> None:
    """The texts of these orders, their customers or his numbers may have changed: read and index them again."""
    if not order_ids:
        return
    orders = (await session.scalars(select(WorkOrderRow).where(WorkOrderRow.id.in_(order_ids)))).all()
    texts = await _texts(session, orders)
    before = select(OrderTextRow).where(OrderTextRow.order_id.in_(order_ids))
    before = before.where(OrderTextRow.team_id.in_({order.team_id for order in orders}))
    old = {row.order_id: row.words for row in await session.scalars(before)}
    fresh = []
    for order in orders:
        words = words_of(texts[order.id])
        if _line(words) == old.get(order.id):
            continue
        if order.id in old:
            await _forget(session, order, old[order.id].split())
        fresh.append((order.team_id, order.id, words))
    await _write(session, fresh)


async def orders_of_customer(session: AsyncSession, customer_id: int, limit: int = 1000) -> Sequence[int]:
    """The orders that change their words when this customer changes, the latest changed; for `index_again`."""
    query = select(WorkOrderRow.id).where(WorkOrderRow.customer_id == customer_id)
    return (await session.scalars(query.order_by(WorkOrderRow.updated_at.desc()).limit(limit))).all()


async def _write(session: AsyncSession, orders: Sequence[tuple[int, int, Sequence[str]]]) -> None:
    texts = [{"team_id": team, "order_id": id_, "words": _line(words)} for team, id_, words in orders]
    rows = [{"team_id": team, "word": word, "order_id": id_} for team, id_, words in orders for word in sorted(words)]
    if texts:
        await session.execute(insert(_text), texts)
    if rows:
        await session.execute(insert(_word), rows)


async def _forget(session: AsyncSession, order: WorkOrderRow, words: Collection[str]) -> None:
    of_order = (_word.c.team_id == order.team_id, _word.c.order_id == order.id)
    await session.execute(delete(_word).where(*of_order, _word.c.word.in_(words)))
    await session.execute(delete(_text).where(_text.c.team_id == order.team_id, _text.c.order_id == order.id))


def _line(words: Iterable[str]) -> str:
    """Words as `order_text` keeps them: each between two blanks."""
    return "".join(f" {word}" for word in words) + " "


async def _texts(session: AsyncSession, orders: Sequence[WorkOrderRow]) -> Mapping[int, list[str]]:
    """All texts by which these orders are found, in the order in which `index_order` wants them."""
    ids, customers = [order.id for order in orders], {order.customer_id for order in orders}
    names = select(CustomerRow.id, CustomerRow.name).where(CustomerRow.id.in_(customers))
    numbers = select(CustomerNumberRow.customer_id, CustomerNumberRow.raw, CustomerNumberRow.e164)
    numbers = numbers.where(CustomerNumberRow.customer_id.in_(customers)).order_by(CustomerNumberRow.id)
    calls = select(CallRow.id, CallRow.number, CallRow.e164).where(CallRow.id.in_({each.call_id for each in orders}))
    values = select(WorkOrderFieldRow.order_id, WorkOrderFieldRow.value).where(WorkOrderFieldRow.order_id.in_(ids))
    of_customer = await _gathered(session, names, numbers)
    of_call, of_fields = await _gathered(session, calls), await _gathered(session, values)
    return {
        order.id: [
            order.title,
            *of_customer.get(order.customer_id, ()),
            *of_call.get(order.call_id, ()),
            *of_fields.get(order.id, ()),
            order.description,
        ]
        for order in orders
    }


async def _gathered(session: AsyncSession, *queries: Executable) -> dict[int | None, list[str]]:
    """Texts by the id that is the first column."""
    found: dict[int | None, list[str]] = {}
    for query in queries:
        for id_, *texts in await session.execute(query):
            found.setdefault(id_, []).extend(text for text in texts if text)
    return found


# --- finding -------------------------------------------------------------------------------------------------------


async def find(
    session: AsyncSession,
    sight: Sight,
    query: Query,
    wanted: OrderFilter | None = None,
    after: Place | None = None,
    limit: int = 50,
    effort: int = EFFORT,
) -> Page[WorkOrderRow]:
    """Orders that somebody sees, in which all terms occur, the newest (by id) first; `wanted.sort` is not regarded.

    The page may be shorter than `limit` though there are more: `next` tells. A query without a term finds nothing.
    """
    wanted = wanted or OrderFilter(open=None)
    teams = await teams_of(session, sight, wanted.team_id)
    where = list(filters(sight, wanted).values())
    if query.serial:
        found = await _of_serial(session, teams, query, where)
        if found or not query.doubtful:
            return Page(found, None)
    if not query.terms:
        return Page((), None)
    rows: list[WorkOrderRow] = []
    end: int | None = None
    for team in teams:
        more, last = await _of_team(session, team, query.terms, where, after, limit, effort)
        rows += more
        end = max(end or 0, last) if last else end
    rows = sorted((row for row in rows if end is None or row.id >= end), key=lambda row: row.id, reverse=True)
    if len(rows) > limit:
        return Page(rows[:limit], Place(ANY_TIME, rows[limit - 1].id))
    return Page(rows, Place(ANY_TIME, end) if end else None)


async def _of_serial(
    session: AsyncSession, teams: Sequence[int], query: Query, where: Sequence[ColumnElement[bool]]
) -> Sequence[WorkOrderRow]:
    found = select(WorkOrderRow).where(WorkOrderRow.team_id.in_(teams), WorkOrderRow.serial == query.serial, *where)
    if query.terms and not query.doubtful:
        found = found.where(_all_occur(query.terms))
    return (await session.scalars(found.order_by(WorkOrderRow.id.desc()))).all()


async def _of_team(
    session: AsyncSession,
    team: int,
    terms: Sequence[Term],
    where: Sequence[ColumnElement[bool]],
    after: Place | None,
    limit: int,
    effort: int,
) -> tuple[Sequence[WorkOrderRow], int | None]:
    place = (after.id,) if after else None
    ways = [way for way in [await _way(session, team, term) for term in terms[:MOST_PROBED]] if way is not None]
    way = await _rarest(session, team, ways, after.id if after else None)
    walks = _walks(team, way)
    others = [term for term in terms if way is None or term is not way.term]
    left = [*where, _all_occur(others)] if others else where
    rows, end = await Merge(walks, (WorkOrderRow.id.expression,), left, effort=effort).read(session, place, limit)
    return rows, end[0] if end else None


@dataclass(frozen=True, slots=True)
class _Way:
    """A term and the words whose orders are walked for it."""

    term: Term
    words: tuple[str, ...]


async def _way(session: AsyncSession, team: int, term: Term) -> _Way | None:
    """None where too many words begin like it."""
    words: dict[str, None] = {}
    for word in term.words:
        if not word.prefix:
            words[word.text] = None
            continue
        endings = await _endings(session, team, word.text)
        if len(endings) > MOST_ENDINGS:
            return None
        words |= dict.fromkeys(endings)
    return _Way(term, tuple(words))


async def _endings(session: AsyncSession, team: int, beginning: str) -> Sequence[str]:
    """The team's words that begin like this, one step in the index each; one more than MOST_ENDINGS if there are."""

    def next_word(condition: ColumnElement[bool]) -> Select[Any]:
        spelled = (_word.c.team_id == team, condition, _word.c.word < beginning + _BEYOND)
        return select(func.min(_word.c.word).label("word")).where(*spelled)

    found = next_word(_word.c.word >= beginning).cte("endings", recursive=True)
    following = next_word(_word.c.word > found.c.word).scalar_subquery()
    found = found.union_all(select(following).where(found.c.word.is_not(None)))
    query = select(found.c.word).where(found.c.word.is_not(None)).limit(MOST_ENDINGS + 1)
    return (await session.scalars(query)).all()


async def _rarest(session: AsyncSession, team: int, ways: Sequence[_Way], after: int | None) -> _Way | None:
    """The way whose next orders reach back farthest."""
    if len(ways) < 2:
        return ways[0] if ways else None
    parts = []
    for n, way in enumerate(ways):
        size = max(2, PROBE // max(1, len(way.words)))
        for word in way.words:
            end = _walk(team, word).end(None if after is None else (after,), size).subquery()
            parts.append(select(literal(n).label("n"), end.c.order_id.label("id")))
    reached = dict.fromkeys(range(len(ways)), 0)
    for n, id_ in await session.execute(union_all(*parts)) if parts else ():
        reached[n] = max(reached[n], id_)
    return ways[min(reached, key=lambda n: (reached[n], len(ways[n].words)))]


def _walks(team: int, way: _Way | None) -> Sequence[Walk]:
    if way is None:
        return [Walk((_text.c.order_id,), (_text.c.team_id == team,))]
    return [_walk(team, word) for word in way.words]


def _walk(team: int, word: str) -> Walk:
    return Walk((_word.c.order_id,), (_word.c.team_id == team, _word.c.word == word))


def _all_occur(terms: Sequence[Term]) -> ColumnElement[bool]:
    """That each of these terms occurs in an order. A scalar, so that no database begins with all texts of the team."""
    same = (_text.c.team_id == WorkOrderRow.team_id) & (_text.c.order_id == WorkOrderRow.id)
    occur = (or_(*(_text.c.words.like(_pattern(word)) for word in term.words)) for term in terms)
    return select(and_(*occur)).where(same).correlate(WorkOrderRow).scalar_subquery()


def _pattern(word: Word) -> str:
    """Words have no character that means something to LIKE."""
    return f"% {word.text}%" if word.prefix else f"% {word.text} %"
