"""What the API takes and gives about working on orders and about assign rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from daemon.settings.words import Addresses
from daemon.web.api.models import TEXT, WORDS, Asking, Giving, Reference, RowId, WorkOrder, is_text

Title = Annotated[str, Field(min_length=1, max_length=200, pattern=WORDS), AfterValidator(is_text)]
LongText = Annotated[str, Field(max_length=20_000, json_schema_extra=TEXT), AfterValidator(is_text)]
NoteText = Annotated[str, Field(max_length=10_000, json_schema_extra=TEXT), AfterValidator(is_text)]
Priority = Annotated[int, Field(ge=1, le=5, description="1 is the most urgent")]
FieldValues = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=100_000)] | None],
    Field(max_length=200, description="custom fields by identity; null or an empty text removes a value"),
]


class NewWorkOrder(Asking):
    """A work order to be made. What it names must be of the template's team."""

    template: RowId
    title: Title
    description: LongText = Field("", description="read-only afterwards")
    group: RowId | None = Field(None, description="where it begins, when the template has no flow")
    customer: RowId | None = None
    module: RowId | None = None
    call: RowId | None = None
    cc: Addresses = Field("", description="addresses separated by ;  default: the template's")
    priority: Priority | None = Field(None, description="default: the template's")
    fields: FieldValues = Field(default_factory=dict)


def _never_null(schema: dict[str, Any]) -> None:
    """Say in the document that these are left out or have a value; null is there for what is left out."""
    for name in ("title", "cc", "priority"):
        told = schema["properties"][name]
        told.pop("default")
        told |= next(each for each in told.pop("anyOf") if each.get("type") != "null")


class WorkOrderChange(Asking):
    """New contents of a work order; what is not given stays."""

    model_config = ConfigDict(json_schema_extra=_never_null)
    title: Title | None = None
    customer: RowId | None = Field(None, description="null takes the customer away")
    cc: Addresses | None = None
    priority: Priority | None = None
    fields: FieldValues = Field(default_factory=dict)
    note: NoteText = ""


class ActionWish(Asking):
    """What is to be done with an order. `note` is the reply that goes with it; a denial needs one."""

    action: Literal["assign", "pending", "done", "verified", "denied", "return_to_node", "return_to_group"]
    note: NoteText = ""
    agent: RowId | None = Field(None, description="of `assign`: who gets it")
    group: RowId | None = Field(None, description="of `done`: the group that it is forwarded to; without: it ends")
    successor: bool | None = Field(
        None,
        description="of `done` and `verified` at the end, if the template leaves the choice: make the next order",
    )


class ReplyText(Asking):
    """A reply, for the history."""

    text: Annotated[str, Field(min_length=1, max_length=10_000, pattern=WORDS), AfterValidator(is_text)]


class BulkAssignment(Asking):
    """Orders of one group that go to one of its agents: all, or none."""

    ids: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=200)]
    agent: RowId
    note: NoteText = ""


class FlowNode(Giving):
    """A node of an order's way. `group` null: its creator. `agent`: who finished it, or owns the order there now."""

    group: Reference | None
    state: Literal["passed", "here", "ahead"]
    agent: Reference | None


class Proposal(Giving):
    """What becomes of an order once its `done` is verified: on to a group, else to its next node or its end."""

    group: Reference | None
    successor: bool


class WorkOrderInFull(WorkOrder):
    """A work order with its custom fields, its way, and what you may do with it now."""

    cc: str
    module_id: int | None
    creator_group: Reference | None
    previous_id: int | None = Field(description="the order that this one follows")
    fields: dict[str, str]
    nodes: tuple[FlowNode, ...]
    proposal: Proposal | None = Field(description="while it waits for verification")
    actions: tuple[str, ...]
    late: bool
    pin: str | None = Field(description="with which the customer hears by telephone how it stands, from any number")


class WorkOrderBriefs(Giving):
    """Orders after something was done with all of them."""

    items: tuple[WorkOrder, ...]


class AssignRule(Giving):
    """How orders of a template that wait in a group are given out. `waiting` stand there without an owner."""

    template: Reference
    group: Reference
    mode: Literal["manual", "agent_number_order", "fewest_unfinished"]
    scope: Literal["online", "all"]
    verify: bool
    last_agent_first: bool
    cap: int | None
    last_agent: Reference | None
    waiting: int
    online: int = Field(description="agents of the group who are online")
    editable: bool = Field(description="whether you lead the group")
    version: int


class AssignRules(Giving):
    """The assign rules of your team."""

    items: tuple[AssignRule, ...]


class AssignRuleChange(Asking):
    """An assign rule as it is to be."""

    mode: Literal["manual", "agent_number_order", "fewest_unfinished"]
    scope: Literal["online", "all"] = "online"
    verify: bool = False
    last_agent_first: bool = False
    cap: Annotated[int, Field(ge=1, le=10_000)] | None = None
