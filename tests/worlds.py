"""A small world for tests: one team that calls back, another that must never see it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from daemon.handlers.world import AgentView, ModuleView, QueueView, TeamView, World
from daemon.orders.campaign import CallingTerms
from daemon.orders.hours import Hours, Opening
from daemon.orders.missed import Policy
from daemon.orders.results import Result
from daemon.orders.template import Group, Template
from daemon.storage.engine import Store
from daemon.storage.reference import mirror, mirror_memberships
from daemon.storage.tables import AgentRow, GroupRow, ModuleRow, TeamRow, TemplateRow

BERLIN = ZoneInfo("Europe/Berlin")
CAMPAIGN_RESULTS = (
    Result("sale", {"en": "Sale"}, template_id=8, automatic=True),
    Result("offer", {"en": "Offer"}, template_id=7, note="required"),
    Result("later", {"en": "Later"}, callback="required"),
    Result("no", {"en": "No"}),
)
CALLING = CallingTerms(attempts=2, retry=timedelta(hours=1), hold=timedelta(minutes=10))
OFFICE = Hours(BERLIN, (Opening(frozenset(range(5)), time(8), time(18)),), frozenset({date(2026, 12, 25)}))
POLICY = Policy(automatic=True, internal_numbers=re.compile(r"1\d{3}"), blacklist=("+49900*", "0666"))


async def small_world(store: Store, policy: Policy = POLICY) -> World:
    """Two teams; acme has the queues support and sales on the PBX `main`, agents 1000 (leads) and 1001."""
    async with store.write() as session:
        teams = await mirror(session, TeamRow, ("name",), [{"name": n, "label": n.title()} for n in ("acme", "other")])
        agents = await mirror(
            session,
            AgentRow,
            ("team_id", "number"),
            [
                {"team_id": teams[team], "number": number, "name": name, "username": name.lower(), "email": None}
                for team, number, name in (("acme", "1000", "Anna"), ("acme", "1001", "Ben"), ("other", "2000", "Olga"))
            ],
        )
        groups = await mirror(
            session,
            GroupRow,
            ("team_id", "name"),
            [
                {"team_id": teams[team], "name": name, "label": name.title()}
                for team, name in (("acme", "support"), ("acme", "sales"), ("other", "support"))
            ],
        )
        modules = await mirror(
            session,
            ModuleRow,
            ("team_id", "name"),
            [{"team_id": teams["acme"], "name": "desk", "kind": "customer_service"}],
        )
        await mirror(
            session,
            TemplateRow,
            ("id",),
            [
                {"id": 7, "team_id": teams["acme"], "name": "missed_call", "label": "Missed call"},
                {"id": 8, "team_id": teams["acme"], "name": "careful", "label": "Careful"},
            ],
        )
        acme, support = teams["acme"], groups[teams["acme"], "support"]
        members = {(support, agents[acme, "1000"], True), (support, agents[acme, "1001"], False)}
        await mirror_memberships(session, members)
    queue = QueueView("support", None, "Support", acme, modules[acme, "desk"], policy, 7, support)
    return World(
        teams={id_: TeamView(id_, name, name.title(), "DE", 8) for name, id_ in teams.items()},
        agents={id_: _agent(id_, team, number, support) for (team, number), id_ in agents.items()},
        groups={id_: _group(id_, team, name, members) for (team, name), id_ in groups.items()},
        templates={
            7: Template(7, acme, "missed_call", "Missed call", auto_close=True),
            8: Template(8, acme, "careful", "Careful"),
        },
        queues={
            ("", "support"): queue,
            ("", "sales"): replace(queue, name="sales", label="Sales", group_id=groups[acme, "sales"], template_id=8),
        },
        pbx_teams={"main": acme},
    )


async def with_campaigns(store: Store, world: World) -> World:
    """The same with the campaigns spring and autumn of the group support, and secret of the group sales."""
    acme = next(each.id for each in world.teams.values() if each.name == "acme")
    groups = {each.name: each.id for each in world.groups.values() if each.team_id == acme}
    async with store.write() as session:
        known = [{"team_id": each.team_id, "name": each.name, "kind": each.kind} for each in world.modules.values()]
        wanted = [{"team_id": acme, "name": name, "kind": "campaign"} for name in ("spring", "autumn", "secret")]
        ids = await mirror(session, ModuleRow, ("team_id", "name"), [*known, *wanted])
    campaigns = {"spring": "support", "autumn": "support", "secret": "sales"}
    modules = {
        ids[acme, name]: ModuleView(
            ids[acme, name],
            acme,
            name,
            name.title(),
            "campaign",
            "individual",
            (groups[group],),
            CAMPAIGN_RESULTS,
            CALLING,
        )
        for name, group in campaigns.items()
    }
    return replace(world, modules={**world.modules, **modules})


def _group(id_: int, team_id: int, name: str, members: set[tuple[int, int, bool]]) -> Group:
    mine = frozenset(agent for group, agent, _ in members if group == id_)
    leads = frozenset(agent for group, agent, admin in members if group == id_ and admin)
    return Group(id_, team_id, name, name.title(), mine, leads)


def _agent(id_: int, team_id: int, number: str, support: int) -> AgentView:
    names = {"1000": "Anna", "1001": "Ben", "2000": "Olga"}
    mine = frozenset({support}) if number != "2000" else frozenset()
    leads = mine if number == "1000" else frozenset()
    return AgentView(
        id_, team_id, number, names[number], names[number].lower(), None, (f"PJSIP/{number}",), (), mine, leads
    )
