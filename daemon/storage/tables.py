"""Every row, in one picture.

    team ─┬─ agent ──── membership ──── agent_group
          ├─ module      template ─┬─ template_flow (one per version)
          │                        └─ assign_rule (one per group)
          ├─ customer ── customer_number          customer_import
          ├─ call ──┬─ stint
          │         ├─ call_result ── call_result_choice (append-only by trigger)
          │         ├─ wrap_up            the pause of an agent who owes a result
          │         ├─ popup              what an agent did with it on his screen
          │         └─ missed_call ── missed_item ──┐
          ├─ campaign_entry ── campaign_result      who is called through, and what came of it
          └─ work_order ─┬─ (one per missed item) ──┘
                         ├─ work_order_field
                         ├─ order_text ── order_word     by which words it is found
                         ├─ passage            the nodes behind it, and who finished them
                         ├─ proposal           what becomes of it when its `done` is verified
                         ├─ timer              its reminder and its escalation, each gone once it fired
                         ├─ history            append-only by trigger, hash-chained
                         └─ attachment

    outbox            what must leave the house: mail and webhooks, each until it is delivered

    session           who is logged in             queue_log_cursor  how far a PBX's queue_log was read
    api_token         which systems may ask        gap, sight        when a PBX was out of sight
    receipt           which requests were done

Rows of team, agent, agent_group, membership, module and template mirror the configuration (`reference.py`): what
left the configuration stays as `active = false`, since orders point to it. Times are UTC. Every row of the business
carries its team, so that the data can be distributed by team.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
    types,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from daemon.calls.call import Exit, State
from daemon.calls.verdict import REASONS
from daemon.orders.campaign import State as EntryState
from daemon.orders.customer import fold_name


class UtcDateTime(types.TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite keeps it without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, which nobody can place."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime can't be stored"
            raise ValueError(message)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def moment(at: float) -> datetime:
    """Seconds since the epoch as an aware UTC datetime."""
    return datetime.fromtimestamp(at, UTC)


def one_of(column: str, words: tuple[str, ...], name: str) -> CheckConstraint:
    """A CHECK that a column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


