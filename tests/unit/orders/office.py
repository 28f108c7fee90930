"""A small office for tests of the engine: four groups, their agents, and templates with and without a flow."""

from __future__ import annotations

from datetime import UTC, datetime

from daemon.orders.history import SYSTEM, Actor
from daemon.orders.permissions import By, Role
from daemon.orders.template import Group, Node, Template

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEAM = 1
SALES, FINANCE, STORE, CLOSED = 10, 20, 30, 40

ANNA, BEN, CHEN, DORA, EMIL, FATMA = 1000, 1001, 1002, 1003, 1004, 1005
"""Anna leads sales, Dora finance, Fatma the store; Ben and Chen sell, Emil works in finance and the store."""

GROUPS = {
    SALES: Group(SALES, TEAM, "sales", "Sales", frozenset({ANNA, BEN, CHEN}), frozenset({ANNA})),
    FINANCE: Group(FINANCE, TEAM, "finance", "Finance", frozenset({DORA, EMIL}), frozenset({DORA})),
    STORE: Group(STORE, TEAM, "store", "Store", frozenset({EMIL, FATMA}), frozenset({FATMA})),
    CLOSED: Group(CLOSED, TEAM, "closed", "Closed", active=False),
}
AGENTS = (ANNA, BEN, CHEN, DORA, EMIL, FATMA)

PLAIN = Template(7, TEAM, "plain", "Plain", range=(SALES, FINANCE, STORE, CLOSED))
CHOICE = Template(8, TEAM, "choice", "Choice", range=(SALES, FINANCE), end_action="agent_decides", next_template_id=7)
FLOW = Template(
    4,
    TEAM,
    "flow",
    "Flow",
    flow=(Node(SALES), Node(FINANCE), Node(STORE), Node(FINANCE), Node(None)),
    flow_version=1,
    initial_user="creator",
    retain_agent=True,
)
TEMPLATES = (PLAIN, CHOICE, FLOW)

PROGRAM = By(SYSTEM, Role.PROGRAM)
TEAM_ADMIN = By(Actor("agent", "boss"), Role.TEAM_ADMIN, None, TEAM)
SYSTEM_ADMIN = By(Actor("agent", "root"), Role.SYSTEM_ADMIN)
TOKEN = By(Actor("system", "crm"), Role.SYSTEM, None, TEAM)
STRANGERS = (
    By(Actor("agent", "olga", 2000), "agent", 2000, 2),
    By(Actor("agent", "their boss"), Role.TEAM_ADMIN, None, 2),
    By(Actor("system", "their crm"), Role.SYSTEM, None, 2),
)


def agent(id_: int) -> By:
    """An agent of the team."""
    return By(Actor("agent", f"agent {id_}", id_), "agent", id_, TEAM)
