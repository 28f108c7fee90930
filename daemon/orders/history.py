"""The trace of an order: each entry carries the hash of the one before, so that none can be removed unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

START: Final = "0" * 64

ActorKind = Literal["agent", "rule", "asterisk", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; `id` is an agent's."""

    kind: ActorKind
    name: str
    id: int | None = None


ASTERISK: Final = Actor("asterisk", "Asterisk")
SYSTEM: Final = Actor("system", "workorderd")


@dataclass(frozen=True, slots=True)
class Entry:
    """One step: who, when, what, from where to where, in whose words, and which fields changed."""

    at: datetime
    actor: Actor
    action: str
    from_: str = ""
    to: str = ""
    note: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


def chain_hash(order_id: int, n: int, entry: Entry, previous: str) -> str:
    """SHA-256 over the entry's canonical JSON and the hash before it (hex, 64 characters)."""
    data = asdict(entry) | {"at": entry.at.astimezone(UTC).isoformat(timespec="microseconds")}
    text = json.dumps([order_id, n, data, previous], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def first_break(order_id: int, chain: Iterable[tuple[int, Entry, str, str]]) -> int | None:
    """The number of the first entry (n, entry, previous hash, hash) that does not fit; None when all do."""
    previous = START
    for expected, (n, entry, before, own) in enumerate(chain, start=1):
        if n != expected or before != previous or own != chain_hash(order_id, n, entry, before):
            return expected
        previous = own
    return None


def replay(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What an order's attributes must be after these `changes` (name -> [old, new]), in order."""
    state: dict[str, Any] = {}
    for changes in entries:
        state |= {name: pair[1] for name, pair in changes.items()}
    return state
