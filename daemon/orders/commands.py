"""What can be wished of an order, as data; who may wish it and when is said in `transitions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class Action(StrEnum):
    """Every step, as the history and the API name it."""

    ASSIGN = "assign"
    AUTO_ASSIGN = "auto_assign"
    PENDING = "pending"
    REPLY = "reply"
    EDIT = "edit"
    ATTACH = "attach"
    DONE = "done"
    VERIFIED = "verified"
    DENIED = "denied"
    RETURN_TO_NODE = "return_to_node"
    RETURN_TO_GROUP = "return_to_group"
    RELEASE = "release"
    NOTE = "note"
    CLOSE = "close"
    REMIND = "remind"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A wish; `note` is the reply that goes with it."""

    action: ClassVar[Action]
    note: str = ""

    @property
    def name(self) -> str:
        """As the history calls it."""
        return self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(Command):
    """The group admin gives it to an agent of the group; also while another one has it."""

    action = Action.ASSIGN
    agent_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoAssign(Command):
    """The group's rule gives it to an agent."""

    action = Action.AUTO_ASSIGN
    agent_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending(Command):
    """The work has begun."""

    action = Action.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Command):
    """A note in the history."""

    action = Action.REPLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Command):
    """New contents: attribute or `fields.<identity>` -> (old, new)."""

    action = Action.EDIT
    changes: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach(Command):
    """A file was added; `note` is its name. `changes`: of the upload field that it fills."""

    action = Action.ATTACH
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Command):
    """The work at this node is done. `group_id`: forward there (without a flow). `successor`: make the next order."""

    action = Action.DONE
    group_id: int | None = None
    successor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(Command):
    """The group admin agrees that it is done; `successor` None: as was proposed."""

    action = Action.VERIFIED
    successor: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(Command):
    """The group admin does not agree; the reason is a must."""

    action = Action.DENIED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnToNode(Command):
    """Back to the node before."""

    action = Action.RETURN_TO_NODE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnToGroup(Command):
    """Its owner gives it back to the group."""

    action = Action.RETURN_TO_GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Command):
    """Its owner left the group."""

    action = Action.RELEASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Command):
    """Something happened outside that concerns it; `what` is its name in the history."""

    action = Action.NOTE
    what: str

    @property
    def name(self) -> str:
        """What happened."""
        return self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Command):
    """Nobody needs to do it any more, for a reason that `what` names."""

    action = Action.CLOSE
    what: str

    @property
    def name(self) -> str:
        """Why."""
        return self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind(Command):
    """It will be late soon."""

    action = Action.REMIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate(Command):
    """It is late: the group admin must know."""

    action = Action.ESCALATE
