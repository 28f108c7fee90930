"""Assign rules: their admins change them, and orders that wait are given out by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import NotFoundError, StaleError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.work_orders import step
from daemon.handlers.world import World
from daemon.orders.assign import Candidate, Choice, Rule, choose
from daemon.orders.commands import AutoAssign
from daemon.orders.history import Actor
from daemon.orders.order import Stand
from daemon.orders.permissions import By, Role
from daemon.orders.steps import NotAllowedError
from daemon.storage import rules, work_orders
from daemon.storage.engine import Store
from daemon.storage.rules import Waiting
from daemon.storage.tables import AssignRuleRow, WorkOrderRow

AT_ONCE: Final = 100
NOBODY_ONLINE: Final = "orders_wait_nobody_online"
SOMEBODY_ONLINE: Final = "orders_wait_no_more"
MODES: Final = {"agent_number_order": "agent number order", "fewest_unfinished": "fewest unfinished"}

Online = Callable[[int], bool]
"""Whether the agent of this id has a live page open, or is a queue member who can be reached."""

log = structlog.get_logger()


async def change_rule(
    store: Store, world: World, person: Person, template_id: int, group_id: int, rule: Rule, version: int | None
) -> tuple[News, ...]:
    """A group admin changes a rule of his group; nobody else does, not even the system admin.

    Raises NotFoundError, NotAllowedError, StaleError.
    """
    group = world.groups.get(group_id)
    async with store.write() as session:
        row = await rules.lock(session, template_id, group_id)
        if row is None or group is None or person.team_id not in {None, group.team_id}:
            message = f"there is no assign rule of template {template_id} in group {group_id}"
            raise NotFoundError(message)
        if person.agent is None or person.agent.id not in group.admins:
            message = f"only the admin of {group.label} changes its assign rules"
            raise NotAllowedError(message)
        if version is not None and row.version != version:
            raise StaleError(row.version)
        row.mode, row.scope, row.verify = rule.mode, rule.scope, rule.verify
        row.last_agent_first, row.cap = rule.last_agent_first, rule.cap
        row.version += 1
    return (News(group.team_id, "rules", (template_id,), (group_id,)),)


@dataclass(slots=True)
class Assignment:
    """Gives out the orders that wait for automatic rules. Where nobody can take one, it waits on, and that is told."""

    store: Store
    world: Callable[[], World]
    online: Online
    stuck: frozenset[tuple[int, int]] = frozenset()

    async def give_out(self, at: datetime) -> tuple[News, ...]:
        """Give out all that somebody can take. Alarms are logged once when they begin, and once when they end."""
        told: list[News] = []
        left: set[tuple[int, int]] = set()
        after = 0
        while True:
            async with self.store.glance() as connection:
                batch = await rules.waiting(connection, AT_ONCE, after)
            for order in batch:
                place = order.template_id, order.group_id
                given = () if place in left else await self._give(order, at)
                told += given
                if not given:
                    left.add(place)
            if len(batch) < AT_ONCE:
                break
            after = batch[-1].order_id
        return (*told, *self._alarms(frozenset(left)))

    async def _give(self, order: Waiting, at: datetime) -> tuple[News, ...]:
        async with self.store.write() as session:
            rule = await rules.lock(session, order.template_id, order.group_id)
            row = await work_orders.lock(session, order.order_id)
            if rule is None or row is None or not await _still_waits(session, row, order):
                return ()
            choice = await self._choose(session, rule, row)
            if choice is None:
                return ()
            if choice.in_turn:
                rule.last_agent_id = choice.agent.id
            by = By(Actor("rule", MODES[rule.mode]), Role.PROGRAM)
            return await step(session, self.world(), row, AutoAssign(agent_id=choice.agent.id), by, at)

    async def _choose(self, session: AsyncSession, rule: AssignRuleRow, row: WorkOrderRow) -> Choice | None:
        group = await rules.unfinished(session, row.group_id)
        candidates = [Candidate(id_, number, self.online(id_), count) for id_, (number, count) in group.items()]
        spoke = await rules.last_spoke(session, row) if rule.last_agent_first else None
        return choose(rules.of_row(rule, await rules.number_of(session, rule.last_agent_id)), candidates, spoke)

    def _alarms(self, stuck: frozenset[tuple[int, int]]) -> list[News]:
        world, told = self.world(), []
        for places, event in ((stuck - self.stuck, NOBODY_ONLINE), (self.stuck - stuck, SOMEBODY_ONLINE)):
            for template_id, group_id in sorted(places):
                group = world.groups[group_id]
                tell = log.warning if event is NOBODY_ONLINE else log.info
                tell(event, template=world.templates[template_id].name, group=group.name)
                told.append(News(group.team_id, "rules", (template_id,), (group_id,)))
        self.stuck = stuck
        return told


async def _still_waits(session: AsyncSession, row: WorkOrderRow, order: Waiting) -> bool:
    now = await work_orders.read(session, row)
    return now.stand is Stand.WAITING and now.group_id == order.group_id
