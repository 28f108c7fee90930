"""Entries of campaigns: which one is next, who has one, how far a list is, and what came of each attempt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from daemon.orders.campaign import Entry, State
from daemon.orders.history import Actor
from daemon.orders.results import Choice
from daemon.storage.tables import CampaignEntryRow, CampaignResultRow, CustomerRow, OutgoingCallRow, WorkOrderRow
from daemon.storage.visibility import Sight

Row = CampaignEntryRow
MOST_COUNTED: Final = 1000
"""Of what an agent could call, more are not counted: there is enough to do."""
MOST_LAPSED: Final = 100
"""Entries that nobody has any more and that one request gives back."""


def entry_of(row: Row) -> Entry:
    """The entry as the core sees it."""
    return Entry(
        state=State(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        for_agent=row.for_agent_id,
        agent=row.agent_id,
        taken_at=row.taken_at,
        last_result=row.last_result,
    )


async def keep(session: AsyncSession, row: Row, entry: Entry, at: datetime) -> None:
    """Write what the core has made of it. The database refuses a second one that an agent holds (IntegrityError)."""
    row.state, row.attempts, row.next_at = entry.state.value, entry.attempts, entry.next_at
    row.for_agent_id, row.agent_id, row.taken_at = entry.for_agent, entry.agent, entry.taken_at
    row.last_result, row.changed_at = entry.last_result, at
    await session.flush()


# --- one -------------------------------------------------------------------------------------------------------------


async def one(session: AsyncSession, sight: Sight, entry_id: int, *, lock: bool = False) -> Row | None:
    """An entry of his team; `lock`: until the end of the transaction nobody else does anything with it."""
    query = select(Row).where(Row.id == entry_id, sight.of_team(Row.team_id))
    return await session.scalar(query.with_for_update() if lock else query)


async def held(session: AsyncSession, agent_id: int, *, lock: bool = False) -> Row | None:
    """The one that an agent has taken and said nothing about yet, of whichever campaign."""
    query = select(Row).where(Row.agent_id == agent_id, _is(State.TAKEN))
    return await session.scalar(query.with_for_update() if lock else query)


async def some(session: AsyncSession, module_id: int, entry_ids: Collection[int]) -> Sequence[Row]:
    """These entries of a campaign, locked, by id."""
    query = select(Row).where(Row.id.in_(entry_ids), Row.module_id == module_id).order_by(Row.id)
    return (await session.scalars(query.with_for_update())).all()


async def next_due(session: AsyncSession, module_id: int, agent_id: int, at: datetime) -> Row | None:
    """What this agent calls next, locked; what others are just taking is passed over.

    Call backs that wait for him, then those for anyone, the longest due first; then new ones in the order in which
    they were added, those that are kept for him first.
    """
    mine, anyone = Row.for_agent_id == agent_id, Row.for_agent_id.is_(None)
    again = (_is(State.TRIED), Row.next_at <= at)
    for whose, which, order in (
        (mine, again, Row.next_at),
        (anyone, again, Row.next_at),
        (mine, (_is(State.WAITING),), Row.id),
        (anyone, (_is(State.WAITING),), Row.id),
    ):
        query = select(Row).where(Row.module_id == module_id, whose, *which).order_by(order, Row.id).limit(1)
        row = await session.scalar(query.with_for_update(skip_locked=True))
        if row is not None:
            return row
    return None


async def lapsed(session: AsyncSession, module_id: int, before: datetime) -> Sequence[Row]:
    """Entries that were taken before a time, by agents who are in no call that they placed; locked."""
    calls = select(OutgoingCallRow.id).where(
        OutgoingCallRow.agent_id == Row.agent_id, OutgoingCallRow.ended_at.is_(None)
    )
    query = select(Row).where(Row.module_id == module_id, _is(State.TAKEN), Row.taken_at < before, ~calls.exists())
    return (await session.scalars(query.limit(MOST_LAPSED).with_for_update(skip_locked=True))).all()


def _is(state: State) -> ColumnElement[bool]:
    """In these words, so that both databases know the partial indexes to be meant."""
    return Row.state == literal_column(f"'{state.value}'")


# --- how far it is -----------------------------------------------------------------------------------------------


async def counts(session: AsyncSession, module_ids: Collection[int]) -> Mapping[int, Mapping[State, int]]:
    """How many entries of each campaign stand where."""
    found: dict[int, dict[State, int]] = {id_: {} for id_ in module_ids}
    places = [(module_id, state) for module_id in found for state in State]
    # each for itself: to group them by state, SQLite compares the words of 100,000 entries
    each = [select(func.count()).where(Row.module_id == id_, _is(state)).scalar_subquery() for id_, state in places]
    counted = (await session.execute(select(*each))).one() if each else ()
    for (module_id, state), count in zip(places, counted, strict=True):
        if count:
            found[module_id][state] = count
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an agent could call now: call backs that wait for him, those for anyone, and new ones; MOST_COUNTED of each
    at the most.

    `next_at`: when the next call back is due of those that are not, of his or of anyone's.
    """

    mine: int = 0
    anyone: int = 0
    new: int = 0
    next_at: datetime | None = None

    @property
    def all(self) -> int:
        """All of them, MOST_COUNTED at the most."""
        return min(self.mine + self.anyone + self.new, MOST_COUNTED)


