"""What an admin may write, as frozen models: one source for validation, JSON Schema, sample and documentation.

`Ref("kind")` marks a field that names something defined elsewhere in the configuration; `links.py` follows it.
Units are in the field's name or description; every range is stated here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    SecretStr,
    StringConstraints,
    Tag,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from daemon.orders.attachment import ENDINGS
from daemon.settings.secrets import DatabaseUrl, Hidden, HookSecret, PasswordHash, SigningKey
from daemon.settings.words import (
    COLUMN,
    IDENTIFIER,
    LETTERS,
    Address,
    Addresses,
    BaseUrl,
    Blacklisted,
    Clock,
    Day,
    Expression,
    Extension,
    FileEnding,
    HookEvents,
    HookUrl,
    Identifier,
    Labels,
    Line,
    Locale,
    Name,
    Network,
    Origin,
    Port,
    Region,
    Seconds,
    Sender,
    TimeZone,
    Username,
)

MISSED_REASONS = (
    "abandoned",
    "timeout",
    "empty",
    "full",
    "key",
    "withdrawn",
    "cut_off",
    "lost",
    "moved",
    "after_talk",
)

MissedReason = Literal[
    "abandoned", "timeout", "empty", "full", "key", "withdrawn", "cut_off", "lost", "moved", "after_talk"
]


@dataclass(frozen=True, slots=True)
class Ref:
    """The field names a thing of this kind: team, group, agent, module, template, calendar or pbx."""

    kind: str
    also: str | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """For the manual: what is named here."""
        return {**handler(schema), "x-names": "PBX" if self.kind == "pbx" else self.kind}


class Model(BaseModel):
    """Strict about keys: an unknown one is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


# --- workorderd.yaml ---------------------------------------------------------------------------------------------


class Tls(Model):
    """TLS towards a server; certificates are verified unless `verify` says otherwise."""

    verify: bool = True
    ca_file: Path | None = Field(None, description="PEM bundle to trust instead of the system's")
    server_name: Line | None = None


class QueueLogFile(Model):
    """Asterisk's queue_log as a file that this machine can read."""

    file: Path


class QueueLogTable(Model):
    """Asterisk's queue_log as a realtime table."""

    database: DatabaseUrl = Field(description="SQLAlchemy URL; with a password: {env: NAME} or {file: PATH}")
    table: Annotated[str, StringConstraints(pattern=COLUMN)] = "queue_log"
    time_zone: TimeZone | None = Field(None, description="zone of the column time; UTC with queue_log_realtime_use_gmt")


def _kept_as(queue_log: object) -> str:
    """Which kind of queue_log is meant: whoever names a database or a table means a table."""
    if isinstance(queue_log, dict):
        return "QueueLogTable" if {"database", "table", "time_zone"} & queue_log.keys() else "QueueLogFile"
    return type(queue_log).__name__ if isinstance(queue_log, QueueLogTable) else "QueueLogFile"


QueueLog = Annotated[
    Annotated[QueueLogFile, Tag("QueueLogFile")] | Annotated[QueueLogTable, Tag("QueueLogTable")],
    Discriminator(_kept_as),
]


class Dial(Model):
    """Click-to-call: the agent's telephone rings first, then the number is dialled. Only what is allowed is dialled."""

    context: Line = Field(description="Asterisk's context that dials numbers, such as from-internal")
    allow: Annotated[tuple[Blacklisted, ...], Field(min_length=1)] = Field(
        description="numbers that may be dialled, such as +49* or 1*; nothing else is"
    )
    deny: tuple[Blacklisted, ...] = Field((), description="numbers that are refused though `allow` names them")
    numbers: Literal["e164", "national"] = Field(
        "e164", description="how they are dialled: +49301234567, or as people do in the team's region"
    )
    prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,6}$")] = Field(
        "", description="digits before a number that goes outside"
    )
    caller_id: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,20}$")] | None = Field(
        None, description="the number that is shown; default: the agent's"
    )
    ring_seconds: Annotated[int, Field(ge=5, le=120)] = Field(30, description="how long the agent's telephone rings")


