"""Creating orders as requests do: those that come at the same time share a transaction, its commit and its locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import WorkorderdError
from daemon.handlers import notices
from daemon.handlers.inspection import Seen, see, see_new
from daemon.handlers.live import News
from daemon.handlers.named import check_names
from daemon.handlers.person import Person
from daemon.handlers.terms import by_of
from daemon.handlers.together import Together
from daemon.handlers.work_orders import Made, Wanted, made_of, news_of, prepare
from daemon.handlers.world import World
from daemon.storage import receipts
from daemon.storage.creations import Creation, add_and_index
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Created:
    """What a request to create has come to. `seen` None: the order was made by an earlier request."""

    id: int
    seen: Seen | None
    news: tuple[News, ...] = ()


class Creator:
    """One for a process and its database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._together = Together[tuple[World, Creation], Made | int](store, _write)

    async def create(
        self, world: World, person: Person, wanted: Wanted, receipt: Receipt | None, at: datetime
    ) -> Created:
        """Make an order; a request that comes again gets the order that it made.

        Raises ForbiddenError, RefusedError, InvalidError (also when it names what is not its team's).
        """
        try:
            new = prepare(world, by_of(person), wanted, at, receipt)
        except WorkorderdError:  # it may have been allowed when it came first
            made_then = await self._made_by(receipt)
            if made_then is None:
                raise
            return Created(made_then, None)
        made = await self._together.do((world, new))
        if isinstance(made, int):
            return Created(made, None)
        seen = see_new(world, person, made.row, made.order, made.fields)
        if seen is None:
            async with self._store.read() as session:
                seen = await see(session, world, person, made.row, made.order, made.fields)
        return Created(made.row.id, seen, (news_of(made.row),))

    async def _made_by(self, receipt: Receipt | None) -> int | None:
        if receipt is None:
            return None
        async with self._store.read() as session:
            found = (await receipts.earlier(session, [receipt])).get((receipt.who, receipt.key))
        return receipts.same(receipt, *found) if found else None


async def _write(session: AsyncSession, jobs: Sequence[tuple[World, Creation]]) -> list[Made | int | WorkorderdError]:
    """For each order: it, or the id that an earlier request with its receipt made, or why there is none."""
    wanted = [new for _, new in jobs]
    before = await receipts.earlier(session, [new.receipt for new in wanted if new.receipt])
    refused, fresh = {}, dict[int, Creation]()
    first: dict[tuple[str, str], int] = {}
    for n, new in enumerate(wanted):
        key = (new.receipt.who, new.receipt.key) if new.receipt else None
        if key is not None and (key in before or key in first):
            continue
        try:
            await _check(session, new)
        except WorkorderdError as error:
            refused[n] = error
            continue
        fresh[n] = new
        if key is not None:
            first[key] = n
    rows = await add_and_index(session, list(fresh.values())) if fresh else []
    made = {n: made_of(new, row) for (n, new), row in zip(fresh.items(), rows, strict=True)}
    for n, each in made.items():
        await notices.orders_made(session, jobs[n][0], [(each.row, each.order, wanted[n].created.entry)])
    for key, n in first.items():
        before[key] = (_fingerprint(wanted[n]), made[n].row.id)
    return [made.get(n) or refused.get(n) or _again(new, before) for n, new in enumerate(wanted)]


async def _check(session: AsyncSession, new: Creation) -> None:
    order, origin = new.created.order, new.origin
    await check_names(
        session, order.team_id, customer_id=order.customer_id, module_id=origin.module_id, call_id=origin.call_id
    )


def _fingerprint(new: Creation) -> str:
    return new.receipt.fingerprint if new.receipt else ""


def _again(new: Creation, before: dict[tuple[str, str], tuple[str, int]]) -> int | WorkorderdError:
    assert new.receipt is not None
    try:
        return receipts.same(new.receipt, *before[new.receipt.who, new.receipt.key])
    except WorkorderdError as error:
        return error
