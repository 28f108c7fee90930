"""What the API takes and gives, as models: the OpenAPI document is made of them. Times are UTC, RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

BIGGEST_ID = 2**53 - 1


def is_text(text: str) -> str:
    """Refuse control characters other than line breaks and tabs."""
    if any(character < " " and character not in "\n\t\r" for character in text):
        raise PydanticCustomError("control_character", "control characters are not allowed")
    return text


def _is_written(told: object) -> object:
    """Refuse what pydantic would take for seconds."""
    if not isinstance(told, str) or not re.match(r"[0-9]{4}-[0-9]", told):
        raise PydanticCustomError("datetime", "a time is expected as RFC 3339 writes it: 2026-11-23T12:00:00Z")
    return told


def _in_utc(at: datetime) -> datetime:
    """Refuse what lies before the first year or after the last."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("datetime", "this time can't be") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written), AfterValidator(_in_utc)]
RowId = Annotated[int, Field(ge=1, le=BIGGEST_ID)]
_PRINTED = r"[^\u0000-\u0008\u000b\u000c\u000e-\u001f]*"  # what `is_text` says, for the document
TEXT = {"pattern": f"^{_PRINTED}$"}
WORDS = rf"^{_PRINTED}[^\s\u0000-\u0008\u000e-\u001f]{_PRINTED}$"  # text that is not blank
Text = Annotated[str, Field(min_length=1, max_length=2000, json_schema_extra=TEXT), AfterValidator(is_text)]
CursorText = Annotated[
    str,
    Field(description="`next` of the page before; nobody else's business", json_schema_extra={"format": "cursor"}),
]
Limit = Annotated[int, Field(ge=1, le=200)]


class Asking(BaseModel):
    """What a request says; what is unknown is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Asking):
    """No query parameters, or no body."""


class Paging(Asking):
    """Where in a list to go on, and how far."""

    cursor: CursorText | None = None
    limit: Limit = 50


class MissedCallsQuery(Paging):
    """Which missed calls: `open`, the latest missed first; `closed`, the latest closed first."""

    state: Literal["open", "closed"] = "open"


class WorkOrdersQuery(Paging):
    """Which work orders of those that you may see. A page may be short though there are more: `next` tells.

    Times are from (`since`, included) to (`before`, not included). With `q` the newest come first.
    """

    q: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="words of title, customer, fields, description, a phone number, or a serial such as #7-123"
    )
    state: Literal["open", "recent", "history", "done", "any"] = Field(
        "open", description="`recent`: finished, and not changed for less days than are configured; then `history`"
    )
    whose: Literal["all", "mine", "created", "groups", "led", "created_in_led"] = Field(
        "all", description="you own them; you created them; in your groups; in groups you lead; created in such groups"
    )
    template: RowId | None = None
    group: RowId | None = None
    owner: RowId | None = None
    unowned: bool = Field(False, description="those without an owner")
    creator: RowId | None = None
    customer: RowId | None = None
    status: Literal["new", "pending", "done"] | None = None
    node_status: Literal["new", "pending", "return", "verify"] | None = None
    priority: Annotated[int, Field(ge=1, le=5)] | None = None
    late: bool = Field(False, description="open, and due before now")
    created_since: Moment | None = None
    created_before: Moment | None = None
    finished_since: Moment | None = None
    finished_before: Moment | None = None
    sort: Literal["updated", "created", "due"] = Field(
        "updated", description="the latest first; `due`: open orders with a due time, the most urgent first"
    )


class HistoryQuery(Asking):
    """Where in a history to go on: after the entry of this number."""

    after: Annotated[int, Field(ge=0, le=BIGGEST_ID)] = 0
    limit: Limit = 50


class CallsQuery(Paging):
    """Which calls; the latest begun first."""

    missed: bool | None = None
    living: bool | None = Field(None, description="those that are still in a queue or talking")
    e164: Annotated[str, Field(pattern=r"^\+[0-9]{1,18}$")] | None = None


class CreateOrder(Asking):
    """The work order of a missed call."""

    template: RowId | None = Field(None, description="default: the one that the queue names")


class Dismissal(Asking):
    """Why nobody needs to call back."""

    reason: Text


class Giving(BaseModel):
    """What an answer says."""

    model_config = ConfigDict(frozen=True)


class OrderBrief(Giving):
    """A work order by name. `visible`: whether you may open it."""

    id: int
    serial: str
    status: Literal["new", "pending", "done"]
    visible: bool


class QueueVisit(Giving):
    """A queue that the caller was in."""

    pbx: str
    name: str
    label: str


class Closing(Giving):
    """How a missed call was closed."""

    at: datetime
    by: str
    how: str
    note: str


class MissedCall(Giving):
    """A caller who must be called back; `count` calls were missed while it is open."""

    id: int
    team_id: int
    state: Literal["open", "reached", "dismissed", "order_done"]
    number: str = Field(description="as Asterisk gave it; untrusted text")
    e164: str | None
    name: str = Field(description="the caller's name as Asterisk gave it; untrusted text")
    queues: tuple[QueueVisit, ...]
    reason: str
    wait: float = Field(description="seconds, of the latest call")
    count: int
    no_order: str = Field(description="why no order was made by itself; empty: one was, or may be")
    first_missed_at: datetime
    last_missed_at: datetime
    closed: Closing | None
    work_order: OrderBrief | None
    version: int


class MissedCalls(Giving):
    """A page of missed calls; `next` null: the last page."""

    items: tuple[MissedCall, ...]
    next: str | None


class Reference(Giving):
    """Something by id and name."""

    id: int
    name: str


class WorkOrder(Giving):
    """A piece of work for a customer."""

    id: int
    serial: str
    title: str
    description: str
    template: Reference
    status: Literal["new", "pending", "done"]
    node_status: Literal["new", "pending", "return", "verify"]
    node_index: int | None
    group: Reference
    owner: Reference | None
    creator: Reference | None
    priority: int
    call_id: int | None
    missed_call_id: int | None
    customer_id: int | None
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    version: int


class WorkOrders(Giving):
    """A page of work orders; `next` null: the last page."""

    items: tuple[WorkOrder, ...]
    next: str | None


class HistoryEntry(Giving):
    """One step of an order's trace; `hash` covers it and the one before."""

    n: int
    at: datetime
    actor_kind: Literal["agent", "rule", "asterisk", "system"]
    actor_id: int | None
    actor: str
    action: str
    from_state: str
    to_state: str
    note: str
    changes: dict[str, Any]
    hash: str