class Pbx(Model):
    """One Asterisk server and how to reach its Manager Interface (AMI)."""

    name: Identifier
    host: Line = "127.0.0.1"
    port: Port = 5038
    username: Line
    secret: Hidden = Field(description="never written here: {env: NAME} or {file: PATH}")
    tls: Tls | None = None
    team: Annotated[Identifier | None, Ref("team")] = Field(
        None, description="whose calls these are when a queue is in no config"
    )
    queue_log: QueueLog | None = Field(None, description="where calls lost in a gap are found again")
    dial: Dial | None = Field(None, description="calls from the pages; without it there are none")
    connect_timeout: Annotated[float, Field(gt=0, le=60)] = Field(5, description="seconds")
    login_timeout: Annotated[float, Field(gt=0, le=60)] = Field(5, description="seconds")
    ping_interval: Annotated[float, Field(gt=0, le=600)] = Field(10, description="seconds between two pings")
    pong_timeout: Annotated[float, Field(gt=0, le=60)] = Field(5, description="seconds without an answer: it is dead")
    backoff_max: Annotated[float, Field(gt=0, le=600)] = Field(
        30, description="longest pause between two tries, in seconds"
    )


class Database(Model):
    """Where work orders are kept: sqlite:///PATH or postgresql://USER@HOST/NAME."""

    url: DatabaseUrl = Field(
        SecretStr("sqlite:///var/workorderd.sqlite"),
        description="default: sqlite:///var/workorderd.sqlite; with a password: {env: NAME} or {file: PATH}",
    )
    pool_size: Annotated[int, Field(ge=1, le=200)] = Field(10, description="connections kept open at most")


class Http(Model):
    """The pages and the JSON API."""

    host: Line = "127.0.0.1"
    port: Port = 8080
    base_url: BaseUrl | None = Field(None, description="how browsers reach it, when a proxy stands before it")
    trusted_proxies: tuple[Network, ...] = Field((), description="addresses whose X-Forwarded-For and -Proto count")
    session_hours: Annotated[float, Field(gt=0, le=720)] = Field(12, description="then one logs in again")
    login_attempts: Annotated[int, Field(ge=1, le=1000)] = Field(
        10, description="failed log-ins per name and address in 15 minutes"
    )
    secure_cookies: bool = Field(False, description="set it when pages are reached by https only")
    frame_ancestors: tuple[Origin, ...] = Field(
        (), description="sites that may show the popup in a frame, such as https://crm.example"
    )
    popup_secret: SigningKey | None = Field(
        None, description="signs links to the popup, 32 characters or more: {env: NAME} or {file: PATH}"
    )


class Agi(Model):
    """FastAGI; it has no authentication of its own: loopback and the allow-list are the walls."""

    host: Line = "127.0.0.1"
    port: Port = 4573
    allow: tuple[Network, ...] = Field(("127.0.0.1",), description="addresses and networks that may connect")
    secret: Hidden | None = Field(None, description="a word the dialplan must send: {env: NAME} or {file: PATH}")


MailMessage = Literal["assigned", "status_changed", "returned", "escalated", "reminded", "digest"]
MAIL_MESSAGES: tuple[MailMessage, ...] = ("assigned", "status_changed", "returned", "escalated", "reminded", "digest")


class Replies(Model):
    """Replies by mail: a mail server hands them over by LMTP, and each becomes a reply in its order's history."""

    address: Address = Field(
        description="where replies go; order and reader are written behind its name, as in desk+12-3-abc@example.com"
    )
    secret: SigningKey = Field(description="signs these addresses, 32 characters or more: {env: NAME} or {file: PATH}")
    host: Line = Field("127.0.0.1", description="where LMTP is listened to; it has no authentication: keep it inside")
    port: Port = 2424
    max_size_mb: Annotated[float, Field(gt=0, le=100)] = Field(10, description="of a mail; a larger one is refused")
    per_hour: Annotated[int, Field(ge=1, le=10_000)] = Field(60, description="replies of one agent; more are refused")


