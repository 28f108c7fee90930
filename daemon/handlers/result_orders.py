"""The order that a result makes by itself, whatever the result is of: a call in a queue, or an entry of a campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.person import Person
from daemon.handlers.terms import by_of
from daemon.handlers.work_orders import Wanted, create_in
from daemon.handlers.world import AgentView, World
from daemon.orders.creation import New
from daemon.orders.history import Actor
from daemon.orders.permissions import By
from daemon.orders.results import Result
from daemon.orders.template import Template
from daemon.storage.tables import WorkOrderRow
from daemon.storage.work_orders import Origin

LONGEST_TITLE: Final = 200


def makes_order(result: Result) -> bool:
    """Whether this result makes one."""
    return result.automatic and result.template_id is not None


def title_of(result: Result, about: str) -> str:
    """The title of an order that a result leads to; `about`: a name or a number."""
    return f"{result.label('en')} · {about}".strip(" ·")[:LONGEST_TITLE]


async def make_order(
    session: AsyncSession,
    world: World,
    person: Person,
    agent: AgentView,
    result: Result,
    about: str,
    customer_id: int | None,
    origin: Origin,
    at: datetime,
) -> WorkOrderRow:
    """Make it within the result's transaction, for the agent whose result it is."""
    template = world.templates[result.template_id or 0]
    new = New(
        template=template,
        title=title_of(result, about),
        group_id=_first_group(world, template, agent),
        customer_id=customer_id,
    )
    wanted = Wanted(new=new, origin=origin, complete=False)
    return (await create_in(session, world, _creator(agent, person), wanted, at)).row


def _creator(agent: AgentView, person: Person) -> By:
    """The agent whose result it is, also where a system speaks for him; else who chose."""
    if person.kind == "system" or (person.agent and person.agent.id == agent.id):
        return By(Actor("agent", agent.name, agent.id), "agent", agent.id, agent.team_id)
    return by_of(person)


def _first_group(world: World, template: Template, agent: AgentView) -> int | None:
    """A group of his in the template's range, else the first of it; a flow says it itself."""
    if template.has_flow:
        return None
    possible = template.range or tuple(
        group.id for group in world.groups.values() if group.team_id == template.team_id and group.active
    )
    return next((id_ for id_ in possible if id_ in agent.groups), None) or next(iter(possible), None)
