"""Results of calls: give one, and how they are told with their call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.results import choose_result
from daemon.orders.results import LONGEST_NOTE
from daemon.storage import results
from daemon.storage.tables import CallResultChoiceRow, CallResultRow
from daemon.web.api.models import TEXT, Asking, CallResult, Giving, Moment, Nothing, ResultChoice, RowId, is_text
from daemon.web.api.operation import Answer, Asked

Note = Annotated[str, Field(max_length=LONGEST_NOTE, json_schema_extra=TEXT), AfterValidator(is_text)]


class NewResult(Asking):
    """What a call came to."""

    result: Annotated[str, Field(min_length=1, max_length=60)] = Field(description="one of the module's results")
    note: Note = ""
    callback_at: Moment | None = Field(None, description="when the caller is to be called back")
    callback_for: Literal["me", "anyone"] | None = Field(None, description="default, with a time: me")
    agent: RowId | None = Field(None, description="whose result it is; default: yours. A system names the agent")


class ResultGiven(Giving):
    """What stands. `template_id`: the order to be made by the link; null: there is none to make."""

    call_id: int
    agent_id: int
    result: str
    work_order_id: int | None
    template_id: int | None
    changed: bool = Field(description="false: the same was given before")


async def give_result(asked: Asked[Nothing, NewResult]) -> Answer[ResultGiven]:
    """POST /calls/{id}/result. Raises NotFoundError, ForbiddenError, RefusedError, InvalidError."""
    parts, body = asked.parts, asked.body
    chosen = await choose_result(
        parts.store,
        parts.world(),
        asked.visit.person,
        asked.id,
        body.result,
        body.note,
        body.callback_at,
        body.callback_for,
        parts.clock(),
        agent_id=body.agent,
        receipt=asked.receipt,
    )
    for each in chosen.news:
        parts.live.publish(each)
    return Answer(
        ResultGiven(
            call_id=chosen.call_id,
            agent_id=chosen.agent_id,
            result=chosen.result,
            work_order_id=chosen.order_id,
            template_id=chosen.template_id,
            changed=bool(chosen.news),
        )
    )


async def results_of_call(session: AsyncSession, call_id: int) -> tuple[CallResult, ...]:
    """The results of a call with every choice, as the API tells them."""
    rows = (await results.results_of_calls(session, [call_id]))[call_id]
    choices = await results.choices_of(session, [row.id for row in rows])
    return tuple(_told(row, choices[row.id]) for row in rows)


def _told(row: CallResultRow, choices: Sequence[CallResultChoiceRow]) -> CallResult:
    return CallResult(
        agent_id=row.agent_id,
        module_id=row.module_id,
        result=row.result,
        note=row.note,
        callback_at=row.callback_at,
        callback_for=row.callback_for,
        work_order_id=row.order_id,
        chosen_at=row.chosen_at,
        changed_at=row.changed_at,
        choices=tuple(
            ResultChoice(
                at=each.at,
                by=each.actor,
                result=each.result,
                note=each.note,
                callback_at=each.callback_at,
                callback_for=each.callback_for,
            )
            for each in choices
        ),
    )