async def waiting(session: AsyncSession, module_id: int, agent_id: int, at: datetime) -> Waiting:
    """What waits for this agent in a campaign."""
    mine, anyone = Row.for_agent_id == agent_id, Row.for_agent_id.is_(None)
    new, tried = (_is(State.WAITING),), (_is(State.TRIED), Row.next_at <= at)

    def count(whose: ColumnElement[bool], which: tuple[ColumnElement[bool], ...]) -> ScalarSelect[int]:
        some = select(Row.id).where(Row.module_id == module_id, whose, *which).limit(MOST_COUNTED).subquery()
        return select(func.count()).select_from(some).scalar_subquery()

    counts = [count(whose, which) for which in (tried, new) for whose in (mine, anyone)]
    later = [_next_at(module_id, whose, at) for whose in (mine, anyone)]
    *found, his_next, next_of_anyone = (await session.execute(select(*counts, *later))).one()
    return Waiting(
        mine=found[0],
        anyone=found[1],
        new=min(found[2] + found[3], MOST_COUNTED),
        next_at=min((each for each in (his_next, next_of_anyone) if each is not None), default=None),
    )


def _next_at(module_id: int, whose: ColumnElement[bool], after: datetime) -> ScalarSelect[datetime | None]:
    query = select(Row.next_at).where(Row.module_id == module_id, _is(State.TRIED), whose, Row.next_at > after)
    return query.order_by(Row.next_at).limit(1).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Tally:
    """So many attempts of an agent came to this result."""

    agent_id: int
    result: str
    count: int


async def tallies(session: AsyncSession, module_id: int, since: datetime) -> Sequence[Tally]:
    """What the attempts since a time came to; of each only what was said last."""
    said, later = CampaignResultRow, aliased(CampaignResultRow)
    corrected = select(later.n).where(later.entry_id == said.entry_id, later.attempt == said.attempt, later.n > said.n)
    query = select(said.agent_id, said.result, func.count()).where(
        said.module_id == module_id, said.at >= since, ~corrected.exists()
    )
    found = await session.execute(query.group_by(said.agent_id, said.result))
    return [Tally(agent_id, result, count) for agent_id, result, count in found]


# --- lists -----------------------------------------------------------------------------------------------------------


async def listed(
    session: AsyncSession, module_id: int, state: State, after: int = 0, limit: int = 50
) -> tuple[Sequence[Row], int | None]:
    """Entries that stand somewhere in the order in which they were added, and after which one to go on."""
    query = select(Row).where(Row.module_id == module_id, Row.state == state.value, Row.id > after)
    rows = (await session.scalars(query.order_by(Row.id).limit(limit + 1))).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


async def of_number(session: AsyncSession, module_id: int, number_key: str) -> Row | None:
    """The entry of a number."""
    return await session.scalar(select(Row).where(Row.module_id == module_id, Row.number_key == number_key))


