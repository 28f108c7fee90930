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
from typing import Final, cast

from sqlalchemy import (
    ColumnElement,
    Executable,
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
    TeamRow,
    WorkOrderFieldRow,
    WorkOrderRow,
)
from daemon.storage.visibility import Sight

PROBE: Final = 100
MOST_ENDINGS: Final = 32
MOST_PROBED: Final = 6
ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of all places in what was found: it goes by ids alone."""
_MOST_PROBES: Final = 400  # SQLite joins no more than 500 SELECTs
_BEYOND: Final = "\U0010ffff"

_text, _word = cast(Table, OrderTextRow.__table__), cast(Table, OrderWordRow.__table__)


# --- writing -------------------------------------------------------------------------------------------------------


async def index_order(session: AsyncSession, team_id: int, order_id: int, texts: Iterable[str]) -> None:
    """The texts of a new order, what matters most first: title, customer, numbers, values of fields, description.

    Numbers as they were written, and as E.164. For an order that has been there, see `index_again`.
    """
    await _write(session, [(team_id, order_id, words_of(texts))])


async def index_orders(session: AsyncSession, orders: Iterable[tuple[int, int, Iterable[str]]]) -> None:
    """As `index_order`, several at once: (team id, order id, texts)."""
    await _write(session, [(team_id, order_id, words_of(texts)) for team_id, order_id, texts in orders])


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
    ways = [await _way(session, teams, term) for term in query.terms[:MOST_PROBED]]
    way = await _rarest(session, [way for way in ways if way is not None], after.id if after else None)
    others = [term for term in query.terms if way is None or term is not way.term]
    left = [*where, _all_occur(others)] if others else where
    merge = Merge(_walks(teams, way), (WorkOrderRow.id.expression,), left, effort=effort)
    rows, end = await merge.read(session, (after.id,) if after else None, limit)
    return Page(rows, Place(ANY_TIME, end[0]) if end else None)


async def _of_serial(
    session: AsyncSession, teams: Sequence[int], query: Query, where: Sequence[ColumnElement[bool]]
) -> Sequence[WorkOrderRow]:
    found = select(WorkOrderRow).where(WorkOrderRow.team_id.in_(teams), WorkOrderRow.serial == query.serial, *where)
    if query.terms and not query.doubtful:
        found = found.where(_all_occur(query.terms))
    return (await session.scalars(found.order_by(WorkOrderRow.id.desc()))).all()


@dataclass(frozen=True, slots=True)
class _Way:
    """A term, and the teams' words whose orders are walked for it."""

    term: Term
    words: tuple[tuple[int, str], ...]


async def _way(session: AsyncSession, teams: Sequence[int], term: Term) -> _Way | None:
    """None where too many words begin like it."""
    words: dict[tuple[int, str], None] = {}
    most = max(MOST_ENDINGS, 2 * len(teams))
    for word in term.words:
        if not word.prefix:
            words |= dict.fromkeys((team, word.text) for team in teams)
            continue
        endings = await _endings(session, teams, word.text, most + 1)
        if len(endings) > most:
            return None
        words |= dict.fromkeys(endings)
    return _Way(term, tuple(words))


async def _endings(
    session: AsyncSession, teams: Sequence[int], beginning: str, limit: int
) -> Sequence[tuple[int, str]]:
    """The teams' words that begin like this, up to a limit; each is one step in the index."""

    def next_word(team: ColumnElement[int], condition: ColumnElement[bool]) -> ColumnElement[str]:
        spelled = (_word.c.team_id == team, condition, _word.c.word < beginning + _BEYOND)
        return select(func.min(_word.c.word)).where(*spelled).scalar_subquery()

    first = next_word(TeamRow.id.expression, _word.c.word >= beginning).label("word")
    found = select(TeamRow.id.label("team"), first).where(TeamRow.id.in_(teams)).cte("endings", recursive=True)
    following = next_word(found.c.team, _word.c.word > found.c.word)
    found = found.union_all(select(found.c.team, following).where(found.c.word.is_not(None)))
    query = select(found.c.team, found.c.word).limit(limit + len(teams))
    return [(team, word) for team, word in await session.execute(query) if word is not None]


async def _rarest(session: AsyncSession, ways: Sequence[_Way], after: int | None) -> _Way | None:
    """The way whose next orders reach back farthest."""
    if len(ways) < 2 or sum(len(way.words) for way in ways) > _MOST_PROBES:
        return min(ways, key=lambda way: len(way.words), default=None)
    parts = []
    for n, way in enumerate(ways):
        words = _even(way.words)
        size = max(2, PROBE // max(1, len(words)))
        for team, word in words:
            end = _walk(team, word).end(None if after is None else (after,), size).subquery()
            parts.append(select(literal(n).label("n"), end.c.order_id.label("id")))
    reached = dict.fromkeys(range(len(ways)), 0)
    for n, id_ in await session.execute(union_all(*parts)) if parts else ():
        reached[n] = max(reached[n], id_)
    return ways[min(reached, key=lambda n: (reached[n], len(ways[n].words)))]


def _walks(teams: Sequence[int], way: _Way | None) -> Sequence[Walk]:
    if way is None:
        return [Walk((_text.c.order_id,), (_text.c.team_id == team,)) for team in teams]
    return [_walk(team, word) for team, word in _even(way.words)]


def _even(words: Sequence[tuple[int, str]]) -> Sequence[tuple[int, str]]:
    """As many as a power of two, filled up with words that no order has.

    So few different statements are asked, all of which SQLAlchemy and the databases remember: to prepare one anew
    would take longer than all the rest.
    """
    missing = (1 << (len(words) - 1).bit_length()) - len(words) if words else 0
    return [*words, *[(0, "")] * missing]


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
