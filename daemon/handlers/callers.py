"""Somebody calls: who he is, what is open for him, and how an order of his stands."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from daemon.handlers.world import World
from daemon.orders.number import Number, read_number
from daemon.storage import callers, rules
from daemon.storage.customers import customers_of_number
from daemon.storage.engine import Store
from daemon.storage.tables import WorkOrderRow

MOST_ORDERS: Final = 5
MOST_WRONG: Final = 5  # PINs for one order, in
WRONG_FOR: Final = timedelta(minutes=15)
MOST_REMEMBERED: Final = 10_000  # orders of which a wrong PIN is remembered
PIN_DIGITS: Final = 6

Told = Literal["new", "pending", "done", "unknown", "pin"]


@dataclass(frozen=True, slots=True)
class CallerKnown:
    """`customer_id` and `name` only where one customer alone has the number; `orders` are serials, latest first;
    `agent`: the interface of who spoke with him last, "" where nobody did or he has none.
    """

    customer_id: int | None
    name: str
    orders: tuple[str, ...]
    agent: str


async def who_calls(store: Store, world: World, pbx: str, queue: str, number: str) -> CallerKnown | None:
    """What is known of a number in the team of that PBX and queue; None where no team is."""
    found = _team(world, pbx, queue, number)
    if found is None:
        return None
    team_id, read = found
    async with store.read() as session:
        customers = await customers_of_number(session, team_id, read, 2)
        orders = await callers.open_orders(session, team_id, [row.id for row in customers], read, MOST_ORDERS)
        spoke = await rules.last_spoke_with(session, team_id, [read.e164] if read.e164 else [])
    agent = world.agents.get(spoke) if spoke is not None else None
    only = customers[0] if len(customers) == 1 else None
    return CallerKnown(
        only.id if only else None,
        only.name if only else "",
        tuple(row.serial for row in orders),
        next(iter(agent.interfaces), "") if agent else "",
    )


def _team(world: World, pbx: str, queue: str, number: str) -> tuple[int, Number] | None:
    team = world.teams.get(world.team_of(pbx, queue) or 0)
    return None if team is None else (team.id, read_number(number, team.region, team.last_digits))


def order_pin(secret: str, order_id: int) -> str:
    """What a caller types who calls from another number: made of the secret, so that nothing is stored."""
    digest = hmac.digest(secret.encode(), b"work order %d" % order_id, hashlib.sha256)
    return f"{int.from_bytes(digest[:8]) % 10**PIN_DIGITS:0{PIN_DIGITS}d}"


class StatusLine:
    """Tells callers how an order stands: to a number of its customer, or to who knows its PIN.

    `secret` None: there are no PINs. Five wrong ones close an order's PIN for a quarter of an hour.
    """

    def __init__(self, store: Store, world: Callable[[], World], secret: str | None, clock: Callable[[], datetime]):
        self._store = store
        self._world = world
        self._secret = secret
        self._clock = clock
        self._wrong: OrderedDict[int, list[datetime]] = OrderedDict()

    async def look(self, pbx: str, number: str, typed: tuple[int, int], pin: str) -> Told:
        """The order's status; `pin`: ask for it; `unknown`: no such order, or not for him."""
        found = _team(self._world(), pbx, "", number)
        if found is None:
            return "unknown"
        team_id, read = found
        async with self._store.read() as session:
            order = await callers.order_by_serial(session, team_id, *typed)
            own = order is not None and await callers.is_of(session, order, read)
        if order is not None and (own or self._proven(order.id, pin)):
            return _status(order)
        return "unknown" if pin or self._secret is None else "pin"

    def _proven(self, order_id: int, pin: str) -> bool:
        if self._secret is None or not pin:
            return False
        since = self._clock() - WRONG_FOR
        wrong = [at for at in self._wrong.pop(order_id, []) if at > since]
        right = len(wrong) < MOST_WRONG and hmac.compare_digest(pin, order_pin(self._secret, order_id))
        if not right:
            wrong.append(self._clock())
        if wrong:
            self._wrong[order_id] = wrong[-MOST_WRONG:]
            if len(self._wrong) > MOST_REMEMBERED:
                self._wrong.popitem(last=False)
        return right


def _status(order: WorkOrderRow) -> Told:
    match order.status:
        case "done":
            return "done"
        case "pending":
            return "pending"
    return "new"
