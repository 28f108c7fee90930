"""The configuration becomes rows and a World, in one transaction: at start and on reload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.templates import Names, mirror_templates, read_templates, start_template_rules, sync_reports
from daemon.handlers.work_orders import release_strays
from daemon.handlers.world import AgentView, Hook, MailView, ModuleView, PauseReason, QueueView, TeamView, World
from daemon.orders.campaign import CallingTerms
from daemon.orders.hours import Hours, Opening
from daemon.orders.letters import Message
from daemon.orders.missed import Policy
from daemon.orders.notices import Happening
from daemon.orders.results import Result
from daemon.orders.template import Group
from daemon.settings.models import Agent, Calendar, Calling, Main, MissedPolicy, Settings, Team
from daemon.settings.words import happenings
from daemon.storage.reference import mirror, mirror_memberships
from daemon.storage.tables import AgentRow, GroupRow, ModuleRow, TeamRow

VIEW_FAILED: Final = "report_view_failed"

A_BREAK: Final = PauseReason("break", {"en": "Break", "zh": "休息"})

log = structlog.get_logger()

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def apply_settings(session: AsyncSession, settings: Settings, at: datetime) -> World:
    """Mirror the configuration into the database and give back the World of it.

    Orders whose owner left their group go back to it.
    """
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
    members = _memberships(settings, teams, groups, agents)
    await mirror_memberships(session, members)
    every_group = await _every_group(session, members)
    names = Names(
        groups={(group.team_id, group.name): group.id for group in every_group.values()},
        templates={template.name: template.id for template in settings.templates},
        hours=_calendars(settings),
    )
    await mirror_templates(session, settings, teams)
    for trouble in (await sync_reports(session, settings)).problems:
        log.warning(VIEW_FAILED, trouble=trouble)
    templates, flows = await read_templates(session, names)
    await start_template_rules(session, templates, names)
    results = _results(settings)
    world = World(
        teams={teams[t.name]: _team_view(teams[t.name], t) for t in settings.teams.teams},
        agents={
            agents[teams[t.name], a.number]: _agent_view(agents[teams[t.name], a.number], teams[t.name], a, members)
            for t in settings.teams.teams
            for a in t.agents
        },
        groups=every_group,
        templates=templates,
        flows=flows,
        queues=_queues(settings, teams, groups, modules),
        modules={
            modules[teams[m.team], m.name]: ModuleView(
                id=modules[teams[m.team], m.name],
                team_id=teams[m.team],
                name=m.name,
                label=m.label or m.name,
                kind=m.kind,
                customers=m.customers,
                group_ids=tuple(groups[teams[m.team], name] for name in m.groups),
                results=results.get(m.name, ()),
                calling=_calling(m.calling, names.hours),
                wrap_up=timedelta(seconds=m.wrap_up.seconds) if m.wrap_up else None,
            )
            for m in settings.queues.modules
        },
        results_window=timedelta(minutes=settings.call_results.change_minutes),
        pause_reasons=tuple(PauseReason(each.id, dict(each.labels)) for each in settings.queues.pause_reasons)
        or (A_BREAK,),
        pbx_teams={pbx.name: teams.get(pbx.team or "") for pbx in settings.main.pbxs},
        hooks=tuple(
            Hook(each.name, teams[each.team], frozenset[Happening]().union(*map(happenings, each.events)))
            for each in settings.main.webhooks.endpoints
        ),
        mail=_mail(settings.main),
    )
    await release_strays(session, world, at)
    return world


async def _every_group(session: AsyncSession, members: set[tuple[int, int, bool]]) -> dict[int, Group]:
    """Those too that left the configuration: orders may stand in them."""
    return {
        row.id: Group(
            id=row.id,
            team_id=row.team_id,
            name=row.name,
            label=row.label,
            members=frozenset(agent for group, agent, _ in members if group == row.id),
            admins=frozenset(agent for group, agent, leads in members if group == row.id and leads),
            active=row.active,
        )
        for row in (await session.scalars(select(GroupRow))).all()
    }


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


def _mail(main: Main) -> MailView | None:
    if main.mail is None:
        return None
    messages = frozenset(map(Message, main.mail.messages))
    return MailView(main.mail.host, messages, main.mail.digest_at, ZoneInfo(main.time_zone))


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
        email=agent.email,
    )


def _queues(
    settings: Settings, teams: dict[str, int], groups: dict[tuple[int, str], int], modules: dict[tuple[int, str], int]
) -> dict[tuple[str, str], QueueView]:
    by_name = {module.name: module for module in settings.queues.modules}
    template_ids = {template.name: template.id for template in settings.templates}
    calendars = _calendars(settings)
    views = {}
    for queue in settings.queues.queues:
        module = by_name[queue.module]
        team_id = teams[module.team]
        views[queue.pbx or "", queue.name.casefold()] = QueueView(
            name=queue.name,
            pbx=queue.pbx,
            label=queue.label or queue.name,
            team_id=team_id,
            module_id=modules[team_id, queue.module],
            policy=_policy(queue.missed, calendars),
            template_id=template_ids.get(queue.missed.template or ""),
            group_id=groups.get((team_id, queue.missed.group or "")),
            open_to=frozenset(
                groups[team_id, name] for name in (queue.log_in.groups or module.groups if queue.log_in else ())
            ),
            penalty=queue.log_in.penalty if queue.log_in else 0,
        )
    return views


def _results(settings: Settings) -> dict[str, tuple[Result, ...]]:
    """By the module's name."""
    templates = {template.name: template.id for template in settings.templates}
    return {
        each.module: tuple(
            Result(
                result.id,
                dict(result.labels),
                templates.get(result.template or ""),
                result.create == "automatic",
                result.note,
                result.callback,
            )
            for result in each.results
        )
        for each in settings.call_results.call_results
    }


def _calling(calling: Calling, calendars: Mapping[str, Hours]) -> CallingTerms:
    return CallingTerms(
        hours=calendars.get(calling.hours or ""),
        attempts=calling.attempts,
        retry=timedelta(minutes=calling.retry_minutes),
        hold=timedelta(minutes=calling.hold_minutes),
    )


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


def _calendars(settings: Settings) -> dict[str, Hours]:
    default_zone = ZoneInfo(settings.main.time_zone)
    return {calendar.name: _hours(calendar, default_zone) for calendar in settings.queues.calendars}


def _hours(calendar: Calendar, default_zone: tzinfo) -> Hours:
    return Hours(
        zone=ZoneInfo(calendar.time_zone) if calendar.time_zone else default_zone,
        openings=tuple(
            Opening(frozenset(_WEEKDAYS.index(day) for day in opening.days), opening.from_, opening.to)
            for opening in calendar.hours
        ),
        holidays=frozenset(calendar.holidays),
    )
