"""The configuration becomes rows and a World, in one transaction: at start and on reload."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.world import AgentView, GroupView, QueueView, TeamView, TemplateView, World
from daemon.orders.hours import Hours, Opening
from daemon.orders.missed import Policy
from daemon.settings.models import Agent, Calendar, MissedPolicy, Settings, Team, Template
from daemon.storage.reference import mirror, mirror_memberships
from daemon.storage.tables import AgentRow, GroupRow, ModuleRow, TeamRow, TemplateRow

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def apply_settings(session: AsyncSession, settings: Settings) -> World:
    """Mirror the configuration into the database and give back the World of it."""
    teams = await mirror(
        session, TeamRow, ("name",), ({"name": t.name, "label": t.label or t.name} for t in settings.teams.teams)
    )
    agents = await mirror(
        session, AgentRow, ("team_id", "number"), (_agent(teams, t, a) for t in settings.teams.teams for a in t.agents)
    )
    groups = await mirror(
        session,
        GroupRow,
        ("team_id", "name"),
        (
            {"team_id": teams[t.name], "name": g.name, "label": g.label or g.name}
            for t in settings.teams.teams
            for g in t.groups
        ),
    )
    modules = await mirror(
        session,
        ModuleRow,
        ("team_id", "name"),
        ({"team_id": teams[m.team], "name": m.name, "kind": m.kind} for m in settings.queues.modules),
    )
    await mirror(
        session,
        TemplateRow,
        ("id",),
        (
            {"id": t.id, "team_id": teams[t.team], "name": t.name, "label": t.label or t.name}
            for t in settings.templates
        ),
    )
    members = _memberships(settings, teams, groups, agents)
    await mirror_memberships(session, members)
    return World(
        teams={teams[t.name]: _team_view(teams[t.name], t) for t in settings.teams.teams},
        agents={
            agents[teams[t.name], a.number]: _agent_view(agents[teams[t.name], a.number], teams[t.name], a, members)
            for t in settings.teams.teams
            for a in t.agents
        },
        groups={
            groups[teams[t.name], g.name]: GroupView(
                groups[teams[t.name], g.name], teams[t.name], g.name, g.label or g.name
            )
            for t in settings.teams.teams
            for g in t.groups
        },
        templates={t.id: _template_view(t, teams[t.team], groups) for t in settings.templates},
        queues=_queues(settings, teams, groups, modules),
        pbx_teams={pbx.name: teams.get(pbx.team or "") for pbx in settings.main.pbxs},
    )


def _agent(teams: dict[str, int], team: Team, agent: Agent) -> dict[str, object]:
    return {
        "team_id": teams[team.name],
        "number": agent.number,
        "name": agent.name,
        "username": agent.username,
        "email": agent.email,
    }


def _memberships(
    settings: Settings, teams: dict[str, int], groups: dict[tuple[int, str], int], agents: dict[tuple[int, str], int]
) -> set[tuple[int, int, bool]]:
    return {
        (groups[teams[team.name], group.name], agents[teams[team.name], number], number in group.admins)
        for team in settings.teams.teams
        for group in team.groups
        for number in (*group.agents, *group.admins)
    }


def _team_view(id_: int, team: Team) -> TeamView:
    return TeamView(
        id=id_,
        name=team.name,
        label=team.label or team.name,
        region=team.region,
        last_digits=team.match_last_digits,
        admin_usernames=frozenset(user.username for user in team.admins),
    )


def _agent_view(id_: int, team_id: int, agent: Agent, members: set[tuple[int, int, bool]]) -> AgentView:
    return AgentView(
        id=id_,
        team_id=team_id,
        number=agent.number,
        name=agent.name,
        username=agent.username,
        language=agent.language,
        interfaces=agent.interfaces,
        member_names=agent.member_names,
        groups=frozenset(group for group, member, _ in members if member == id_),
        leads=frozenset(group for group, member, leads in members if member == id_ and leads),
    )


def _template_view(template: Template, team_id: int, groups: dict[tuple[int, str], int]) -> TemplateView:
    flow = sorted(template.flow, key=lambda node: node.priority)
    first = flow[0].group if flow else next(iter(template.range), None)
    fallback = next(id_ for (team, _), id_ in groups.items() if team == team_id)
    return TemplateView(
        id=template.id,
        team_id=team_id,
        name=template.name,
        label=template.label or template.name,
        first_group=groups.get((team_id, first or ""), fallback),
        has_flow=bool(flow),
        priority=template.priority,
        default_cc=template.default_cc,
        auto_close=template.auto_close,
    )


def _queues(
    settings: Settings, teams: dict[str, int], groups: dict[tuple[int, str], int], modules: dict[tuple[int, str], int]
) -> dict[tuple[str, str], QueueView]:
    by_name = {module.name: module for module in settings.queues.modules}
    template_ids = {template.name: template.id for template in settings.templates}
    default_zone = ZoneInfo(settings.main.time_zone)
    calendars = {calendar.name: _hours(calendar, default_zone) for calendar in settings.queues.calendars}
    views = {}
    for queue in settings.queues.queues:
        team_id = teams[by_name[queue.module].team]
        views[queue.pbx or "", queue.name.casefold()] = QueueView(
            name=queue.name,
            pbx=queue.pbx,
            label=queue.label or queue.name,
            team_id=team_id,
            module_id=modules[team_id, queue.module],
            policy=_policy(queue.missed, calendars),
            template_id=template_ids.get(queue.missed.template or ""),
            group_id=groups.get((team_id, queue.missed.group or "")),
        )
    return views


def _policy(missed: MissedPolicy, calendars: dict[str, Hours]) -> Policy:
    return Policy(
        reasons=frozenset(missed.reasons),
        minimum_wait=missed.minimum_wait,
        hours=calendars.get(missed.hours or ""),
        hidden_numbers=missed.hidden_numbers,
        internal_numbers=re.compile(missed.internal_numbers) if missed.internal_numbers else None,
        blacklist=missed.blacklist,
        automatic=missed.create == "automatic",
    )


def _hours(calendar: Calendar, default_zone: tzinfo) -> Hours:
    return Hours(
        zone=ZoneInfo(calendar.time_zone) if calendar.time_zone else default_zone,
        openings=tuple(
            Opening(frozenset(_WEEKDAYS.index(day) for day in opening.days), opening.from_, opening.to)
            for opening in calendar.hours
        ),
        holidays=frozenset(calendar.holidays),
    )
