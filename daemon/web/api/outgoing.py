"""Calls that are asked for: place one, call back a missed caller, how the latest one goes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers.dialling import Placed, Wish
from daemon.handlers.person import Person
from daemon.web.api.models import BIGGEST_ID, TEXT, Asking, Giving, Nothing, RowId
from daemon.web.api.operation import Answer, Asked

WHOSE = "whose telephone rings first; default: yours. A system names the agent"


class NewCall(Asking):
    """A number to call, and what it is about."""

    number: Annotated[str, Field(min_length=1, max_length=40, json_schema_extra=TEXT)] = Field(
        description="as people write it, or E.164; only what the configuration allows is dialled"
    )
    work_order: RowId | None = Field(None, description="the call is noted in its history")
    customer: RowId | None = None
    agent: RowId | None = Field(None, description=WHOSE)


class NewCallBack(Asking):
    """Who calls the missed caller back."""

    agent: RowId | None = Field(None, description=WHOSE)


class WhoseCall(Asking):
    """Whose call is asked for."""

    agent: Annotated[int, Field(ge=1, le=BIGGEST_ID)] | None = Field(None, description="default: yours")


class OutgoingCall(Giving):
    """A call that was asked for, as it goes."""

    id: int
    agent_id: int
    pbx: str
    uniqueid: str = Field(description="of the agent's channel")
    number: str = Field(description="what is dialled")
    phase: str = Field(description="agent_rings, rings, talks, over")
    outcome: str = Field(
        description='"" while it is not known; answered, busy, no_answer, failed, cancelled, not_taken, unreachable, '
        "unknown"
    )
    placed_at: datetime
    missed_call_id: int | None
    work_order_id: int | None
    customer_id: int | None


class OutgoingCalls(Giving):
    """The latest call that an agent placed, or none."""

    items: tuple[OutgoingCall, ...]


async def place_call(asked: Asked[Nothing, NewCall]) -> Answer[OutgoingCall]:
    """POST /calls. Raises NotFoundError, ForbiddenError, RefusedError."""
    body = asked.body
    wish = Wish(body.number, None, body.work_order, body.customer)
    return Answer(_told(await asked.parts.dialler.call(_caller(asked, body.agent), wish)), 202)


async def call_back(asked: Asked[Nothing, NewCallBack]) -> Answer[OutgoingCall]:
    """POST /missed-calls/{id}/call-back. Raises NotFoundError, ForbiddenError, RefusedError."""
    return Answer(_told(await asked.parts.dialler.call(_caller(asked, asked.body.agent), Wish(item_id=asked.id))), 202)


async def show_outgoing_calls(asked: Asked[WhoseCall, Nothing]) -> Answer[OutgoingCalls]:
    """GET /outgoing-calls. Raises NotFoundError, ForbiddenError."""
    agent = _caller(asked, asked.query.agent).agent
    call = asked.parts.dialler.of(agent.id) if agent else None
    return Answer(OutgoingCalls(items=(_told(call),) if call else ()))


def _caller(asked: Asked[Any, Any], id_: int | None) -> Person:
    """Who calls. Raises NotFoundError, ForbiddenError (it would be somebody else)."""
    person = asked.visit.person
    if id_ is None or (person.agent is not None and person.agent.id == id_):
        return person
    agent = asked.parts.world().agents.get(id_)
    if agent is None or person.team_id not in {None, agent.team_id}:
        message = f"there is no agent {id_}"
        raise NotFoundError(message)
    if person.kind != "system":
        message = "agents place calls of their own; a system names the agent"
        raise ForbiddenError(message)
    return Person("agent", agent.username, agent.name, agent.team_id, agent)


def _told(call: Placed) -> OutgoingCall:
    return OutgoingCall(
        id=call.id,
        agent_id=call.agent_id,
        pbx=call.pbx,
        uniqueid=call.uniqueid,
        number=call.number,
        phase=call.how.phase.value,
        outcome=call.how.outcome,
        placed_at=call.since,
        missed_call_id=call.item_id,
        work_order_id=call.order_id,
        customer_id=call.customer_id,
    )
