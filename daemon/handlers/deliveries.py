"""What became of mails and webhooks: admins and systems of a team see it, send again, or let it be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.storage import outbox
from daemon.storage.engine import Store
from daemon.storage.outbox import STATES, State
from daemon.storage.tables import OutboxRow

Change = Literal["redeliver", "discard"]


async def listed(
    session: AsyncSession,
    world: World,
    person: Person,
    state: State | None,
    endpoint: str | None,
    before_id: int | None,
    limit: int,
) -> tuple[Sequence[OutboxRow], int | None]:
    """Deliveries, the latest first, and after which id they go on; None: that was all. Raises ForbiddenError."""
    only_admins(person)
    teams = sorted(world.teams) if person.team_id is None else [person.team_id]
    states = STATES if state is None else (state,)
    rows = await outbox.listed(session, teams, states, endpoint, before_id, limit + 1)
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


async def one(session: AsyncSession, person: Person, id_: int) -> OutboxRow:
    """One delivery. Raises ForbiddenError, NotFoundError."""
    only_admins(person)
    row = await session.get(OutboxRow, id_)
    if row is None or person.team_id not in {None, row.team_id}:
        message = f"there is no delivery {id_}"
        raise NotFoundError(message)
    return row


async def change(
    store: Store, person: Person, ids: Sequence[int], what: Change, at: datetime
) -> tuple[Sequence[OutboxRow], tuple[News, ...]]:
    """Deliver these again, under the same message ids, or discard them: all, or none.

    Raises ForbiddenError, NotFoundError, RefusedError (it is under way, or not there to be discarded).
    """
    only_admins(person)
    rows: list[OutboxRow] = []
    async with store.write() as session:
        for id_ in sorted(set(ids)):
            await one(session, person, id_)
            row = await outbox.lock(session, id_)
            assert row is not None
            _check(row, what)
            await (outbox.redeliver if what == "redeliver" else outbox.discard)(session, row, at)
            rows.append(row)
    teams = sorted({row.team_id for row in rows})
    return rows, tuple(News(team, "deliveries", tuple(row.id for row in rows if row.team_id == team)) for team in teams)


def _check(row: OutboxRow, what: Change) -> None:
    if row.holder is not None:
        message = f"delivery {row.id} is under way: wait until it is answered"
        raise RefusedError(message)
    if what == "discard" and row.state in {"delivered", "discarded"}:
        message = f"delivery {row.id} is {row.state} already"
        raise RefusedError(message)


def only_admins(person: Person) -> None:
    """Raises ForbiddenError for agents."""
    if person.kind == "agent":
        message = "deliveries are for team admins, system admins and systems"
        raise ForbiddenError(message)