async def latest_of(session: AsyncSession, module_id: int, agent_id: int, limit: int) -> Sequence[CampaignResultRow]:
    """What an agent said last in a campaign."""
    said = CampaignResultRow
    query = select(said).where(said.agent_id == agent_id, said.module_id == module_id)
    return (await session.scalars(query.order_by(said.at.desc(), said.entry_id, said.n.desc()).limit(limit))).all()


async def by_id(session: AsyncSession, entry_ids: Collection[int]) -> Mapping[int, Row]:
    """These entries."""
    return {row.id: row for row in await session.scalars(select(Row).where(Row.id.in_(entry_ids)))}


# --- results ---------------------------------------------------------------------------------------------------------


async def results_of(session: AsyncSession, entry_ids: Collection[int]) -> Mapping[int, Sequence[CampaignResultRow]]:
    """All that was said of each of these entries, the latest last."""
    found: dict[int, list[CampaignResultRow]] = {id_: [] for id_ in entry_ids}
    query = select(CampaignResultRow).where(CampaignResultRow.entry_id.in_(found))
    for row in await session.scalars(query.order_by(CampaignResultRow.entry_id, CampaignResultRow.n)):
        found[row.entry_id].append(row)
    return found


async def results_of_customer(
    session: AsyncSession, customer_id: int, but: int, limit: int
) -> Sequence[CampaignResultRow]:
    """What calls of other entries of a customer came to, the latest first."""
    query = select(CampaignResultRow).join(Row, Row.id == CampaignResultRow.entry_id)
    query = query.where(Row.customer_id == customer_id, Row.id != but)
    return (await session.scalars(query.order_by(CampaignResultRow.at.desc()).limit(limit))).all()


async def calls_to_customer(session: AsyncSession, customer_id: int, limit: int) -> Sequence[OutgoingCallRow]:
    """The calls that agents placed to a customer from a page, the latest first."""
    query = select(OutgoingCallRow).where(OutgoingCallRow.customer_id == customer_id)
    return (await session.scalars(query.order_by(OutgoingCallRow.id.desc()).limit(limit))).all()


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent said of an attempt; `n` and `attempt` count from 1, `order_id`: the order that it made."""

    n: int
    attempt: int
    agent_id: int
    choice: Choice
    order_id: int | None


async def note_result(session: AsyncSession, row: Row, said: Said, actor: Actor, at: datetime) -> None:
    """One more word on an entry."""
    session.add(
        CampaignResultRow(
            entry_id=row.id,
            n=said.n,
            attempt=said.attempt,
            team_id=row.team_id,
            module_id=row.module_id,
            agent_id=said.agent_id,
            actor=actor.name[:80],
            result=said.choice.result,
            note=said.choice.note,
            callback_at=said.choice.callback_at,
            callback_for=said.choice.callback_for,
            order_id=said.order_id,
            at=at,
        )
    )
    await session.flush()


async def order_of(session: AsyncSession, row: Row, said: CampaignResultRow) -> WorkOrderRow | None:
    """The order that a result made, or that its agent has made since for the same customer in the same campaign."""
    if said.order_id is not None:
        return await session.get(WorkOrderRow, said.order_id)
    if row.customer_id is None:
        return None
    query = select(WorkOrderRow).where(
        WorkOrderRow.customer_id == row.customer_id,
        WorkOrderRow.creator_id == said.agent_id,
        WorkOrderRow.module_id == said.module_id,
        WorkOrderRow.created_at >= said.at,
    )
    return await session.scalar(query.order_by(WorkOrderRow.id.desc()).limit(1))


async def customers_of(session: AsyncSession, rows: Iterable[Row]) -> Mapping[int, CustomerRow]:
    """The customers of entries, by id."""
    ids = {row.customer_id for row in rows if row.customer_id is not None}
    if not ids:
        return {}
    return {each.id: each for each in await session.scalars(select(CustomerRow).where(CustomerRow.id.in_(ids)))}