class Mail(Model):
    """Mail that leaves the house, and replies to it. Without this part there is none."""

    host: Line = "127.0.0.1"
    port: Port = 25
    username: Line | None = None
    password: Hidden | None = Field(None, description="{env: NAME} or {file: PATH}")
    security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="starttls is demanded, never only tried; tls: from the first byte, as on port 465"
    )
    verify: bool = Field(True, description="whether the server's certificate must be good")
    ca_file: Path | None = Field(None, description="PEM bundle to trust instead of the system's")
    sender: Sender = Field(description="the From address")
    messages: tuple[MailMessage, ...] = Field(MAIL_MESSAGES, description="which mails are sent")
    digest_at: Clock = Field(
        time(7, 30), description="when group admins hear of all that is late, once a day, in `time_zone`"
    )
    per_minute: Annotated[int, Field(ge=60, le=100_000)] = Field(600, description="mails that are sent at most")
    replies: Replies | None = Field(None, description="without this part nobody replies by mail")


class Retention(Model):
    """How long things are kept where."""

    recently_finished_days: Annotated[int, Field(ge=0, le=365)] = Field(
        3, description="since its last update; then a finished order moves on to the history"
    )
    calls_days: Annotated[int, Field(ge=1, le=36500)] = Field(730, description="then a call is forgotten")
    deliveries_days: Annotated[int, Field(ge=1, le=36500)] = Field(
        30, description="then a mail or webhook that was delivered, parked or discarded is forgotten"
    )


class Outbox(Model):
    """How patiently mail and webhooks are delivered. The pause after a failed attempt doubles each time."""

    attempts: Annotated[int, Field(ge=1, le=1000)] = Field(20, description="then it is parked, for somebody to look at")
    first_pause_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(5, description="after the first failure")
    longest_pause_minutes: Annotated[float, Field(gt=0, le=10_000)] = Field(360, description="between two attempts")
    at_once: Annotated[int, Field(ge=1, le=1000)] = Field(64, description="under way at the same time, in all")
    at_once_per_endpoint: Annotated[int, Field(ge=1, le=100)] = Field(8, description="and to one endpoint or server")


class WebhookEndpoint(Model):
    """A receiver of webhooks: what it wants to hear of, and the secrets that sign it."""

    name: Identifier
    team: Annotated[Identifier, Ref("team")]
    url: HookUrl
    events: Annotated[tuple[HookEvents, ...], Field(min_length=1)] = Field(
        ("*",), description="names of events, such as order.created, or order.* for all that begin so"
    )
    secrets: Annotated[tuple[HookSecret, ...], Field(min_length=1, max_length=5)] = Field(
        description="each signs every message: put a new one beside the old one until the receiver knows it"
    )
    allow_private: bool = Field(False, description="whether the address may be one of a private network")
    timeout_seconds: Annotated[float, Field(gt=0, le=25)] = Field(15, description="until its answer must be there")


HookRight = Literal["orders:create", "orders:act", "results"]


class WebhookSource(Model):
    """A system that sends us signed webhooks: POST /api/v1/webhooks/in/<name>."""

    name: Identifier
    team: Annotated[Identifier, Ref("team")]
    secrets: Annotated[tuple[HookSecret, ...], Field(min_length=1, max_length=5)] = Field(
        description="a message is taken that one of them signed"
    )
    rights: Annotated[tuple[HookRight, ...], Field(min_length=1)] = Field(description="what it may do")


class Webhooks(Model):
    """Webhooks that go out and that come in, signed as Standard Webhooks says."""

    endpoints: tuple[WebhookEndpoint, ...] = ()
    sources: tuple[WebhookSource, ...] = ()


class Attachments(Model):
    """Files that people add to work orders; they are kept outside of what the web server gives out."""

    folder: Path | None = Field(
        None,
        description="default: `attachments` beside the SQLite file; with PostgreSQL var/attachments beside config/",
    )
    max_size_mb: Annotated[float, Field(gt=0, le=10_000)] = Field(
        20, description="of one file; 1 MB is 1,000,000 bytes"
    )
    max_per_order: Annotated[int, Field(ge=0, le=10_000)] = Field(50, description="0: nobody attaches anything")
    extensions: tuple[FileEnding, ...] = Field(ENDINGS, description="how names of files may end")


