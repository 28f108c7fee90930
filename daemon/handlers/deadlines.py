"""Reminders and escalations: each happens once, in the transaction that removes its timer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from daemon.handlers.live import News
from daemon.handlers.terms import PROGRAM
from daemon.handlers.work_orders import step
from daemon.handlers.world import World
from daemon.orders.commands import Command, Escalate, Remind
from daemon.storage import timers, work_orders
from daemon.storage.engine import Store

AT_ONCE: Final = 50


async def fire_due(store: Store, world: World, at: datetime) -> tuple[News, ...]:
    """Everything that was to happen by now; what a stopped process slept through happens late, and once."""
    told: list[News] = []
    while True:
        async with store.write() as session:
            due = await timers.take_due(session, at, AT_ONCE)
            for timer in due:
                row = await work_orders.lock(session, timer.order_id)
                if row is not None and row.status != "done":
                    command: Command = Remind() if timer.kind == "remind" else Escalate()
                    told += await step(session, world, row, command, PROGRAM, at)
        if len(due) < AT_ONCE:
            return tuple(told)


async def next_due(store: Store) -> datetime | None:
    """When the next one is due; None where there is none."""
    async with store.glance() as connection:
        return await timers.earliest(connection)
