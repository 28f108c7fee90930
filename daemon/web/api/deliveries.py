"""Deliveries of mails and webhooks: list, one, send again or discard."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from daemon.handlers import deliveries
from daemon.storage.lists import Place
from daemon.storage.tables import OutboxRow
from daemon.web.api.models import Asking, Giving, Nothing, Paging, RowId
from daemon.web.api.operation import Answer, AnyOperation, Asked, Operation
from daemon.web.api.places import place_of
from daemon.web.cursors import to_cursor

State = Literal["waiting", "delivered", "parked", "discarded"]


class DeliveriesQuery(Paging):
    """Which deliveries; the latest first."""

    state: State | None = None
    endpoint: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class Delivery(Giving):
    """A mail or a webhook on its way. `code` and `answer`: what the last attempt got."""

    id: int
    team_id: int
    channel: Literal["mail", "webhook"]
    endpoint: str
    line: str = Field(description="within which order is kept, such as order:12")
    message_id: str = Field(description="the same however often it is sent: the header webhook-id")
    event: str
    state: State
    attempts: int
    under_way: bool
    code: str
    answer: str
    created_at: datetime
    next_at: datetime | None
    ended_at: datetime | None


class DeliveryInFull(Delivery):
    """With what is sent."""

    payload: dict[str, Any]


class Deliveries(Giving):
    """Some deliveries; `next` is the cursor of the next ones."""

    items: tuple[Delivery, ...]
    next: str | None = None


class DeliveryWish(Asking):
    """What is to be done with deliveries: all of them, or none."""

    ids: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=200)]
    action: Literal["redeliver", "discard"]


async def list_deliveries(asked: Asked[DeliveriesQuery, Nothing]) -> Answer[Deliveries]:
    """GET /webhooks/deliveries. Raises ForbiddenError."""
    query, parts = asked.query, asked.parts
    after = place_of(query.cursor)
    async with parts.store.read() as session:
        rows, more = await deliveries.listed(
            session,
            parts.world(),
            asked.visit.person,
            query.state,
            query.endpoint,
            after.id if after else None,
            query.limit,
        )
    following = to_cursor(Place(rows[-1].created_at, more)) if more else None
    return Answer(Deliveries(items=tuple(Delivery(**_told(row)) for row in rows), next=following))


async def show_delivery(asked: Asked[Nothing, Nothing]) -> Answer[DeliveryInFull]:
    """GET /webhooks/deliveries/{id}. Raises NotFoundError, ForbiddenError."""
    async with asked.parts.store.read() as session:
        row = await deliveries.one(session, asked.visit.person, asked.id)
    return Answer(DeliveryInFull(**_told(row), payload=row.payload))


async def change_deliveries(asked: Asked[Nothing, DeliveryWish]) -> Answer[Deliveries]:
    """POST /webhooks/deliveries. Raises NotFoundError, ForbiddenError, RefusedError."""
    parts, body = asked.parts, asked.body
    rows, news = await deliveries.change(parts.store, asked.visit.person, body.ids, body.action, parts.clock())
    for each in news:
        parts.live.publish(each)
    return Answer(Deliveries(items=tuple(Delivery(**_told(row)) for row in rows)))


def _told(row: OutboxRow) -> dict[str, Any]:
    names = ("id", "team_id", "channel", "endpoint", "line", "message_id", "event", "state", "attempts", "code")
    told = {name: getattr(row, name) for name in (*names, "answer", "created_at", "next_at", "ended_at")}
    return {**told, "under_way": row.holder is not None}


_TAG: Final = "webhooks"

DELIVERY_OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    Operation(
        "GET",
        "/webhooks/deliveries",
        "List deliveries of mails and webhooks",
        _TAG,
        list_deliveries,
        Deliveries,
        DeliveriesQuery,
        Nothing,
        scope="deliveries:read",
    ),
    Operation(
        "POST",
        "/webhooks/deliveries",
        "Send again, under the same message id, or discard: all, or none",
        _TAG,
        change_deliveries,
        Deliveries,
        Nothing,
        DeliveryWish,
        scope="deliveries:write",
        problems=(404, 409),
    ),
    Operation(
        "GET",
        "/webhooks/deliveries/{id}",
        "One delivery, with what is sent",
        _TAG,
        show_delivery,
        DeliveryInFull,
        Nothing,
        Nothing,
        scope="deliveries:read",
        problems=(404,),
    ),
)
