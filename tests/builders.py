"""Rows for tests, made in one line each; what a test does not say is unremarkable."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daemon.handlers.ringing import Ring
from daemon.handlers.world import World
from daemon.orders.history import SYSTEM, Actor, Entry
from daemon.orders.number import Number, read_number
from daemon.orders.order import Order
from daemon.orders.transitions import Step, differences
from daemon.storage import creations, missed_items, work_orders
from daemon.storage.creations import Creation
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.tables import CallRow, GapRow, MissedItemRow, StintRow, WorkOrderRow
from daemon.storage.work_orders import Origin

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday

_numbers = itertools.count(1)


def team_id(world: World, name: str) -> int:
    """The id of a team of the small world."""
    return next(team.id for team in world.teams.values() if team.name == name)


def group_id(world: World, team: str, name: str) -> int:
    """The id of a group of the small world."""
    of_team = team_id(world, team)
    return next(each.id for each in world.groups.values() if each.team_id == of_team and each.name == name)


def agent_id(world: World, username: str) -> int:
    """The id of an agent of the small world."""
    return next(each.id for each in world.agents.values() if each.username == username)


async def missed_call(
    store: Store,
    team_id: int,
    *,
    number: str = "030 1234567",
    name: str = "",
    queues: tuple[str, ...] = ("support",),
    reason: str = "abandoned",
    listing: str = "manual",
    wait: float = 42.0,
    at: datetime = NOON,
    pbx: str = "main",
    item: MissedItemRow | None = None,
) -> MissedItemRow:
    """A missed call that is listed; with `item` it is counted to that one."""
    read = read_number(number, "DE")
    async with store.write() as session:
        uniqueid = f"{at.timestamp():.0f}.{next(_numbers)}"
        began = at - timedelta(seconds=wait)
        row = CallRow(
            pbx=pbx,
            uniqueid=uniqueid,
            linkedid=uniqueid,
            team_id=team_id,
            number=read.raw,
            e164=read.e164,
            name=name,
            extension="100",
            queue=queues[-1],
            state="ended",
            began_at=began,
            ended_at=at,
            reason=reason,
            missed=True,
            listing=listing,
            wait=wait,
            evidence={},
        )
        session.add(row)
        await session.flush()
        for n, queue in enumerate(queues):
            session.add(
                StintRow(
                    call_id=row.id,
                    n=n,
                    queue=queue,
                    joined_at=began + timedelta(seconds=n),
                    left_at=at,
                    exit=reason,
                    provisional=False,
                    interface="",
                    member="",
                )
            )
        if item is None:
            return await missed_items.add(session, team_id, row, Number(read.raw, read.e164, read.tail), listing)
        merged = await session.merge(item)
        await missed_items.append(session, merged, row, listing)
        return merged


def a_ring(agent: int, team_id: int, uniqueid: str = "1.1", number: str = "030 1234567", name: str = "") -> Ring:
    """A call of the queue support that rings at an agent's telephone since noon."""
    return Ring(agent, team_id, "main", uniqueid, "support", number, name, NOON)


async def answered_call(
    store: Store,
    team_id: int,
    agent: int | None,
    *,
    number: str = "030 1234567",
    name: str = "",
    queue: str = "support",
    interface: str = "",
    at: datetime = NOON,
    ended_at: datetime | None = None,
    pbx: str = "main",
) -> CallRow:
    """A call that an agent answered at a time; he talks still where it has no end."""
    read = read_number(number, "DE")
    async with store.write() as session:
        uniqueid = f"{at.timestamp():.0f}.{next(_numbers)}"
        row = CallRow(
            pbx=pbx,
            uniqueid=uniqueid,
            linkedid=uniqueid,
            team_id=team_id,
            number=read.raw,
            e164=read.e164,
            name=name,
            extension="100",
            queue=queue,
            state="ended" if ended_at else "talking",
            began_at=at - timedelta(seconds=20),
            ended_at=ended_at,
            reason="answered" if ended_at else None,
            missed=False,
            listing="",
            wait=20.0,
            agent_id=agent,
            evidence={},
        )
        session.add(row)
        await session.flush()
        session.add(
            StintRow(
                call_id=row.id,
                n=0,
                queue=queue,
                joined_at=at - timedelta(seconds=20),
                left_at=at,
                exit="answered",
                provisional=False,
                interface=interface,
                member="",
                answered_at=at,
            )
        )
        return row


async def closed(store: Store, item: MissedItemRow, closing: Closing) -> MissedItemRow:
    """The item as it is when it was closed."""
    async with store.write() as session:
        merged = await session.merge(item)
        missed_items.close(merged, closing)
        return merged


async def work_order(
    store: Store,
    team_id: int,
    group: int,
    *,
    template: int = 7,
    title: str = "Call back",
    description: str = "",
    owner: int | None = None,
    creator: int | None = None,
    item: MissedItemRow | None = None,
    actor: Actor = SYSTEM,
    at: datetime = NOON,
) -> WorkOrderRow:
    """An order that waits in a group."""
    order = Order(
        id=0,
        team_id=team_id,
        template_id=template,
        group_id=group,
        title=title,
        owner_id=owner,
        creator_id=creator,
        version=1,
    )
    step = Step(order, Entry(at, actor, "create", "", order.stand, "", differences(None, order)))
    origin = Origin(description=description, missed_item_id=item.id if item else None)
    async with store.write() as session:
        return await creations.add(session, Creation(step, origin, None), index=False)


async def stepped(store: Store, order: WorkOrderRow, entry: Entry, **after: object) -> WorkOrderRow:
    """The order after a step of which only its entry matters, and the attributes given."""
    async with store.write() as session:
        row = await session.merge(order)
        before = await work_orders.read(session, row)
        await work_orders.save(session, row, before, Step(replace(before, version=before.version + 1, **after), entry))
        return row


async def gap(store: Store, pbx: str, began_at: datetime, seconds: float, *, explained: bool = True) -> None:
    """A time in which a PBX was out of sight."""
    async with store.write() as session:
        ended = began_at + timedelta(seconds=seconds)
        session.add(GapRow(pbx=pbx, began_at=began_at, ended_at=ended, explained=explained, note=""))
