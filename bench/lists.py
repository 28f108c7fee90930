"""Lists, filters and search of work orders: what a request costs among 1,000,000 orders against one among 1,000.

Every kind of request that pages and API make, asked of both databases in turn, through the functions that they use.
Everything is in memory: it is asked for once before it is measured. No other program runs meanwhile, please.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bench import warehouse
from bench.measure import Figure, at_most, quantile
from bench.orders import AGENTS, GROUPS, NOW, TEMPLATES, Size, admin, agent, chinese, frequent, leader
from bench.servers import postgresql
from daemon.orders.customer import Dialling
from daemon.orders.words import read_query
from daemon.storage import search
from daemon.storage.engine import Store
from daemon.storage.order_lists import OrderFilter, work_orders
from daemon.storage.paging import Page, Place
from daemon.storage.tables import WorkOrderRow
from daemon.storage.visibility import Sight

SIZES = Size(1000), Size(1_000_000)
ROUNDS, WARM_UP = 150, 20
LIMIT = 1.5
RECENTLY = NOW - timedelta(days=3)
OPEN, RECENT = OrderFilter(), OrderFilter(open=False, finished_since=RECENTLY)
HISTORY, ANY = OrderFilter(open=False, finished_before=RECENTLY), OrderFilter(open=None)

Ask = Callable[[AsyncSession], Awaitable[Page[WorkOrderRow]]]
Kind = Callable[[random.Random, Size], Ask]
Who = Callable[[random.Random], Sight]


def _boss(_dice: random.Random) -> Sight:
    """The system admin."""
    return Sight(None)


def _list(who: Who, wanted: Callable[[random.Random, Size, Sight], OrderFilter], *, deep: bool = False) -> Kind:
    def kind(dice: random.Random, size: Size) -> Ask:
        sight = who(dice)
        which = wanted(dice, size, sight)
        place = Place(size.created_at(dice.randrange(size.orders)), 1) if deep else None
        return lambda session: work_orders(session, sight, which, place)

    return kind


def _find(who: Who, words: Callable[[random.Random, Size], str], wanted: OrderFilter = ANY) -> Kind:
    def kind(dice: random.Random, size: Size) -> Ask:
        sight, query = who(dice), read_query(words(dice, size), Dialling("DE"))
        return lambda session: search.find(session, sight, query, wanted)

    return kind


def _simply(wanted: OrderFilter) -> Callable[[random.Random, Size, Sight], OrderFilter]:
    return lambda _dice, _size, _sight: wanted


def _colleague(dice: random.Random, sight: Sight) -> int:
    return 1 + ((sight.team_id or 1) - 1) * AGENTS + dice.randrange(AGENTS)


def _template(dice: random.Random, sight: Sight) -> int:
    return 1 + ((sight.team_id or 1) - 1) * TEMPLATES + dice.randrange(TEMPLATES)


def _group(dice: random.Random, sight: Sight) -> int:
    return 1 + ((sight.team_id or 1) - 1) * GROUPS + dice.randrange(GROUPS)


def _customer(dice: random.Random, size: Size) -> int:
    return 1 + dice.randrange(size.customers)


def _month(dice: random.Random, size: Size, sort: str) -> OrderFilter:
    since = size.created_at(dice.randrange(size.orders))
    return OrderFilter(open=None, created_since=since, created_before=since + timedelta(days=30), sort=sort)  # type: ignore[arg-type]


def _rare(dice: random.Random) -> str:
    return read_query(Size(1000).name(dice.randrange(25_000))).terms[0].words[0].text


def _serial(dice: random.Random, size: Size) -> str:
    return f"#{1 + dice.randrange(TEMPLATES * 20)}-{1 + dice.randrange(size.orders)}"


LISTS: Mapping[str, Kind] = {
    "agent: open": _list(agent, _simply(OPEN)),
    "agent: recently finished": _list(agent, _simply(RECENT)),
    "agent: history": _list(agent, _simply(HISTORY)),
    "agent: history, deep": _list(agent, _simply(HISTORY), deep=True),
    "agent: mine": _list(agent, _simply(OrderFilter(whose="mine"))),
    "agent: created, history": _list(agent, _simply(OrderFilter(open=False, whose="created"))),
    "leader: open of his group": _list(leader, _simply(OrderFilter(whose="led"))),
    "leader: created by his group, history": _list(leader, _simply(OrderFilter(open=False, whose="created_in_led"))),
    "leader: nobody's": _list(leader, _simply(OrderFilter(whose="led", unowned=True))),
    "admin: open": _list(admin, _simply(OPEN)),
    "admin: recently finished": _list(admin, _simply(RECENT)),
    "admin: history, deep": _list(admin, _simply(HISTORY), deep=True),
    "admin: everything": _list(admin, _simply(ANY)),
    "system admin: open": _list(_boss, _simply(OPEN)),
    "system admin: history": _list(_boss, _simply(HISTORY)),
}
FILTERS: Mapping[str, Kind] = {
    "agent, template": _list(agent, lambda d, _, s: OrderFilter(open=False, template_id=_template(d, s))),
    "agent, colleague": _list(agent, lambda d, _, s: OrderFilter(open=None, owner_id=_colleague(d, s))),
    "agent, priority, pending": _list(agent, _simply(OrderFilter(status="pending", priority=2))),
    "agent, a state that none has": _list(agent, _simply(OrderFilter(open=False, node_status="verify"))),
    "admin, template": _list(admin, lambda d, _, s: OrderFilter(open=False, template_id=_template(d, s))),
    "admin, owner, template": _list(
        admin, lambda d, _, s: OrderFilter(open=None, owner_id=_colleague(d, s), template_id=_template(d, s))
    ),
    "admin, group, creator": _list(
        admin, lambda d, _, s: OrderFilter(open=None, group_id=_group(d, s), creator_id=_colleague(d, s))
    ),
    "admin, customer": _list(admin, lambda d, z, _: OrderFilter(open=None, customer_id=_customer(d, z))),
    "admin, a state that none has": _list(admin, _simply(OrderFilter(open=None, node_status="verify"))),
    "admin, late": _list(admin, _simply(OrderFilter(late_at=NOW, sort="due"))),
    "admin, late, by change": _list(admin, _simply(OrderFilter(late_at=NOW))),
    "admin, created in a month": _list(admin, lambda d, z, _: _month(d, z, "created")),
    "admin, created since": _list(
        admin, lambda d, z, _: OrderFilter(open=False, created_since=z.created_at(d.randrange(z.orders)))
    ),
    "agent, created in a month": _list(agent, lambda d, z, _: _month(d, z, "created")),
}
SEARCHES: Mapping[str, Kind] = {
    "agent, word": _find(agent, lambda d, _: frequent(d) + " "),
    "agent, two words": _find(agent, lambda d, _: f"{frequent(d)} {frequent(d)} "),
    "agent, word among open ones": _find(agent, lambda d, _: frequent(d) + " ", OPEN),
    "admin, word": _find(admin, lambda d, _: frequent(d) + " "),
    "admin, two words": _find(admin, lambda d, _: f"{frequent(d)} {frequent(d)} "),
    "admin, four words": _find(admin, lambda d, _: " ".join(frequent(d) for _ in range(4))),
    "admin, name and word": _find(admin, lambda d, _: f"{frequent(d)} {_rare(d)} "),
    "admin, beginning of a name": _find(admin, lambda d, _: _rare(d)[:4]),
    "admin, three letters": _find(admin, lambda d, _: frequent(d)[:3]),
    "admin, one letter": _find(admin, lambda d, _: frequent(d)[:1]),
    "admin, word and letter": _find(admin, lambda d, _: f"{frequent(d)} {frequent(d)[:1]}"),
    "admin, Chinese": _find(admin, lambda d, _: chinese(d, 2)),
    "admin, Chinese character": _find(admin, lambda d, _: chinese(d, 1)),
    "admin, number": _find(admin, lambda d, z: z.number(_customer(d, z))),
    "admin, last digits": _find(admin, lambda d, z: z.number(_customer(d, z))[-5:]),
    "agent, serial": _find(agent, _serial),
    "system admin, word": _find(_boss, lambda d, _: frequent(d) + " "),
}
KINDS = {
    **{f"list, {name}": kind for name, kind in LISTS.items()},
    **{f"filter, {name}": kind for name, kind in FILTERS.items()},
    **{f"search, {name}": kind for name, kind in SEARCHES.items()},
}


@dataclass
class Taken:
    """Milliseconds and rows of each request, by kind."""

    times: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in KINDS})
    rows: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in KINDS})

    @property
    def all(self) -> list[float]:
        return [each for times in self.times.values() for each in times]


async def _measure(stores: tuple[Store, Store]) -> tuple[Taken, Taken]:
    """Each request of the small database and its like of the big one, one after the other."""
    told = Taken(), Taken()
    for turn in range(WARM_UP + ROUNDS):
        if turn == WARM_UP:
            gc.collect()
            gc.freeze()
            told = Taken(), Taken()
        for name, kind in KINDS.items():
            for which in (0, 1) if turn % 2 else (1, 0):
                ask = kind(random.Random(f"{name} {turn % (ROUNDS // 2)}"), SIZES[which])
                started = time.perf_counter()
                async with stores[which].read() as session:
                    page = await ask(session)
                told[which].times[name].append(1000 * (time.perf_counter() - started))
                told[which].rows[name].append(len(page.rows))
    return told


async def _bytes(store: Store) -> float:
    async with store.read() as session:
        if store.is_sqlite:
            size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        else:
            size = "SELECT pg_database_size(current_database())"
        return float(await session.scalar(text(size)) or 0)


async def _of(name: str, build: Callable[[Size], Awaitable[Store]]) -> list[Figure]:
    started = time.perf_counter()
    stores = await build(SIZES[0]), await build(SIZES[1])
    built = time.perf_counter() - started
    small, big = await _measure(stores)
    size = await _bytes(stores[1])
    for store in stores:
        await store.close()
    return [*_told(name, small, big), *_whole(name, small, big), *_house(name, built, size)]


def _told(name: str, small: Taken, big: Taken) -> Iterator[Figure]:
    for kind, times in big.times.items():
        before, after = quantile(small.times[kind], 0.99), quantile(times, 0.99)
        medians = f"p50 {quantile(small.times[kind], 0.5):.1f} -> {quantile(times, 0.5):.1f} ms"
        rows = f"rows {quantile(small.rows[kind], 0.5)} -> {quantile(big.rows[kind], 0.5)}"
        told = f"p99 {before:.1f} -> {after:.1f} ms, {medians}, {rows}"
        yield Figure(f"{name}: {kind}", after / before, "x", against=told)


def _whole(name: str, small: Taken, big: Taken) -> Iterator[Figure]:
    for whole, part in (("list", "list,"), ("filter", "filter,"), ("search", "search,")):
        times = [
            [each for kind in taken.times if kind.startswith(part) for each in taken.times[kind]]
            for taken in (small, big)
        ]
        before, after = (quantile(each, 0.99) for each in times)
        told = f"p99 {before:.1f} -> {after:.1f} ms, {len(times[1])} requests"
        yield Figure(f"lists.{name}.{whole}.p99_ratio", after / before, "x", against=told)
    before, after = quantile(small.all, 0.99), quantile(big.all, 0.99)
    yield at_most(f"lists.{name}.p99_ratio", after / before, "x", LIMIT, f"{before:.1f} -> {after:.1f} ms")


def _house(name: str, seconds: float, size: float) -> Iterator[Figure]:
    yield Figure(f"lists.{name}: on disk", size / 2**20, "MiB", against="1,000,000 orders, their words, no history")
    yield Figure(f"lists.{name}: built in", seconds, "s")


def figures() -> Iterator[Figure]:
    """Ratios of each kind and of all, on both databases."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        yield from asyncio.run(_of("sqlite", lambda size: warehouse.sqlite(folder, size)))
    with tempfile.TemporaryDirectory() as place, postgresql(Path(place) / "pg") as server:
        url = server.get_uri()
        yield from asyncio.run(_of("postgresql", lambda size: warehouse.postgresql(url, size)))
