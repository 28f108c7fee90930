"""The work order and where it stands; what may become of it is the table in `transitions.py`.

Where an order stands follows from its status, the status of the work at its present node, and whether it has an owner:

    WAITING      no owner, work new: for the group's assign rule, or for the group admin
    ASSIGNED     an owner who has not begun
    WORKING      its owner has begun (`pending`)
    VERIFYING    its owner said `done`; the group admin must agree
    RETURNED     back at its owner: denied, or come back from the next node
    HANDED_BACK  back at its group without an owner: the group admin decides
    DONE         finished: nobody changes it any more
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
    """The work at the present node."""

    NEW = "new"
    PENDING = "pending"
    RETURN = "return"
    VERIFY = "verify"


class Stand(StrEnum):
    """Where an order stands; see the top of this file."""

    WAITING = "waiting"
    ASSIGNED = "assigned"
    WORKING = "working"
    VERIFYING = "verifying"
    RETURNED = "returned"
    HANDED_BACK = "handed_back"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Passage:
    """A node that was left behind: its group, and who finished it there."""

    group_id: int
    agent_id: int | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What becomes of an order once its `done` is verified. `group_id` None: the next node of its flow, or its end."""

    group_id: int | None = None
    successor: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A work order. `node_index` counts from 0 and is None without a flow. `version` is the number of its entries."""

    id: int
    team_id: int
    template_id: int
    group_id: int
    title: str = ""
    status: Status = Status.NEW
    node_status: NodeStatus = NodeStatus.NEW
    owner_id: int | None = None
    creator_id: int | None = None
    creator_group_id: int | None = None
    customer_id: int | None = None
    cc: str = ""
    priority: int = 3
    node_index: int | None = None
    passed: tuple[Passage, ...] = ()
    proposal: Proposal | None = None
    version: int = 0

    @property
    def done(self) -> bool:
        """Nobody changes it any more."""
        return self.status is Status.DONE

    @property
    def stand(self) -> Stand:
        """Where it stands."""
        if self.done:
            return Stand.DONE
        match self.node_status:
            case NodeStatus.VERIFY:
                return Stand.VERIFYING
            case NodeStatus.RETURN:
                return Stand.HANDED_BACK if self.owner_id is None else Stand.RETURNED
            case NodeStatus.PENDING:
                return Stand.WORKING
        return Stand.WAITING if self.owner_id is None else Stand.ASSIGNED

    @property
    def untouched(self) -> bool:
        """Nobody has taken it or begun: it may close by itself when the caller was reached."""
        return self.status is Status.NEW and self.stand is Stand.WAITING


def serial(template_id: int, sequence: int) -> str:
    """How people name an order, such as #7-123."""
    return f"#{template_id}-{sequence}"
