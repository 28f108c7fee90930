"""Who acts and on which terms, as the engine wants to know it."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.orders.history import ASTERISK, SYSTEM
from daemon.orders.permissions import By, Role
from daemon.orders.steps import Terms
from daemon.storage import rules
from daemon.storage.tables import WorkOrderRow

PROGRAM: Final = By(SYSTEM, Role.PROGRAM)
BY_ASTERISK: Final = By(ASTERISK, Role.PROGRAM)


def by_of(person: Person) -> By:
    """A person as the engine sees him."""
    return By(person.actor, person.kind, person.agent.id if person.agent else None, person.team_id)


async def terms_of(session: AsyncSession, world: World, row: WorkOrderRow) -> Terms:
    """What the order's next step depends on."""
    rule = await rules.read(session, row.template_id, row.group_id)
    template = world.template(row.template_id, row.flow_version)
    return Terms(template, world.groups, rule.verify, rule.automatic)