class History(Giving):
    """A part of a history, oldest first; `next` null: the end."""

    items: tuple[HistoryEntry, ...]
    next: int | None


class Call(Giving):
    """A call that reached a queue."""

    id: int
    team_id: int | None
    pbx: str
    uniqueid: str
    number: str = Field(description="as Asterisk gave it; untrusted text")
    e164: str | None
    name: str = Field(description="as Asterisk gave it; untrusted text")
    extension: str
    queue: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    reason: str | None
    missed: bool
    wait: float
    agent_id: int | None


class Calls(Giving):
    """A page of calls; `next` null: the last page."""

    items: tuple[Call, ...]
    next: str | None


class Stint(Giving):
    """One stay of a call in one queue."""

    queue: str
    joined_at: datetime
    left_at: datetime | None
    exit: str | None
    answered_at: datetime | None
    member: str


class ResultChoice(Giving):
    """One choice of a call's result."""

    at: datetime
    by: str
    result: str
    note: str
    callback_at: datetime | None
    callback_for: Literal["me", "anyone"] | None


class CallResult(Giving):
    """What an agent says that a call came to; `choices` are all that he made, the last one stands."""

    agent_id: int
    module_id: int
    result: str
    note: str
    callback_at: datetime | None
    callback_for: Literal["me", "anyone"] | None
    work_order_id: int | None = Field(description="the order that was made from it at once")
    chosen_at: datetime
    changed_at: datetime
    choices: tuple[ResultChoice, ...]


class CallInFull(Call):
    """A call with its stays in queues, the missed call to which it was counted, and its results."""

    stints: tuple[Stint, ...]
    missed_call_id: int | None
    results: tuple[CallResult, ...]


class TemplateField(Giving):
    """A custom field. `labels`: language -> text; `options` of a select, and with `can_enter` any other word."""

    identity: str
    type: Literal["input", "select", "text", "upload", "date", "datetime"]
    labels: dict[str, str]
    options: tuple[str, ...]
    can_enter: bool
    required: bool
    help: str | None
    default: str | None
    max_length: int = Field(description="characters")


class Template(Giving):
    """A kind of work order. `flow` and `range` are ids of groups; in a flow null is the agent who made the order."""

    id: int
    team_id: int
    name: str
    label: str
    has_flow: bool
    flow: tuple[int | None, ...]
    range: tuple[int, ...]
    initial_user: Literal["creator", "group"]
    edit_limit: Literal["everyone", "owner"]
    end_action: Literal["none", "create_new", "agent_decides"]
    next_template_id: int | None
    priority: int
    default_cc: str
    fields: tuple[TemplateField, ...]


class Module(Giving):
    """A customer service or a campaign. `customers`: the kind of customers that it serves."""

    id: int
    team_id: int
    name: str
    label: str
    kind: Literal["customer_service", "campaign"]
    customers: Literal["individual", "enterprise"]
    group_ids: tuple[int, ...]


class Modules(Giving):
    """Every module of your team."""

    items: tuple[Module, ...]


class Templates(Giving):
    """Every template of your team."""

    items: tuple[Template, ...]


class Group(Giving):
    """An agent group."""

    id: int
    team_id: int
    name: str
    label: str


class Groups(Giving):
    """Every group of your team."""

    items: tuple[Group, ...]


class AgentQueue(Giving):
    """A queue that an agent is a member of, as Asterisk says."""

    pbx: str
    queue: str
    dynamic: bool = Field(description="he can log out; else the PBX's own configuration makes him a member")
    paused: bool
    reason: str = Field(description="of the pause, as Asterisk was told it")
    paused_since: datetime | None
    in_call: bool


class AgentPresence(Giving):
    """Who is there. `wrap_up_until`: he is paused until he gives the result of his last call, or until then."""

    online: bool = Field(description="has a page open, or can be reached in a queue")
    page: bool = Field(description="has a page open")
    stand: Literal["out", "ready", "busy", "away", "paused", "wrap_up"]
    reason: str
    paused_since: datetime | None
    wrap_up_until: datetime | None
    queues: tuple[AgentQueue, ...]
    silent_pbxs: tuple[str, ...] = Field(description="PBXs that he may log in to, and that are not connected")


class Agent(Giving):
    """Somebody who works orders."""

    id: int
    team_id: int
    number: str
    name: str
    groups: tuple[int, ...]
    leads: tuple[int, ...]
    presence: AgentPresence


class Agents(Giving):
    """Every agent of your team."""

    items: tuple[Agent, ...]


class Me(Giving):
    """Who you are; writes of a session carry `csrf_token` in the header X-CSRF-Token. `scopes`: a token's."""

    username: str
    name: str
    role: Literal["agent", "team_admin", "system_admin", "system"]
    team_id: int | None
    agent: Agent | None
    csrf_token: str = Field(description="empty for a token, which needs none")
    scopes: tuple[str, ...] | None = Field(description="null: a session, which may what its person may")


class Done(Giving):
    """It is done."""

    done: Literal[True] = True
