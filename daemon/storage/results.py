"""Results of calls: what stands, and every choice of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.orders.history import Actor
from daemon.orders.results import Choice
from daemon.storage.tables import CallResultChoiceRow, CallResultRow, CallRow, StintRow

TALKED: Final = ("answered", "after_talk")
"""Reasons of calls that are over, in which somebody talked with an agent."""


async def lock_call(session: AsyncSession, call_id: int) -> CallRow | None:
    """A call, so that nobody else chooses a result of it until the end of the transaction."""
    return await session.scalar(select(CallRow).where(CallRow.id == call_id).with_for_update())


async def answered_stints(session: AsyncSession, call_id: int) -> Sequence[StintRow]:
    """The stays of a call that somebody answered, in their order."""
    query = select(StintRow).where(StintRow.call_id == call_id, StintRow.answered_at.is_not(None))
    return (await session.scalars(query.order_by(StintRow.n))).all()


# --- results ---------------------------------------------------------------------------------------------------------


async def result_of(session: AsyncSession, call_id: int, agent_id: int) -> CallResultRow | None:
    """What this agent says that the call came to."""
    query = select(CallResultRow).where(CallResultRow.call_id == call_id, CallResultRow.agent_id == agent_id)
    return await session.scalar(query)


async def results_of_calls(session: AsyncSession, call_ids: Collection[int]) -> Mapping[int, Sequence[CallResultRow]]:
    """The results of each of these calls, the first chosen first."""
    found: dict[int, list[CallResultRow]] = {id_: [] for id_ in call_ids}
    query = select(CallResultRow).where(CallResultRow.call_id.in_(found)).order_by(CallResultRow.id)
    for row in (await session.scalars(query)).all():
        found[row.call_id].append(row)
    return found


async def choices_of(session: AsyncSession, result_ids: Collection[int]) -> Mapping[int, Sequence[CallResultChoiceRow]]:
    """Every choice of each of these results, oldest first; the last one is what stands."""
    found: dict[int, list[CallResultChoiceRow]] = {id_: [] for id_ in result_ids}
    query = select(CallResultChoiceRow).where(CallResultChoiceRow.call_result_id.in_(found))
    for row in (await session.scalars(query.order_by(CallResultChoiceRow.n))).all():
        found[row.call_result_id].append(row)
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Of which call, and which agent's result it is."""

    call: CallRow
    team_id: int
    agent_id: int
    module_id: int


async def add(session: AsyncSession, place: Place, choice: Choice, actor: Actor, at: datetime) -> CallResultRow:
    """The first choice. The database refuses a second row of the same call and agent (IntegrityError)."""
    row = CallResultRow(
        team_id=place.team_id,
        call_id=place.call.id,
        agent_id=place.agent_id,
        module_id=place.module_id,
        chosen_at=at,
        changed_at=at,
    )
    _set(row, choice)
    session.add(row)
    await session.flush()
    await _note(session, row, 1, actor, at)
    return row


async def change(session: AsyncSession, row: CallResultRow, choice: Choice, actor: Actor, at: datetime) -> None:
    """Another choice; the ones before stay on record."""
    of_this = CallResultChoiceRow.call_result_id == row.id
    last = await session.scalar(select(func.max(CallResultChoiceRow.n)).where(of_this))
    _set(row, choice)
    row.changed_at = max(at, row.chosen_at)
    await _note(session, row, (last or 0) + 1, actor, at)


def choice_of(row: CallResultRow) -> Choice:
    """What stands, as the core compares it."""
    if row.callback_at is None:
        return Choice(row.result, row.note, None, None)
    return Choice(row.result, row.note, row.callback_at, "anyone" if row.callback_for == "anyone" else "me")


def _set(row: CallResultRow, choice: Choice) -> None:
    row.result, row.note = choice.result, choice.note
    row.callback_at, row.callback_for = choice.callback_at, choice.callback_for


async def _note(session: AsyncSession, row: CallResultRow, n: int, actor: Actor, at: datetime) -> None:
    session.add(
        CallResultChoiceRow(
            call_result_id=row.id,
            n=n,
            at=at,
            actor=actor.name[:80],
            actor_id=actor.id,
            result=row.result,
            note=row.note,
            callback_at=row.callback_at,
            callback_for=row.callback_for,
        )
    )
    await session.flush()
