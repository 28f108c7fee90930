"""Mails, as parcels of the outbox: each keeps the facts as they were then; outbox/mail.py writes them out.

One step of an order is one mail to each reader. Several steps are several mails, in their order: who reads them in one
conversation sees each, and none says anything that was no longer so when it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers.world import AgentView, MailView, World
from daemon.orders.history import Entry
from daemon.orders.letters import Letter, Message, Recipient, letters_of
from daemon.orders.notices import Happening
from daemon.orders.order import Order
from daemon.storage import outbox
from daemon.storage.engine import Store
from daemon.storage.outbox import Parcel, message_id
from daemon.storage.tables import WorkOrderRow, is_open

VERSION: Final = 1
LONGEST_NOTE: Final = 4000  # characters of a reply; the rest is read in the order
MOST_LATE: Final = 50  # orders that a digest names


def parcels_of(
    world: World, row: WorkOrderRow, order: Order, happened: Iterable[Happening], entry: Entry
) -> list[Parcel]:
    """The mails of one step of an order; the row and `order` are as it is afterwards."""
    if world.mail is None:
        return []
    letters = letters_of(
        happened,
        order,
        world.groups.get(order.group_id),
        (world.templates[row.template_id].default_cc, order.cc),
        addresses_of(world, row.team_id),
        entry.actor.id if entry.actor.kind == "agent" else None,
        world.mail.messages,
    )
    if not letters:
        return []
    facts = _facts(world, row, entry)
    return [_parcel(world, world.mail, row, each, facts, entry) for each in letters]


def addresses_of(world: World, team_id: int) -> dict[int, str]:
    """The mail addresses of a team's agents, by their ids."""
    return {each.id: each.email for each in world.agents.values() if each.team_id == team_id and each.email}


def _parcel(
    world: World, mail: MailView, row: WorkOrderRow, letter: Letter, facts: dict[str, Any], entry: Entry
) -> Parcel:
    reader = letter.to.address.casefold()
    return Parcel(
        row.team_id,
        "mail",
        mail.endpoint,
        f"order:{row.id}:{message_id(reader)[4:24]}",  # a reader whose server says "later" holds up nobody else
        message_id("mail", letter.message, row.id, row.version, entry.at.isoformat(), reader),
        f"mail.{letter.message}",
        VERSION,
        _to(world, letter) | facts,
    )


def _to(world: World, letter: Letter) -> dict[str, Any]:
    agent = world.agents.get(letter.to.agent_id or 0)
    return {
        "message": str(letter.message),
        "to": letter.to.address,
        "agent_id": letter.to.agent_id,
        "name": agent.name if agent else "",
        "language": agent.language if agent else None,
    }


def _facts(world: World, row: WorkOrderRow, entry: Entry) -> dict[str, Any]:
    by = "" if entry.actor.kind == "system" else entry.actor.name
    note = entry.note
    return {
        "at": entry.at.isoformat(),
        "order": _order(world, row),
        "by": by,
        "note": note[:LONGEST_NOTE],
        "note_cut": len(note) > LONGEST_NOTE,
    }


def _order(world: World, row: WorkOrderRow) -> dict[str, Any]:
    owner, group = world.agents.get(row.owner_id or 0), world.groups[row.group_id]
    return {
        "id": row.id,
        "serial": row.serial,
        "title": row.title,
        "template": world.templates[row.template_id].label,
        "team": world.teams[row.team_id].label if row.team_id in world.teams else "",
        "group": group.label,
        "owner": owner.name if owner else "",
        "status": row.status,
        "node_status": row.node_status,
        "due_at": row.due_at.isoformat() if row.due_at else None,
    }


# --- the digest ----------------------------------------------------------------------------------------------------


def digest_day(mail: MailView | None, at: datetime) -> date | None:
    """The day whose digest is to be sent by now, in the house's zone; None before its time, or where none is wanted."""
    if mail is None or Message.DIGEST not in mail.messages:
        return None
    there = at.astimezone(mail.zone)
    return there.date() if there.time() >= mail.digest_at else None


async def add_digests(store: Store, world: World, day: date, at: datetime) -> int:
    """Tell each group admin what is late in his groups, once a day however often this is called; how many are told.

    Who has nothing late is told nothing.
    """
    if world.mail is None:
        return 0
    told = 0
    for agent in world.agents.values():
        if agent.email and agent.leads:
            async with store.write() as session:
                late, count = await _late(session, agent, at)
                if late:
                    await outbox.add(session, [_digest(world, world.mail, agent, late, count, day, at)], at)
                    told += 1
    return told


async def _late(session: AsyncSession, agent: AgentView, at: datetime) -> tuple[Sequence[WorkOrderRow], int]:
    where = (
        is_open(),
        WorkOrderRow.team_id == agent.team_id,
        WorkOrderRow.group_id.in_(agent.leads),
        WorkOrderRow.due_at <= at,
    )
    rows = await session.scalars(
        select(WorkOrderRow).where(*where).order_by(WorkOrderRow.due_at, WorkOrderRow.id).limit(MOST_LATE)
    )
    found = rows.all()
    if len(found) < MOST_LATE:
        return found, len(found)
    return found, await session.scalar(select(func.count()).select_from(WorkOrderRow).where(*where)) or 0


def _digest(
    world: World, mail: MailView, agent: AgentView, late: Sequence[WorkOrderRow], count: int, day: date, at: datetime
) -> Parcel:
    letter = Letter(Message.DIGEST, Recipient(agent.email or "", agent.id))
    payload = _to(world, letter) | {
        "at": at.isoformat(),
        "day": day.isoformat(),
        "count": count,
        "orders": [_order(world, row) for row in late],
    }
    return Parcel(
        agent.team_id,
        "mail",
        mail.endpoint,
        "",
        message_id("mail", Message.DIGEST, agent.team_id, agent.number, day),
        f"mail.{Message.DIGEST}",
        VERSION,
        payload,
    )
