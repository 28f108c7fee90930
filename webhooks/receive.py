"""PURE. Whether a webhook that came in is what it says: signed by somebody who has the secret, now, and for the first
time as far as its id tells (that one is kept by who receives it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from webhooks.hook import is_signed

TOLERANCE: Final = 300
"""Seconds that the sender's clock may be off (Standard Webhooks says five minutes)."""
ID: Final = re.compile(r"[!-~]{1,200}")
TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class RefusedError(Exception):
    """It is not taken; the text says why, and tells nobody anything about the secret."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was verified."""

    id: str
    timestamp: int


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> Received:
    """The id and the time of a message. Raises RefusedError. `headers`: looked up as given, in small letters."""
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signature = headers.get("webhook-signature", "")
    if not (ID.fullmatch(id_) and TIMESTAMP.fullmatch(timestamp) and signature):
        message = "the headers webhook-id, webhook-timestamp and webhook-signature must be there"
        raise RefusedError(message)
    if not is_signed(secrets, signature, id_, int(timestamp), body):
        message = "the signature is not right"
        raise RefusedError(message)
    if abs(now - int(timestamp)) > TOLERANCE:
        message = f"its time is more than {TOLERANCE // 60} minutes away from now"
        raise RefusedError(message)
    return Received(id_, int(timestamp))
