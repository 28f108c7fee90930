"""The configuration as the use cases need it: names resolved to rows, policies compiled. Replaced whole on reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, time, timedelta, tzinfo
from typing import Literal

from daemon.orders.campaign import CallingTerms
from daemon.orders.letters import Message
from daemon.orders.missed import Policy
from daemon.orders.notices import Happening
from daemon.orders.results import Result
from daemon.orders.template import Group, Node, Template


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team and how it reads phone numbers."""

    id: int
    name: str
    label: str
    region: str
    last_digits: int
    admin_usernames: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent; `groups` and `leads` are ids of groups. `language` None: the house's."""

    id: int
    team_id: int
    number: str
    name: str
    username: str
    language: str | None
    interfaces: tuple[str, ...]
    member_names: tuple[str, ...]
    groups: frozenset[int]
    leads: frozenset[int]
    email: str | None = None


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A customer service or a campaign, the kind of customers that it serves, the groups that work in it, and what
    its calls may come to. `calling`: how a campaign calls.
    """

    id: int
    team_id: int
    name: str
    label: str
    kind: Literal["customer_service", "campaign"]
    customers: Literal["individual", "enterprise"]
    group_ids: tuple[int, ...] = ()
    results: tuple[Result, ...] = ()
    calling: CallingTerms = field(default_factory=CallingTerms)
    wrap_up: timedelta | None = None

    def is_led_by(self, agent: AgentView) -> bool:
        """Whether he leads a group that works in it."""
        return not agent.leads.isdisjoint(self.group_ids)

    def is_worked_by(self, agent: AgentView) -> bool:
        """Whether he is of such a group."""
        return not (agent.groups | agent.leads).isdisjoint(self.group_ids)


@dataclass(frozen=True, slots=True)
class PauseReason:
    """Why an agent pauses; `identity` is what Asterisk is told."""

    identity: str
    labels: Mapping[str, str]

    def label(self, tag: str) -> str:
        """Its name in a language, else in English, else in any."""
        kept = (self.labels.get(each) for each in (tag, tag.split("_", maxsplit=1)[0], "en"))
        return next((text for text in kept if text), None) or next(iter(self.labels.values()))


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue that the configuration knows; `pbx` None: the same on every PBX.

    `open_to`: groups whose agents log in to it from their pages, with this penalty.
    """

    name: str
    pbx: str | None
    label: str
    team_id: int
    module_id: int
    policy: Policy
    template_id: int | None
    group_id: int | None
    open_to: frozenset[int] = frozenset()
    penalty: int = 0


@dataclass(frozen=True, slots=True)
class Hook:
    """An endpoint of webhooks, and what it wants to hear of."""

    name: str
    team_id: int
    happenings: frozenset[Happening]


@dataclass(frozen=True, slots=True)
class MailView:
    """The mail that leaves the house. `endpoint`: the server that takes it, as deliveries name it; `digest_at`: the
    time of day, in the house's zone, at which admins hear of what is late.
    """

    endpoint: str
    messages: frozenset[Message] = frozenset(Message)
    digest_at: time = time(7, 30)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class World:
    """Everything the configuration says, by id. Built by `configuration.apply_settings`.

    `groups` and `templates` hold those too that left the configuration, as inactive; `flows` holds every version of
    every template's flow, by (template id, version). `results_window`: how long after a call its result may change.
    """

    teams: dict[int, TeamView]
    agents: dict[int, AgentView]
    groups: dict[int, Group]
    templates: dict[int, Template]
    flows: Mapping[tuple[int, int], tuple[Node, ...]] = field(default_factory=dict)
    queues: dict[tuple[str, str], QueueView] = field(default_factory=dict)
    pbx_teams: dict[str, int | None] = field(default_factory=dict)
    modules: dict[int, ModuleView] = field(default_factory=dict)
    results_window: timedelta = timedelta(minutes=60)
    hooks: tuple[Hook, ...] = ()
    mail: MailView | None = None
    pause_reasons: tuple[PauseReason, ...] = ()

    def queue(self, pbx: str, name: str) -> QueueView | None:
        """The queue of that name on that PBX, names compared casefolded; None where no config knows it."""
        folded = name.casefold()
        return self.queues.get((pbx, folded)) or self.queues.get(("", folded))

    def open_queues(self, agent: AgentView) -> tuple[tuple[str, QueueView], ...]:
        """The queues to which he may log in himself, each with its PBX, in the configuration's order."""
        mine = [each for each in self.queues.values() if each.team_id == agent.team_id and agent.groups & each.open_to]
        places = ((pbx, each) for each in mine for pbx in ((each.pbx,) if each.pbx else self.pbx_teams))
        return tuple((pbx, each) for pbx, each in places if self.pbx_teams.get(pbx) in {None, agent.team_id})

    def template(self, id_: int, flow_version: int | None) -> Template:
        """The template of an order, with the flow that the order began with."""
        template = self.templates[id_]
        if flow_version == template.flow_version:
            return template
        flow = () if flow_version is None else self.flows[id_, flow_version]
        return replace(template, flow=flow, flow_version=flow_version)

    def templates_of(self, team_id: int | None) -> tuple[Template, ...]:
        """Templates of which orders can be made, of a team or of all."""
        return tuple(each for each in self.templates.values() if each.active and team_id in {None, each.team_id})

    def team_of(self, pbx: str, queue: str) -> int | None:
        """Whose call this is: the queue's team, else the PBX's."""
        known = self.queue(pbx, queue)
        return known.team_id if known else self.pbx_teams.get(pbx)

    def agent_by_username(self, username: str) -> AgentView | None:
        """The agent who logs in by this name."""
        return next((agent for agent in self.agents.values() if agent.username == username), None)

    def agent_of_member(self, team_id: int | None, interface: str, member: str) -> AgentView | None:
        """The agent whom Asterisk calls by this interface or member name, or whose number the interface names."""
        mates = [agent for agent in self.agents.values() if team_id is None or agent.team_id == team_id]
        device = interface.removesuffix("/n").casefold()
        for agent in mates:
            if device and device in (known.removesuffix("/n").casefold() for known in agent.interfaces):
                return agent
            if member and member in agent.member_names:
                return agent
        number = device.partition("/")[2].partition("@")[0].partition("-")[0] if device else member
        return next((agent for agent in mates if agent.number == number), None)