class Log(Model):
    """What is logged and how: columns on a terminal, JSON elsewhere, unless said."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "columns", "json"] = "auto"


class Main(Model):
    """config/workorderd.yaml."""

    pbxs: Annotated[tuple[Pbx, ...], Field(min_length=1)]
    database: Database = Database()
    http: Http = Http()
    agi: Agi | None = Field(None, description="without this part FastAGI is not served")
    mail: Mail | None = None
    locale: Locale = Field("en", description="language of pages and mails where an agent has chosen none")
    time_zone: TimeZone = Field("UTC", description="where a calendar or a team says no other, such as Europe/Berlin")
    retention: Retention = Retention()
    attachments: Attachments = Attachments()
    outbox: Outbox = Outbox()
    webhooks: Webhooks = Webhooks()
    log: Log = Log()


# --- teams.yaml --------------------------------------------------------------------------------------------------


class Agent(Model):
    """A person who works orders; a group admin is an agent whom a group names in `admins`."""

    number: Extension
    name: Name
    username: Username
    password_hash: PasswordHash | None = Field(
        None, description="argon2 hash, from `workorderd hash-password`; without one: no log-in"
    )
    email: Address | None = None
    language: Locale | None = None
    interfaces: tuple[Line, ...] = Field((), description="queue-member interfaces, such as PJSIP/1000")
    member_names: tuple[Line, ...] = Field((), description="queue-member names, where Asterisk knows him by name")


class Group(Model):
    """An agent group."""

    name: Identifier
    label: Name | None = None
    agents: tuple[Annotated[Extension, Ref("agent")], ...] = Field((), description="agents' numbers")
    admins: tuple[Annotated[Extension, Ref("agent")], ...] = Field((), description="agents who lead the group")
    module: Annotated[Identifier | None, Ref("module")] = Field(None, description="where its calls belong by default")


class User(Model):
    """A team admin or a system admin: sees, but is no agent."""

    username: Username
    name: Name
    password_hash: PasswordHash | None = None
    email: Address | None = None
    language: Locale | None = None


class Team(Model):
    """The tenant: nothing crosses teams."""

    name: Identifier
    label: Name | None = None
    region: Region = Field(description="ISO country by which local phone numbers are read, such as DE")
    match_last_digits: Annotated[int, Field(ge=5, le=15)] = Field(
        8, description="compared where a number is no valid E.164"
    )
    admins: tuple[User, ...] = ()
    agents: tuple[Agent, ...] = ()
    groups: tuple[Group, ...] = ()


class Teams(Model):
    """config/teams.yaml."""

    system_admins: tuple[User, ...] = ()
    teams: Annotated[tuple[Team, ...], Field(min_length=1)]


# --- queues.yaml -------------------------------------------------------------------------------------------------

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Opening(Model):
    """Open on these days from a time to a time; `to: 00:00` means midnight at the end of the day."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    from_: Clock = Field(alias="from")
    to: Clock


class Calendar(Model):
    """Business hours of a time zone, less the holidays."""

    name: Identifier
    time_zone: TimeZone | None = Field(None, description="default: the `time_zone` of workorderd.yaml")
    hours: Annotated[tuple[Opening, ...], Field(min_length=1)]
    holidays: tuple[Day, ...] = ()


class Calling(Model):
    """How the list of a campaign is called through; a customer service has none."""

    hours: Annotated[Identifier | None, Ref("calendar")] = Field(
        None, description="numbers are given out only within them; default: at any time"
    )
    attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="calls that reach nobody, until the number counts as unreachable"
    )
    retry_minutes: Annotated[int, Field(ge=1, le=100_000)] = Field(
        120, description="minutes after a call that reached nobody, until it is tried again"
    )
    hold_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        15, description="minutes after which a number that an agent took and left may be given to another"
    )


