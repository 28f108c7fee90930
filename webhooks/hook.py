"""PURE. What a webhook says, and the signature by which its receiver knows that it is ours.

The signature is that of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, in base64,
for each secret one, so that a receiver goes on verifying while a secret is exchanged. The id stays the same however
often a message is sent: a receiver that has seen it may answer 200 and do nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION: Final = 1
"""Of the payloads. Keys may be added under it; none goes, and none changes its meaning."""
PREFIX: Final = "whsec_"
KEY_SIZE: Final = range(24, 65)
"""Bytes of a secret (Standard Webhooks, "Signature scheme")."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(_Model):
    """An agent."""

    number: str
    name: str


class Who(_Model):
    """Who did something: an agent, a rule, Asterisk or a system."""

    kind: Literal["agent", "rule", "asterisk", "system"]
    name: str


class Order(_Model):
    """A work order as it is after what has happened."""

    id: int
    serial: str = Field(examples=["#7-12"])
    path: str = Field(description="its page, from the base address of workorderd", examples=["/work-orders/12"])
    title: str
    template: str
    status: Literal["new", "pending", "done"]
    node_status: Literal["new", "pending", "return", "verify"]
    group: str
    owner: Person | None
    creator: Person | None
    priority: int
    customer_id: int | None
    call_id: int | None
    missed_call_id: int | None
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="counts its steps: of two messages, the greater one is the later")


class OrderData(_Model):
    """What has happened to an order: the entry of its history."""

    order: Order
    action: str
    by: Who
    note: str
    changes: dict[str, Any] = Field(description="attribute or fields.<identity> -> [before, after]")


class Call(_Model):
    """A caller in a queue."""

    id: int
    pbx: str
    uniqueid: str
    number: str
    e164: str | None
    name: str
    queue: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    reason: str | None = Field(description="how it ended: answered, abandoned, timeout, ...")
    missed: bool
    wait_seconds: float
    agent: Person | None


class CallData(_Model):
    """A call entered a queue, was answered or ended."""

    call: Call


class MissedCall(_Model):
    """A caller who must be called back; missed again, it is counted here."""

    id: int
    number: str
    e164: str | None
    name: str
    queue: str
    reason: str
    wait_seconds: float
    count: int
    first_missed_at: datetime
    last_missed_at: datetime
    state: Literal["open", "reached", "dismissed", "order_done"]
    closed_at: datetime | None
    closed_by: str
    closed_how: str
    closed_note: str


class MissedCallData(_Model):
    """A missed call was listed, came again, or is closed."""

    missed_call: MissedCall


class Result(_Model):
    """What an agent says that a call came to."""

    id: int
    call_id: int
    agent: Person | None
    module: str
    result: str
    note: str
    callback_at: datetime | None
    callback_for: Literal["me", "anyone"] | None
    order_id: int | None


class ResultData(_Model):
    """A result was chosen, or changed."""

    result: Result


Data = OrderData | CallData | MissedCallData | ResultData

DATA: Final[Mapping[str, type[Data]]] = {
    "order": OrderData,
    "call": CallData,
    "missed_call": MissedCallData,
    "result": ResultData,
}
"""By the first word of an event's type."""


def payload(type_: str, team: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a message. `data`: of a `Data`, as `contents` gives it."""
    return {
        "type": type_,
        "version": VERSION,
        "timestamp": at.isoformat(),
        "team": team,
        "data": data,
    }


def contents(data: Data) -> dict[str, Any]:
    """A `Data` as JSON."""
    return data.model_dump(mode="json")


def key_of(secret: str) -> bytes:
    """The bytes of a secret, `whsec_` and base64. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_SIZE:
        message = "a secret of a webhook is whsec_ and the base64 of 24 to 64 random bytes"
        raise ValueError(message)
    return key


def signatures(secrets: Sequence[str], id_: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret."""
    return " ".join(f"v1,{_sign(key_of(secret), id_, timestamp, body)}" for secret in secrets)


def is_signed(secrets: Sequence[str], header: str, id_: str, timestamp: int, body: bytes) -> bool:
    """Whether one of the signatures in the header is right under one of the secrets."""
    given = [each.partition(",")[2] for each in header.split(" ")[:20] if each.startswith("v1,")]
    wanted = [_sign(key_of(secret), id_, timestamp, body) for secret in secrets]
    return any(hmac.compare_digest(ours.encode(), theirs.encode()) for ours in wanted for theirs in given)


def _sign(key: bytes, id_: str, timestamp: int, body: bytes) -> str:
    return base64.b64encode(hmac.digest(key, b"%s.%d.%s" % (id_.encode(), timestamp, body), hashlib.sha256)).decode()