Id = BigInteger().with_variant(Integer, "sqlite")


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Row(DeclarativeBase):
    """Base of all tables; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON()}  # noqa: RUF012


# --- mirrors of the configuration ----------------------------------------------------------------------------------


class TeamRow(Row):
    """The tenant."""

    __tablename__ = "team"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    label: Mapped[str] = mapped_column(String(80))
    active: Mapped[bool] = mapped_column(default=True)


class AgentRow(Row):
    """A person who works orders."""

    __tablename__ = "agent"
    __table_args__ = (UniqueConstraint("team_id", "number"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    number: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(80))
    username: Mapped[str] = mapped_column(String(64), index=True)
    email: Mapped[str | None] = mapped_column(String(254))
    active: Mapped[bool] = mapped_column(default=True)


class GroupRow(Row):
    """An agent group."""

    __tablename__ = "agent_group"
    __table_args__ = (UniqueConstraint("team_id", "name"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    name: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(80))
    active: Mapped[bool] = mapped_column(default=True)


class MembershipRow(Row):
    """Who belongs to which group, and who leads it."""

    __tablename__ = "membership"
    group_id: Mapped[int] = mapped_column(ForeignKey("agent_group.id"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"), primary_key=True, index=True)
    admin: Mapped[bool]


class ModuleRow(Row):
    """A customer service or a campaign."""

    __tablename__ = "module"
    __table_args__ = (one_of("kind", ("customer_service", "campaign"), "kind"), UniqueConstraint("team_id", "name"))
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    active: Mapped[bool] = mapped_column(default=True)


class TemplateRow(Row):
    """A kind of work order; its id is the one in the configuration. `last_sequence` numbers the orders.

    `definition` is what the configuration said last, for the orders that outlive their template.
    """

    __tablename__ = "template"
    __table_args__ = (CheckConstraint("last_sequence >= 0", name="last_sequence"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    name: Mapped[str] = mapped_column(String(60))
    label: Mapped[str] = mapped_column(String(80))
    active: Mapped[bool] = mapped_column(default=True)
    last_sequence: Mapped[int] = mapped_column(default=0)
    definition: Mapped[dict[str, Any]] = mapped_column(default=dict)


class TemplateFlowRow(Row):
    """A flow as it once stood in the configuration: an order goes through the flow that it began with."""

    __tablename__ = "template_flow"
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    nodes: Mapped[list[Any]]


class AssignRuleRow(Row):
    """Who gets an order of this template that waits in this group."""

    __tablename__ = "assign_rule"
    __table_args__ = (
        one_of("mode", ("manual", "agent_number_order", "fewest_unfinished"), "mode"),
        one_of("scope", ("online", "all"), "scope"),
        CheckConstraint("cap IS NULL OR cap >= 1", name="cap"),
    )
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("agent_group.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(20), default="manual")
    scope: Mapped[str] = mapped_column(String(10), default="online")
    verify: Mapped[bool] = mapped_column(default=False)
    last_agent_first: Mapped[bool] = mapped_column(default=False)
    cap: Mapped[int | None]
    last_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    version: Mapped[int] = mapped_column(default=1)


# --- customers -----------------------------------------------------------------------------------------------------


def _folded_name(context: Any) -> str:
    return fold_name(context.get_current_parameters()["name"])


class CustomerRow(Row):
    """Somebody for whom work is done; `reference` is his number in the company's other systems.

    `name_key` is the folded name, by which lists go; `twin` tells who is taken for him where no reference tells.
    """

    __tablename__ = "customer"
    __table_args__ = (
        one_of("kind", ("individual", "enterprise"), "kind"),
        Index(None, "team_id", "name_key", "id"),
        Index(None, "team_id", "twin"),
        Index("uq_customer_reference", "team_id", "reference", unique=True),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    kind: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str | None] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(
        String(200).with_variant(String(200, collation="C"), "postgresql"), default=_folded_name
    )
    twin: Mapped[str | None] = mapped_column(String(32))
    email: Mapped[str | None] = mapped_column(String(254))
    address: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class CustomerNumberRow(Row):
    """A phone number of a customer: as it was given, as E.164 where it is one, and its last digits."""

    __tablename__ = "customer_number"
    __table_args__ = (Index(None, "team_id", "e164"), Index(None, "team_id", "tail"))
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    raw: Mapped[str] = mapped_column(String(80))
    e164: Mapped[str | None] = mapped_column(String(20))
    tail: Mapped[str] = mapped_column(String(20))


class CustomerImportRow(Row):
    """A file of customers on its way in: all of its lines, or none. `errors` are [line, what] each."""

    __tablename__ = "customer_import"
    __table_args__ = (one_of("state", ("running", "done", "refused", "interrupted"), "state"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(12), default="running")
    lines: Mapped[int] = mapped_column(default=0)
    seen: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    error_count: Mapped[int] = mapped_column(default=0)
    errors: Mapped[list[Any]] = mapped_column(default=list)
    began_by: Mapped[str] = mapped_column(String(80))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


# --- calls ---------------------------------------------------------------------------------------------------------


class CallRow(Row):
    """A caller's channel that reached a queue; `team_id` is None where no config knows its queues.

    `listing` says why a missed call makes no order: "" it may, else short, closed, hidden, manual, internal,
    blacklisted, ignored, not_counted, unknown_queue.
    """

    __tablename__ = "call"
    __table_args__ = (
        UniqueConstraint("pbx", "uniqueid"),
        one_of("state", tuple(State), "state"),
        one_of("reason", ("answered", *REASONS), "reason"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(state = 'ended') = (reason IS NOT NULL)", name="judged"),
        CheckConstraint("NOT (missed AND reason = 'answered')", name="missed"),
        CheckConstraint("wait >= 0", name="wait"),
        Index(
            "ix_call_living", "pbx", postgresql_where=text("state <> 'ended'"), sqlite_where=text("state <> 'ended'")
        ),
        Index(None, "team_id", "began_at"),
        Index(None, "team_id", "e164", "began_at"),
        Index(None, "agent_id", "began_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    pbx: Mapped[str] = mapped_column(String(60))
    uniqueid: Mapped[str] = mapped_column(String(150))
    linkedid: Mapped[str] = mapped_column(String(150))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    number: Mapped[str] = mapped_column(String(80))
    e164: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(255))
    extension: Mapped[str] = mapped_column(String(80))
    queue: Mapped[str] = mapped_column(String(128), default="")
    state: Mapped[str] = mapped_column(String(10))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(12))
    missed: Mapped[bool] = mapped_column(default=False)
    listing: Mapped[str] = mapped_column(String(20), default="")
    wait: Mapped[float] = mapped_column(default=0.0)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)


class StintRow(Row):
    """One stay of a call in one queue."""

    __tablename__ = "stint"
    __table_args__ = (
        one_of("exit", tuple(Exit), "exit"),
        CheckConstraint("left_at IS NULL OR left_at >= joined_at", name="times"),
    )
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(String(128))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    exit: Mapped[str | None] = mapped_column(String(12))
    provisional: Mapped[bool]
    interface: Mapped[str] = mapped_column(String(255))
    member: Mapped[str] = mapped_column(String(255))
    answered_at: Mapped[datetime | None]


class CallResultRow(Row):
    """What an agent says that a call came to, as it stands now; `order_id` is the order made from his first choice."""

    __tablename__ = "call_result"
    __table_args__ = (
        UniqueConstraint("call_id", "agent_id"),
        one_of("callback_for", ("me", "anyone"), "callback_for"),
        CheckConstraint("(callback_at IS NULL) = (callback_for IS NULL)", name="callback"),
        CheckConstraint("changed_at >= chosen_at", name="times"),
        CheckConstraint("result <> ''", name="result"),
        Index(None, "team_id", "chosen_at"),
        Index(
            "ix_call_result_callback",
            "team_id",
            "callback_at",
            postgresql_where=text("callback_at IS NOT NULL"),
            sqlite_where=text("callback_at IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    result: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    callback_at: Mapped[datetime | None]
    callback_for: Mapped[str | None] = mapped_column(String(6))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"), index=True)
    chosen_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CallResultChoiceRow(Row):
    """One choice of a result, n from 1; the last one is what stands. Never changed."""

    __tablename__ = "call_result_choice"
    __table_args__ = (CheckConstraint("n >= 1", name="n"),)
    call_result_id: Mapped[int] = mapped_column(ForeignKey("call_result.id", ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    result: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    callback_at: Mapped[datetime | None]
    callback_for: Mapped[str | None] = mapped_column(String(6))


class PopupRow(Row):
    """What an agent did with a call on his screen: who he says is calling, and when he put it away."""

    __tablename__ = "popup"
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"), primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    put_away_at: Mapped[datetime | None]


class MissedItemRow(Row):
    """A caller who must be called back: one open item per team and number; hidden numbers are never merged."""

    __tablename__ = "missed_item"
    __table_args__ = (
        one_of("state", ("open", "reached", "dismissed", "order_done"), "state"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("count >= 1", name="count"),
        CheckConstraint("state <> 'dismissed' OR closed_note <> ''", name="dismissed_with_reason"),
        Index(
            "uq_missed_item_open_caller",
            "team_id",
            "caller_key",
            unique=True,
            postgresql_where=text("state = 'open' AND caller_key IS NOT NULL"),
            sqlite_where=text("state = 'open' AND caller_key IS NOT NULL"),
        ),
        Index(None, "team_id", "state", "last_missed_at"),
        Index(None, "team_id", "closed_at"),
        Index(
            "ix_missed_item_open_tail",
            "team_id",
            "tail",
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    caller_key: Mapped[str | None] = mapped_column(String(90))
    number: Mapped[str] = mapped_column(String(80))
    e164: Mapped[str | None] = mapped_column(String(20))
    tail: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(255))
    queue: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(String(12))
    wait: Mapped[float]
    count: Mapped[int] = mapped_column(default=1)
    listing: Mapped[str] = mapped_column(String(20), default="")
    first_missed_at: Mapped[datetime]
    last_missed_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12), default="open")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(String(80), default="")
    closed_how: Mapped[str] = mapped_column(String(20), default="")
    closed_note: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)


class MissedCallRow(Row):
    """A missed call belongs to exactly one item, once."""

    __tablename__ = "missed_call"
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("missed_item.id"), index=True)


WRAP_UP_ENDINGS: Final = ("", "result", "time", "agent", "phone")

OUTCOMES: Final = (
    "",
    "answered",
    "busy",
    "no_answer",
    "failed",
    "cancelled",
    "not_taken",
    "unreachable",
    "unknown",
)
"""What came of a call that an agent placed: daemon/calls/outgoing.py."""


class WrapUpRow(Row):
    """A pause after a call of which a result is owed, `until` then at the latest; `ended_how` says what ended it."""

    __tablename__ = "wrap_up"
    __table_args__ = (
        UniqueConstraint("call_id", "agent_id"),
        one_of("ended_how", WRAP_UP_ENDINGS, "ended_how"),
        CheckConstraint("(ended_at IS NULL) = (ended_how = '')", name="ended"),
        CheckConstraint("until >= began_at", name="times"),
        Index("ix_wrap_up_open", "until", **_where("ended_at IS NULL")),
        Index(None, "agent_id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[str] = mapped_column(String(8), default="")


class OutgoingCallRow(Row):
    """A call that an agent placed from a page; `uniqueid` is that of his own channel, `number` what was dialled.

    While it lives nobody else calls the same missed caller back, and the agent places no other.
    """

    __tablename__ = "outgoing_call"
    __table_args__ = (
        UniqueConstraint("uniqueid"),
        one_of("outcome", OUTCOMES, "outcome"),
        CheckConstraint("ended_at IS NULL OR outcome <> ''", name="ended_with_outcome"),
        CheckConstraint("ended_at >= began_at", name="times"),
        CheckConstraint("number <> ''", name="number"),
        Index("uq_outgoing_call_living_of_item", "item_id", unique=True, **_where("ended_at IS NULL")),
        Index("uq_outgoing_call_living_of_agent", "agent_id", unique=True, **_where("ended_at IS NULL")),
        Index(None, "item_id"),
        Index(None, "order_id"),
        Index(None, "customer_id"),
        Index(None, "team_id", "began_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    pbx: Mapped[str] = mapped_column(String(60))
    uniqueid: Mapped[str] = mapped_column(String(150))
    number: Mapped[str] = mapped_column(String(40))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("missed_item.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    outcome: Mapped[str] = mapped_column(String(12), default="")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


# --- work orders ---------------------------------------------------------------------------------------------------


LISTED_BY: Final = ("team", "template", "group", "owner", "creator", "creator_group")
"""Whose orders are listed, the latest changed first: one index for the open ones and one for those that are done."""


class WorkOrderRow(Row):
    """A piece of work for a customer; see orders/order.py for what its states mean.

    The indexes of open and of done orders serve only queries that say `is_open` or `is_done` in these very words.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        UniqueConstraint("template_id", "sequence"),
        UniqueConstraint("missed_item_id"),
        one_of("status", ("new", "pending", "done"), "status"),
        one_of("node_status", ("new", "pending", "return", "verify"), "node_status"),
        CheckConstraint("(status = 'done') = (finished_at IS NOT NULL)", name="finished"),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint("node_index IS NULL OR node_index >= 0", name="node_index"),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("length(title) BETWEEN 1 AND 200", name="title"),
        *(
            Index(f"ix_work_order_{whose}_{kind}", f"{whose}_id", "updated_at", "id", **_where(condition))
            for whose in LISTED_BY
            for kind, condition in (("open", "status <> 'done'"), ("done", "status = 'done'"))
        ),
        Index("ix_work_order_unowned", "group_id", "template_id", **_where("owner_id IS NULL AND status <> 'done'")),
        Index("ix_work_order_due", "team_id", "due_at", "id", **_where("status <> 'done'")),
        Index("ix_work_order_standing", "group_id", "node_status", "due_at", "id", **_where("status <> 'done'")),
        Index(None, "team_id", "created_at", "id"),
        Index(None, "customer_id", "updated_at", "id"),
        Index(None, "team_id", "serial"),
        Index(None, "call_id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id"))
    sequence: Mapped[int]
    serial: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    module_id: Mapped[int | None] = mapped_column(ForeignKey("module.id"))
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))
    missed_item_id: Mapped[int | None] = mapped_column(ForeignKey("missed_item.id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    creator_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    creator_group_id: Mapped[int | None] = mapped_column(ForeignKey("agent_group.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("agent_group.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    node_index: Mapped[int | None]
    flow_version: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(10), default="new")
    node_status: Mapped[str] = mapped_column(String(10), default="new")
    priority: Mapped[int] = mapped_column(default=3)
    cc: Mapped[str] = mapped_column(Text, default="")
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


def is_open(order: type[WorkOrderRow] = WorkOrderRow) -> ColumnElement[bool]:
    """Orders that are not done, said so that both databases know the indexes of open orders to be meant."""
    return order.status != literal_column("'done'")


def is_done(order: type[WorkOrderRow] = WorkOrderRow) -> ColumnElement[bool]:
    """Orders that are done, likewise."""
    return order.status == literal_column("'done'")


class OrderTextRow(Row):
    """The words by which an order is found (orders/words.py), each of them between two blanks."""

    __tablename__ = "order_text"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    words: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"))


class OrderWordRow(Row):
    """The orders in which a word occurs; every row follows from an `order_text`, whose keys the database checks."""

    __tablename__ = "order_word"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012
    team_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(
        String(40).with_variant(String(40, collation="C"), "postgresql"), primary_key=True
    )
    order_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)


class WorkOrderFieldRow(Row):
    """The value of a custom field."""

    __tablename__ = "work_order_field"
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    identity: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class PassageRow(Row):
    """A node (without a flow: a group) that the order has left behind, and who finished it there; n counts from 0."""

    __tablename__ = "passage"
    __table_args__ = (CheckConstraint("n >= 0", name="n"),)
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    group_id: Mapped[int] = mapped_column(ForeignKey("agent_group.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))


class ProposalRow(Row):
    """What becomes of an order once its `done` is verified: on to a group, or finished (no group)."""

    __tablename__ = "proposal"
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("agent_group.id"))
    successor: Mapped[bool] = mapped_column(default=False)


class TimerRow(Row):
    """Something that is to happen to an open order at a time; the row goes in the transaction in which it happens."""

    __tablename__ = "timer"
    __table_args__ = (one_of("kind", ("remind", "escalate"), "kind"), Index(None, "at"))
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    at: Mapped[datetime]


class HistoryRow(Row):
    """One step of an order's trace; never changed, never removed. `hash` covers this entry and the one before."""

    __tablename__ = "history"
    __table_args__ = (
        UniqueConstraint("order_id", "n"),
        one_of("actor_kind", ("agent", "rule", "asterisk", "system"), "actor_kind"),
        CheckConstraint("n >= 1", name="n"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    n: Mapped[int]
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(20))
    from_: Mapped[str] = mapped_column("from_state", String(120), default="")
    to: Mapped[str] = mapped_column("to_state", String(120), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AttachmentRow(Row):
    """A file of an order; its bytes lie outside the web root under their checksum. `field`: the upload's, or ""."""

    __tablename__ = "attachment"
    __table_args__ = (CheckConstraint("size >= 0", name="size"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), index=True)
    field: Mapped[str] = mapped_column(String(40), default="")
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    added_by: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    added_at: Mapped[datetime]


# --- campaigns -----------------------------------------------------------------------------------------------------


class CampaignEntryRow(Row):
    """A number that a campaign calls: orders/campaign.py. Once per campaign; an agent holds one at a time.

    `for_agent_id`: who alone may take it. `agent_id`: who took it last. `note`: what whoever added it wants said.
    """

    __tablename__ = "campaign_entry"
    __table_args__ = (
        UniqueConstraint("module_id", "number_key"),
        one_of("state", tuple(EntryState), "state"),
        CheckConstraint("state <> 'taken' OR (agent_id IS NOT NULL AND taken_at IS NOT NULL)", name="taken"),
        CheckConstraint("state <> 'tried' OR next_at IS NOT NULL", name="tried"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("number <> ''", name="number"),
        Index("ix_campaign_entry_new", "module_id", "for_agent_id", "id", **_where("state = 'waiting'")),
        Index("ix_campaign_entry_again", "module_id", "for_agent_id", "next_at", "id", **_where("state = 'tried'")),
        Index("uq_campaign_entry_held", "agent_id", unique=True, **_where("state = 'taken'")),
        Index(None, "module_id", "state", "id"),
        Index(None, "customer_id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    number: Mapped[str] = mapped_column(String(80))
    number_key: Mapped[str] = mapped_column(String(90))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(12), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    last_result: Mapped[str] = mapped_column(String(60), default="")
    next_at: Mapped[datetime | None]
    for_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    taken_at: Mapped[datetime | None]
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CampaignResultRow(Row):
    """What an agent said that an attempt came to; the last one of an attempt is what stands. Never changed."""

    __tablename__ = "campaign_result"
    __table_args__ = (
        CheckConstraint("n >= 1", name="n"),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint("result <> ''", name="result"),
        one_of("callback_for", ("me", "anyone"), "callback_for"),
        CheckConstraint("(callback_at IS NULL) = (callback_for IS NULL)", name="callback"),
        Index(None, "module_id", "at"),
        Index(None, "agent_id", "at"),
        Index(None, "order_id"),
    )
    entry_id: Mapped[int] = mapped_column(ForeignKey("campaign_entry.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int]
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    module_id: Mapped[int] = mapped_column(ForeignKey("module.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    actor: Mapped[str] = mapped_column(String(80))
    result: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    callback_at: Mapped[datetime | None]
    callback_for: Mapped[str | None] = mapped_column(String(6))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    at: Mapped[datetime]


# --- what must leave the house ---------------------------------------------------------------------------------------


class OutboxRow(Row):
    """A mail or a webhook until it is delivered, and what came of it: storage/outbox.py.

    `next_at`: when it is due; while somebody holds it, until when he may. `code`, `answer`: what the last attempt got.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("channel", ("mail", "webhook"), "channel"),
        one_of("state", ("waiting", "delivered", "parked", "discarded"), "state"),
        CheckConstraint("(state = 'waiting') = (next_at IS NOT NULL)", name="waiting"),
        CheckConstraint("(state = 'waiting') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("state = 'waiting' OR holder IS NULL", name="holder"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("state <> 'delivered' OR attempts >= 1", name="delivered"),
        CheckConstraint("endpoint <> ''", name="endpoint"),
        Index("ix_outbox_due", "channel", "endpoint", "next_at", "id", **_where("state = 'waiting'")),
        Index("ix_outbox_line", "channel", "endpoint", "line", "id", **_where("state = 'waiting'")),
        Index("ix_outbox_held", "holder", **_where("holder IS NOT NULL")),
        Index("ix_outbox_depth", "channel", "state", "created_at", **_where("state IN ('waiting', 'parked')")),
        Index(None, "ended_at"),
        Index(None, "team_id", "state", "id"),
        Index(None, "team_id", "endpoint", "state", "id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    channel: Mapped[str] = mapped_column(String(10))
    endpoint: Mapped[str] = mapped_column(String(255))
    line: Mapped[str] = mapped_column(String(80), default="")
    message_id: Mapped[str] = mapped_column(String(80), unique=True)
    event: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str | None] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40), default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


# --- the program's own ---------------------------------------------------------------------------------------------


class SessionRow(Row):
    """Somebody is logged in; only the hash of the cookie is stored."""

    __tablename__ = "session"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


class ApiTokenRow(Row):
    """A system that may ask; only the token's hash is stored. With an agent it acts as he does."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ReceiptRow(Row):
    """A request with an Idempotency-Key that was done, written in its transaction; `result_id` is what it made."""

    __tablename__ = "receipt"
    who: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    result_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


class QueueLogCursorRow(Row):
    """How far a PBX's queue_log was read: a place in a file (inode, offset, hash of the line before), or a row's id."""

    __tablename__ = "queue_log_cursor"
    pbx: Mapped[str] = mapped_column(String(60), primary_key=True)
    inode: Mapped[int] = mapped_column(BigInteger, default=0)
    offset: Mapped[int] = mapped_column("position", BigInteger, default=0)
    line_hash: Mapped[str] = mapped_column(String(64), default="")
    row_at: Mapped[datetime | None]


class GapRow(Row):
    """A time in which a PBX was out of sight. `explained`: queue_log told what happened meanwhile."""

    __tablename__ = "gap"
    __table_args__ = (
        CheckConstraint("ended_at IS NULL OR ended_at >= began_at", name="times"),
        Index(None, "pbx", "began_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    pbx: Mapped[str] = mapped_column(String(60))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    explained: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(Text, default="")


class SightRow(Row):
    """When a PBX was last in sight, so that a killed process knows afterwards where its gap began."""

    __tablename__ = "sight"
    pbx: Mapped[str] = mapped_column(String(60), primary_key=True)
    seen_at: Mapped[datetime]
