"""Calls and their stints: kept while they live, so that a restart finds them again, and judged at the end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import Call, Exit, State, Stint
from daemon.orders.number import Number
from daemon.storage.tables import CallRow, StintRow, moment


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a call belongs: its PBX, team (None: no config knows), number as read, and last queue's name."""

    pbx: str
    team_id: int | None
    number: Number
    queue: str
    agent_id: int | None = None


async def find(session: AsyncSession, pbx: str, uniqueid: str) -> CallRow | None:
    """The call's row, if it was kept."""
    return await session.scalar(select(CallRow).where(CallRow.pbx == pbx, CallRow.uniqueid == uniqueid))


async def keep(session: AsyncSession, call: Call, placed: Placed) -> CallRow:
    """Insert or update a living call with its stints. An ended row is left as it is."""
    row = await find(session, placed.pbx, call.uniqueid)
    if row is None:
        row = CallRow(pbx=placed.pbx, uniqueid=call.uniqueid, began_at=moment(call.began_at), state=State.ROUTING)
        session.add(row)
    elif row.state == State.ENDED:
        return row
    _fill(row, call, placed)
    await session.flush()
    await _keep_stints(session, row.id, call)
    return row


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: see CallRow. `revised`: it corrects an earlier, provisional outcome."""

    reason: str
    missed: bool
    listing: str
    revised: bool = False


async def end(session: AsyncSession, call: Call, placed: Placed, outcome: Outcome) -> tuple[CallRow, bool]:
    """Keep a judged call; returns its row and whether this is news: it was open, or is revised to say otherwise."""
    row = await find(session, placed.pbx, call.uniqueid)
    news = row is None or row.state != State.ENDED or (outcome.revised and row.reason != outcome.reason)
    if row is None:
        row = CallRow(pbx=placed.pbx, uniqueid=call.uniqueid, began_at=moment(call.began_at), state=State.ROUTING)
        session.add(row)
    if news:
        _fill(row, call, placed)
        row.state, row.ended_at = State.ENDED, moment(call.ended_at or call.began_at)
        row.reason, row.missed, row.listing, row.wait = (
            outcome.reason,
            outcome.missed,
            outcome.listing,
            round(call.wait, 3),
        )
        await session.flush()
        await _keep_stints(session, row.id, call)
    return row, news


def _fill(row: CallRow, call: Call, placed: Placed) -> None:
    row.linkedid, row.extension = call.linkedid[:150], call.extension[:80]
    row.team_id, row.queue, row.agent_id = placed.team_id, placed.queue[:128], placed.agent_id or row.agent_id
    row.number, row.e164, row.name = placed.number.raw, placed.number.e164, call.name[:255]
    row.state = call.state if call.state is not State.ENDED else row.state
    row.evidence = {
        "reached": call.reached,
        "hangup_at": call.hangup_at,
        "stopped": call.stopped,
        "taken": call.taken,
        "status_at": call.status_at,
        "abandon_seen": bool(call.stints and call.stints[-1].abandon_seen),
        "hangup_first": bool(call.stints and call.stints[-1].hangup_first),
    }


async def _keep_stints(session: AsyncSession, call_id: int, call: Call) -> None:
    for n, stint in enumerate(call.stints):
        await session.merge(
            StintRow(
                call_id=call_id,
                n=n,
                queue=stint.queue[:128],
                joined_at=moment(stint.joined_at),
                left_at=None if stint.left_at is None else moment(max(stint.left_at, stint.joined_at)),
                exit=stint.exit,
                provisional=stint.provisional,
                interface=stint.interface[:255],
                member=stint.member[:255],
                answered_at=None if stint.answered_at is None else moment(stint.answered_at),
            )
        )


async def ended_among(session: AsyncSession, pbx: str, uniqueids: Collection[str]) -> set[str]:
    """Those of these calls that are over, for certain or provisionally."""
    found: set[str] = set()
    listed = sorted(uniqueids)
    for start in range(0, len(listed), 500):
        part = listed[start : start + 500]
        query = select(CallRow.uniqueid).where(
            CallRow.pbx == pbx, CallRow.state == State.ENDED, CallRow.uniqueid.in_(part)
        )
        found.update((await session.scalars(query)).all())
    return found


async def living(session: AsyncSession, pbx: str) -> list[Call]:
    """The calls of a PBX that had not ended when they were kept last."""
    rows = (await session.scalars(select(CallRow).where(CallRow.pbx == pbx, CallRow.state != State.ENDED))).all()
    return [await _call(session, row) for row in rows]


async def _call(session: AsyncSession, row: CallRow) -> Call:
    stints = (await session.scalars(select(StintRow).where(StintRow.call_id == row.id).order_by(StintRow.n))).all()
    evidence = row.evidence
    return Call(
        uniqueid=row.uniqueid,
        linkedid=row.linkedid,
        number=row.number,
        name=row.name,
        extension=row.extension,
        began_at=row.began_at.timestamp(),
        state=State(row.state),
        stints=tuple(_stint(stint, evidence if stint is stints[-1] else {}) for stint in stints),
        reached=evidence.get("reached"),
        hangup_at=evidence.get("hangup_at"),
        stopped=evidence.get("stopped", False),
        taken=evidence.get("taken", False),
        status_at=evidence.get("status_at", 0.0),
    )


def _stint(row: StintRow, evidence: dict[str, object]) -> Stint:
    return Stint(
        queue=row.queue,
        joined_at=row.joined_at.timestamp(),
        left_at=_seconds(row.left_at),
        exit=Exit(row.exit) if row.exit else None,
        provisional=row.provisional,
        abandon_seen=bool(evidence.get("abandon_seen")),
        hangup_first=bool(evidence.get("hangup_first")),
        interface=row.interface,
        member=row.member,
        answered_at=_seconds(row.answered_at),
    )


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