class WrapUp(Model):
    """A pause after a call of which a result is owed, in all queues of its agent; it ends with the result."""

    seconds: Annotated[int, Field(ge=5, le=3600)] = Field(120, description="after which it ends in any case")


class Module(Model):
    """A customer service (inbound) or a campaign (outbound)."""

    name: Identifier
    label: Name | None = None
    team: Annotated[Identifier, Ref("team")]
    kind: Literal["customer_service", "campaign"] = "customer_service"
    customers: Literal["individual", "enterprise"] = Field("individual", description="which table of customers")
    groups: tuple[Annotated[Identifier, Ref("group")], ...] = Field((), description="groups that work in it")
    calling: Calling = Calling()
    wrap_up: WrapUp | None = Field(None, description="without it nobody is paused after a call")


class MissedPolicy(Model):
    """Which calls of a queue count as missed, and what is done about them."""

    reasons: tuple[MissedReason, ...] = ("abandoned", "cut_off", "lost", "timeout", "empty", "full")
    minimum_wait: Seconds = Field(0, description="seconds; shorter calls are listed but make no order")
    hours: Annotated[Identifier | None, Ref("calendar")] = Field(
        None, description="calls outside them are listed but make no order"
    )
    hidden_numbers: Literal["order", "list", "ignore"] = Field(
        "list", description="callers without a number: make an order, list only, or neither"
    )
    internal_numbers: Expression | None = Field(
        None, description="regular expression; such callers are neither listed nor made orders"
    )
    blacklist: tuple[Blacklisted, ...] = Field(
        (), description="numbers that are neither listed nor made orders; a final * matches any rest"
    )
    create: Literal["automatic", "manual"] = Field("manual", description="automatic: the order is made at once")
    template: Annotated[Identifier | None, Ref("template")] = Field(
        None, description="template of the orders; a must for automatic"
    )
    group: Annotated[Identifier | None, Ref("group")] = Field(
        None, description="who calls back; default: first node of the template's flow, else its range's first"
    )


class LogIn(Model):
    """Agents log in to the queue from their pages: Asterisk gets them as dynamic members."""

    groups: tuple[Annotated[Identifier, Ref("group")], ...] = Field(
        (), description="whose agents may; default: the groups of its module"
    )
    penalty: Annotated[int, Field(ge=0, le=100)] = Field(0, description="of such a member; the lowest are called first")


class PauseReason(Model):
    """Why an agent takes no calls for a while. Asterisk and its queue_log get the `id`."""

    id: Identifier
    labels: Labels


class Queue(Model):
    """One queue of Asterisk: whose it is and what happens to callers who give up in it."""

    name: Name
    pbx: Annotated[Identifier | None, Ref("pbx")] = Field(None, description="default: on every PBX")
    label: Name | None = None
    module: Annotated[Identifier, Ref("module")]
    missed: MissedPolicy = MissedPolicy()
    log_in: LogIn | None = Field(None, description="without it nobody logs in to the queue from pages")


class Queues(Model):
    """config/queues.yaml."""

    calendars: tuple[Calendar, ...] = ()
    modules: tuple[Module, ...] = ()
    queues: tuple[Queue, ...] = ()
    pause_reasons: tuple[PauseReason, ...] = Field((), description="what agents choose from; without any: a break")


# --- call_results.yaml -------------------------------------------------------------------------------------------


class CallResult(Model):
    """What a call came to, as the agent chooses it."""

    id: Identifier
    labels: Labels
    template: Annotated[Identifier | None, Ref("template")] = Field(None, description="the order it may lead to")
    create: Literal["automatic", "link"] = Field("link", description="at once, or by a link on the page")
    note: Literal["none", "optional", "required"] = Field("optional", description="whether the agent writes a note")
    callback: Literal["none", "optional", "required"] = Field("none", description="whether a time is agreed")


class ModuleResults(Model):
    """The results that agents of one module choose from."""

    module: Annotated[Identifier, Ref("module")]
    results: Annotated[tuple[CallResult, ...], Field(min_length=1)]


