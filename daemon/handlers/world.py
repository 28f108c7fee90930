"""The configuration as the use cases need it: names resolved to rows, policies compiled. Replaced whole on reload."""

from __future__ import annotations

from dataclasses import dataclass, field

from daemon.orders.missed import Policy


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


@dataclass(frozen=True, slots=True)
class GroupView:
    """An agent group."""

    id: int
    team_id: int
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class TemplateView:
    """What creating an order needs to know of its template. `first_group` is where an order of it begins."""

    id: int
    team_id: int
    name: str
    label: str
    first_group: int
    has_flow: bool
    priority: int
    default_cc: str
    auto_close: bool


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue that the configuration knows; `pbx` None: the same on every PBX."""

    name: str
    pbx: str | None
    label: str
    team_id: int
    module_id: int
    policy: Policy
    template_id: int | None
    group_id: int | None


@dataclass(frozen=True, slots=True)
class World:
    """Everything the configuration says, by id. Built by `reference.mirror`."""

    teams: dict[int, TeamView]
    agents: dict[int, AgentView]
    groups: dict[int, GroupView]
    templates: dict[int, TemplateView]
    queues: dict[tuple[str, str], QueueView] = field(default_factory=dict)
    pbx_teams: dict[str, int | None] = field(default_factory=dict)

    def queue(self, pbx: str, name: str) -> QueueView | None:
        """The queue of that name on that PBX, names compared casefolded; None where no config knows it."""
        folded = name.casefold()
        return self.queues.get((pbx, folded)) or self.queues.get(("", folded))

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
