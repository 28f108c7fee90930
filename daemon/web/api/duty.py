"""Agents and their queues: who is there, log in, log out, pause, resume."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import Field

from daemon.calls.duty import Seat
from daemon.handlers.duty import Standing
from daemon.web.api.models import TEXT, Agent, AgentPresence, AgentQueue, Asking, Nothing
from daemon.web.api.operation import Answer, AnyOperation, Asked, Operation

Word = Annotated[str, Field(max_length=128, json_schema_extra=TEXT)]


class WhichQueue(Asking):
    """A queue, or all that are meant."""

    queue: Word = Field("", description="default: all that the agent may log in to, or is logged in to")
    pbx: Word = Field("", description="default: every PBX")


class Pause(Asking):
    """Why."""

    reason: Word = Field(description="an id of `pause_reasons` in the configuration")


async def log_in(asked: Asked[Nothing, WhichQueue]) -> Answer[Agent]:
    """POST /agents/{id}/log-in. Raises NotFoundError, ForbiddenError, RefusedError."""
    return _answer(await asked.parts.duty.log_in(asked.visit.person, asked.id, asked.body.queue, asked.body.pbx))


async def log_out(asked: Asked[Nothing, WhichQueue]) -> Answer[Agent]:
    """POST /agents/{id}/log-out. Raises NotFoundError, ForbiddenError, RefusedError."""
    return _answer(await asked.parts.duty.log_out(asked.visit.person, asked.id, asked.body.queue, asked.body.pbx))


async def pause(asked: Asked[Nothing, Pause]) -> Answer[Agent]:
    """POST /agents/{id}/pause. Raises NotFoundError, ForbiddenError, RefusedError."""
    return _answer(await asked.parts.duty.pause(asked.visit.person, asked.id, asked.body.reason))


async def resume(asked: Asked[Nothing, Nothing]) -> Answer[Agent]:
    """POST /agents/{id}/resume. Raises NotFoundError, ForbiddenError, RefusedError."""
    return _answer(await asked.parts.duty.resume(asked.visit.person, asked.id))


def _answer(standing: Standing) -> Answer[Agent]:
    return Answer(agent_told(standing))


def agent_told(standing: Standing) -> Agent:
    """An agent as the API gives him."""
    agent = standing.agent
    return Agent(
        id=agent.id,
        team_id=agent.team_id,
        number=agent.number,
        name=agent.name,
        groups=tuple(sorted(agent.groups)),
        leads=tuple(sorted(agent.leads)),
        presence=AgentPresence(
            online=standing.online,
            page=standing.has_page,
            stand=standing.stand.value,
            reason=standing.reason,
            paused_since=standing.since,
            wrap_up_until=standing.until,
            queues=tuple(_queue(chair.seat) for chair in standing.chairs if chair.seat),
            silent_pbxs=standing.silent,
        ),
    )


def _queue(seat: Seat) -> AgentQueue:
    member = seat.member
    return AgentQueue(
        pbx=seat.pbx,
        queue=member.queue,
        dynamic=member.dynamic,
        paused=member.paused,
        reason=member.reason,
        paused_since=datetime.fromtimestamp(member.paused_at, UTC) if member.paused and member.paused_at else None,
        in_call=member.in_call,
    )


def _operation(name: str, summary: str, handler: object, body: type) -> AnyOperation:
    return Operation(
        "POST",
        f"/agents/{{id}}/{name}",
        summary,
        "agents",
        handler,  # type: ignore[arg-type]
        Agent,
        Nothing,
        body,
        scope="agents:write",
        problems=(404, 409),
    )


DUTY_OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    _operation("log-in", "Log in to a queue, or to all that the configuration opens to the agent", log_in, WhichQueue),
    _operation("log-out", "Log out of a queue, or of all", log_out, WhichQueue),
    _operation("pause", "Take no calls in all queues, for a reason of the configuration", pause, Pause),
    _operation("resume", "Take calls again in all queues; it ends a wrap-up too", resume, Nothing),
)