class CallResults(Model):
    """config/call_results.yaml."""

    change_minutes: Annotated[int, Field(ge=0, le=100_000)] = Field(
        60, description="minutes after the end of a call in which its result may still be changed"
    )
    call_results: tuple[ModuleResults, ...] = ()


# --- templates/*.yaml --------------------------------------------------------------------------------------------


class FieldSpec(Model):
    """A custom field of a template."""

    identity: Annotated[str, StringConstraints(pattern=LETTERS)] = Field(
        description="letters only; a column of the report view"
    )
    type: Literal["input", "select", "text", "upload", "date", "datetime"] = "input"
    display_as: Labels
    options: str | None = Field(None, description="of a select, separated by commas")
    select_can_enter: bool = Field(False, description="of a select: other words may be typed too")
    required: bool = False
    help: str | None = Field(None, description="a line below the field")
    default: str | None = Field(None, description="as it would be typed; a date as 2026-12-25")
    max_length: Annotated[int, Field(ge=1, le=100_000)] | None = Field(None, description="of input and text")


class Node(Model):
    """A step of the flow: a group, or `creator` for the agent who made the order."""

    priority: Annotated[int, Field(ge=1, le=1000)] = Field(description="nodes are passed from the lowest up")
    group: Annotated[Identifier, Ref("group", also="creator")] = Field(description="a group, or creator")
    due_hours: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="business hours until it is late"
    )
    reminder_hours: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="business hours before that, to remind"
    )


class AssignRule(Model):
    """What the assign rules of a template's groups begin with; then each group's admin changes his own."""

    mode: Literal["manual", "agent_number_order", "fewest_unfinished"] = Field(
        "manual", description="who gets an order that waits: whom the group admin names, the next in turn, the idlest"
    )
    scope: Literal["online", "all"] = Field("online", description="agents who are online, or all of the group")
    verify: bool = Field(False, description="the group admin must agree before an order goes on")
    last_agent_first: bool = Field(False, description="before the mode: who spoke with this caller last")
    cap: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="open orders of the group that an agent has at most"
    )


class Template(Model):
    """config/templates/*.yaml: one kind of work order."""

    id: Annotated[int, Field(ge=1, le=999_999)] = Field(description="the serial of an order is #<id>-<sequence>")
    name: Annotated[str, StringConstraints(pattern=IDENTIFIER, max_length=50)] = Field(
        description="its report view is work_order_<name>, which PostgreSQL cuts at 63 letters"
    )
    label: Name | None = None
    team: Annotated[Identifier, Ref("team")]
    range: tuple[Annotated[Identifier, Ref("group")], ...] = Field(
        (), description="groups between which it may be forwarded; ignored under a flow"
    )
    initial_user: Literal["creator", "group"] = Field(
        "group", description="creator: he owns it first (with a flow: when he is of the first group)"
    )
    edit_limit: Literal["everyone", "owner"] = Field(
        "everyone", description="who else changes the content; owner: for the others it is read-only"
    )
    retain_agent: bool = Field(False, description="in its next group it goes to its creator or to who just finished it")
    end_action: Literal["none", "create_new", "agent_decides"] = Field("none", description="when it is finished")
    next_template: Annotated[Identifier | None, Ref("template")] = Field(
        None, description="for create_new and agent_decides"
    )
    default_cc: Addresses = Field("", description="addresses separated by ;")
    fields: tuple[FieldSpec, ...] = ()
    flow: tuple[Node, ...] = ()
    assign: AssignRule = AssignRule()
    hours: Annotated[Identifier | None, Ref("calendar")] = Field(None, description="business hours for due times")
    due_hours: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="without a flow: business hours in each group until it is late"
    )
    reminder_hours: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        None, description="business hours before that, to remind"
    )
    priority: Annotated[int, Field(ge=1, le=5)] = Field(3, description="1 is the most urgent")
    auto_close: bool = Field(False, description="an untouched missed-call order closes when the caller is reached")


class Settings(Model):
    """The whole configuration, checked and linked; replaced as a whole on reload."""

    main: Main
    teams: Teams
    queues: Queues
    call_results: CallResults
    templates: tuple[Template, ...]
