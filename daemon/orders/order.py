"""The work order, and what may become of it without a person.

status        new ──> pending ──> done        done is final: every later write is refused
node status   new, pending, return, verify     where the work stands at its present group
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The order as a whole."""

    NEW = "new"
    PENDING = "pending"
    DONE = "done"


class NodeStatus(StrEnum):
    """The work at the present group."""

    NEW = "new"
    PENDING = "pending"
    RETURN = "return"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Order:
    """What decides about an order's next step."""

    id: int
    status: Status
    node_status: NodeStatus
    owner_id: int | None
    version: int

    @property
    def done(self) -> bool:
        """Nobody changes it any more."""
        return self.status is Status.DONE

    @property
    def untouched(self) -> bool:
        """Nobody has taken it or begun: it may close by itself when the caller was reached."""
        return self.status is Status.NEW and self.node_status is NodeStatus.NEW and self.owner_id is None


def serial(template_id: int, sequence: int) -> str:
    """How people name an order, such as #7-123."""
    return f"#{template_id}-{sequence}"
