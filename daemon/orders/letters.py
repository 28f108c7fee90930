"""Who is told by mail of what has happened to an order.

    what has happened        message           to whom
    order.assigned           assigned          its new owner
    order.returned           returned          the admins of the group where it stands now, and its owner
    order.escalated          escalated         the admins of that group, and its owner
    order.reminded           reminded          its owner
    order.status_changed     status_changed    the addresses of the template's default CC and of the order's own

Nobody is told of what he did himself, nor twice of one step: the message that stands first in `Message` is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from daemon.orders.notices import Happening
from daemon.orders.order import Order
from daemon.orders.template import Group

MOST_COPIES: Final = 50
"""Addresses of one order that are told; the rest is left out."""


class Message(StrEnum):
    """Every mail; what matters most to its reader comes first. Each is a folder of outbox/templates."""

    ESCALATED = "escalated"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    REMINDED = "reminded"
    STATUS_CHANGED = "status_changed"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A mail address, and whose it is; `agent_id` None: of somebody whom we don't know."""

    address: str
    agent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be written."""

    message: Message
    to: Recipient


def letters_of(
    happened: Iterable[Happening],
    after: Order,
    group: Group | None,
    copies: Iterable[str],
    addresses: Mapping[int, str],
    by: int | None,
    wanted: frozenset[Message],
) -> tuple[Letter, ...]:
    """Who is told of one step of an order, in a steady order.

    `addresses`: of the team's agents, by their ids; who has none is told nothing. `by`: the agent who did it.
    """
    told: dict[str, Letter] = {}
    happenings = frozenset(happened)
    for message in Message:
        if message not in wanted:
            continue
        for to in _readers(message, happenings, after, group, copies, addresses):
            if to.agent_id is None or to.agent_id != by:
                told.setdefault(to.address.casefold(), Letter(message, to))
    return tuple(told.values())


def _readers(
    message: Message,
    happened: frozenset[Happening],
    after: Order,
    group: Group | None,
    copies: Iterable[str],
    addresses: Mapping[int, str],
) -> list[Recipient]:
    owner: tuple[int, ...] = () if after.owner_id is None else (after.owner_id,)
    admins = tuple(sorted(group.admins)) if group else ()
    match message:
        case Message.ASSIGNED if Happening.ORDER_ASSIGNED in happened:
            agents = owner
        case Message.RETURNED if Happening.ORDER_RETURNED in happened:
            agents = admins + owner
        case Message.ESCALATED if Happening.ORDER_ESCALATED in happened:
            agents = admins + owner
        case Message.REMINDED if Happening.ORDER_REMINDED in happened:
            agents = owner
        case Message.STATUS_CHANGED if Happening.ORDER_STATUS_CHANGED in happened:
            return _copies(copies, addresses)
        case _:
            return []
    return [Recipient(addresses[id_], id_) for id_ in agents if addresses.get(id_)]


def _copies(lists: Iterable[str], addresses: Mapping[int, str]) -> list[Recipient]:
    """The addresses of lists that are separated by semicolons, each once; one that is an agent's is his."""
    known = {address.casefold(): id_ for id_, address in addresses.items()}
    found: dict[str, Recipient] = {}
    for each in (address.strip() for text in lists for address in text.split(";")):
        if each and len(found) < MOST_COPIES:
            found.setdefault(each.casefold(), Recipient(each, known.get(each.casefold())))
    return list(found.values())
