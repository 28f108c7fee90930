"""Addresses to reply to: each names an order and an agent, and is signed, so that nobody makes one up.

`desk@example.com` becomes `desk+12-3-bdpq...@example.com`: order 12, agent 3, and 80 bits of an HMAC over both. Mail
servers know what stands behind a + as a detail of the mailbox (RFC 5233). Capital letters make no difference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

LONGEST_NAME: Final = 24
"""Characters before the @, so that no address becomes longer than the 64 of RFC 5321, 4.5.3.1.1."""
_DETAIL: Final = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,9})-([a-z2-7]{16})")


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """What an address stands for."""

    order_id: int
    agent_id: int


def write_address(base: str, key: bytes, to: ReplyTo) -> str:
    """The address to which this agent replies about this order."""
    name, _, domain = base.partition("@")
    return f"{name}+{to.order_id}-{to.agent_id}-{_signature(key, to)}@{domain}"


def read_address(base: str, key: bytes, address: str) -> ReplyTo | None:
    """What an address stands for; None where we did not write it."""
    name, _, domain = base.lower().partition("@")
    local, _, of_domain = address.lower().partition("@")
    found = _DETAIL.fullmatch(local.removeprefix(f"{name}+"))
    if of_domain != domain or not local.startswith(f"{name}+") or found is None:
        return None
    to = ReplyTo(int(found[1]), int(found[2]))
    return to if hmac.compare_digest(found[3], _signature(key, to)) else None


def _signature(key: bytes, to: ReplyTo) -> str:
    text = f"workorderd reply {to.order_id} {to.agent_id}".encode()
    return base64.b32encode(hmac.digest(key, text, hashlib.sha256)[:10]).decode().lower()
