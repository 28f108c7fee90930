"""Webhooks that come in: other systems create orders, act on them and give results of calls, each message once.

Signed as Standard Webhooks says, and fresh; the id is kept as a receipt, in the transaction of what it does, for
longer than a signature is taken: a message that comes again does nothing again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

import structlog
from aiohttp import web
from pydantic import Field, RootModel

from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.results import choose_result
from daemon.handlers.work_orders import act
from daemon.orders.commands import Command, Reply
from daemon.storage import calls
from daemon.storage.receipts import Receipt
from daemon.web.api.models import Asking, Giving, RowId
from daemon.web.api.order_models import ActionWish, NewWorkOrder, ReplyText
from daemon.web.api.reading import JSON, body_of
from daemon.web.api.results import NewResult
from daemon.web.api.work_orders import command_of, wanted_of
from daemon.web.parts import CREATOR, PARTS, Source, WebParts
from daemon.web.problems import problem
from webhooks.receive import RefusedError, verify

INCOMING: Final = "/webhooks/in/{name}"
REFUSED: Final = "web.webhook_refused"

log = structlog.get_logger()


class ActOn(ActionWish):
    """An action on an order."""

    work_order: RowId


class ReplyTo(ReplyText):
    """A reply to an order."""

    work_order: RowId


class ResultOf(NewResult):
    """What a call came to; the call by its id, or by its PBX and Asterisk's uniqueid. A system names the agent."""

    call: RowId | None = None
    pbx: Annotated[str, Field(max_length=60)] | None = None
    uniqueid: Annotated[str, Field(max_length=150)] | None = None


class CreateMessage(Asking):
    """Make an order."""

    type: Literal["order.create"]
    data: NewWorkOrder


class ActMessage(Asking):
    """Assign it, begin, say that it is done, verify, deny, return it."""

    type: Literal["order.act"]
    data: ActOn


class ReplyMessage(Asking):
    """Reply to an order."""

    type: Literal["order.reply"]
    data: ReplyTo


class ResultMessage(Asking):
    """Say what a call came to."""

    type: Literal["call.result"]
    data: ResultOf


class Message(
    RootModel[Annotated[CreateMessage | ActMessage | ReplyMessage | ResultMessage, Field(discriminator="type")]]
):
    """What another system wants done."""


class Taken(Giving):
    """What it came to; the same when it is sent again."""

    type: str
    work_order_id: int | None = None
    call_id: int | None = None


RIGHTS: Final = {
    "order.create": "orders:create",
    "order.act": "orders:act",
    "order.reply": "orders:act",
    "call.result": "results",
}


async def take_webhook(request: web.Request) -> web.Response:
    """POST /webhooks/in/{name}. Raises what the use cases raise; an unknown source and a bad signature look alike."""
    parts, name = request.app[PARTS], request.match_info["name"]
    source = parts.sources().get(name)
    raw = await request.read()
    headers = {key.lower(): value for key, value in request.headers.items()}
    try:
        received = verify(source.secrets if source else (), headers, raw, parts.clock().timestamp())
    except RefusedError as refused:
        log.warning(REFUSED, source=name if source else "unknown", why=str(refused))
        return problem(401, str(refused))
    assert source is not None  # without secrets nothing is verified
    message, _ = await body_of(request, Message)
    wish = message.root
    if RIGHTS[wish.type] not in source.rights:
        told = f"the source {name} has not the right {RIGHTS[wish.type]}"
        raise ForbiddenError(told)
    receipt = Receipt(f"hook:{name}", received.id, hashlib.sha256(raw).hexdigest())
    taken = await _do(request, parts, source, Person("system", name, name, source.team_id), wish, receipt)
    return web.Response(body=taken.model_dump_json().encode(), content_type=JSON)


async def _do(
    request: web.Request, parts: WebParts, source: Source, person: Person, wish: Any, receipt: Receipt
) -> Taken:
    match wish:
        case CreateMessage(data=data):
            world = parts.world()
            wanted = wanted_of(world, person, data)
            created = await request.app[CREATOR].create(world, person, wanted, receipt, parts.clock())
            _publish(parts, created.news)
            return Taken(type=wish.type, work_order_id=created.id)
        case ActMessage(data=data):
            return await _act(parts, person, wish.type, data.work_order, command_of(data), receipt)
        case ReplyMessage(data=data):
            return await _act(parts, person, wish.type, data.work_order, Reply(note=data.text), receipt)
    return await _give_result(parts, source, person, wish.data, receipt)


async def _act(parts: WebParts, person: Person, type_: str, order_id: int, command: Command, receipt: Receipt) -> Taken:
    news = await act(parts.store, parts.world(), person, order_id, command, parts.clock(), receipt=receipt)
    _publish(parts, news)
    return Taken(type=type_, work_order_id=order_id)


async def _give_result(parts: WebParts, source: Source, person: Person, data: ResultOf, receipt: Receipt) -> Taken:
    call_id = data.call or await _call_of(parts, source, data)
    chosen = await choose_result(
        parts.store,
        parts.world(),
        person,
        call_id,
        data.result,
        data.note,
        data.callback_at,
        data.callback_for,
        parts.clock(),
        agent_id=data.agent,
        receipt=receipt,
    )
    _publish(parts, chosen.news)
    return Taken(type="call.result", call_id=chosen.call_id, work_order_id=chosen.order_id)


async def _call_of(parts: WebParts, source: Source, data: ResultOf) -> int:
    async with parts.store.read() as session:
        row = await calls.find(session, data.pbx or "", data.uniqueid or "")
    if row is None or row.team_id != source.team_id:
        message = "there is no such call: name it by `call`, or by `pbx` and `uniqueid`"
        raise NotFoundError(message)
    return row.id


def _publish(parts: WebParts, news: Iterable[News]) -> None:
    for each in news:
        parts.live.publish(each)
