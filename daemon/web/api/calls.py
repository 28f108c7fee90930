"""Calls that reached a queue: list and one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.errors import NotFoundError
from daemon.storage import lists
from daemon.storage.lists import CallFilter
from daemon.storage.tables import CallRow, StintRow
from daemon.web.api.models import Call, CallInFull, Calls, CallsQuery, Nothing, Stint
from daemon.web.api.operation import Answer, Asked
from daemon.web.api.places import place_of
from daemon.web.api.results import results_of_call
from daemon.web.cursors import to_cursor


async def list_calls(asked: Asked[CallsQuery, Nothing]) -> Answer[Calls]:
    """GET /calls."""
    query = asked.query
    wanted = CallFilter(query.missed, query.living, query.e164)
    async with asked.parts.store.read() as session:
        found = await lists.calls(session, asked.visit.sight, wanted, place_of(query.cursor), query.limit)
    items = tuple(Call(**_told(row)) for row in found.rows)
    return Answer(Calls(items=items, next=to_cursor(found.next) if found.next else None))


async def show_call(asked: Asked[Nothing, Nothing]) -> Answer[CallInFull]:
    """GET /calls/{id}. Raises NotFoundError."""
    async with asked.parts.store.read() as session:
        found = await lists.call(session, asked.visit.sight, asked.id)
        results = await results_of_call(session, asked.id) if found else ()
    if found is None:
        message = f"there is no call {asked.id}"
        raise NotFoundError(message)
    stints = tuple(map(_stint, found.stints))
    return Answer(CallInFull(**_told(found.call), stints=stints, missed_call_id=found.item_id, results=results))


def _told(row: CallRow) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "team_id": row.team_id,
        "pbx": row.pbx,
        "uniqueid": row.uniqueid,
        "number": row.number,
        "e164": row.e164,
        "name": row.name,
        "extension": row.extension,
        "queue": row.queue,
        "state": row.state,
        "began_at": row.began_at,
        "ended_at": row.ended_at,
        "reason": row.reason,
        "missed": row.missed,
        "wait": row.wait,
        "agent_id": row.agent_id,
    }


def _stint(row: StintRow) -> Stint:
    return Stint(
        queue=row.queue,
        joined_at=row.joined_at,
        left_at=row.left_at,
        exit=row.exit,
        answered_at=row.answered_at,
        member=row.member,
    )
