"""Click-to-call: an agent's telephone rings, then the number is dialled; what comes of it is seen and traced.

A wish is a row before Asterisk hears of it: two agents who call the same missed caller back, or one who clicks twice,
are told apart by the database. Nothing is ever asked again later: a call that comes after its time rings at somebody
who waits for none.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.outgoing import MARK, Outgoing, OutgoingEvent, Phase, after, over
from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers.inspection import look
from daemon.handlers.live import News, Tell
from daemon.handlers.missed import close_called_back, open_for
from daemon.handlers.person import Person
from daemon.handlers.work_orders import step
from daemon.handlers.world import AgentView, World
from daemon.orders.commands import Note
from daemon.orders.dialling import DialRules, to_dial
from daemon.orders.history import Actor
from daemon.orders.order import Status
from daemon.orders.permissions import By, Role
from daemon.storage import outgoing, work_orders
from daemon.storage.engine import Store
from daemon.storage.missed_items import Closing
from daemon.storage.tables import CustomerRow, OutgoingCallRow, WorkOrderRow

NOT_WRITTEN: Final = "outgoing_call_not_written"
ENOUGH: Final = timedelta(minutes=3)  # in which somebody was reached or not; who heard nothing since gives up
TROUBLES: Final = {
    "no_pbx": "no PBX may dial for you",
    "no_phone": "you have no telephone that can be rung",
    "no_number": "this is no number that can be dialled",
    "not_allowed": "the list of the PBX does not allow this number",
    "in_call": "you are in a call that you placed",
    "called_back": "somebody is calling this caller back",
    "not_placed": "the PBX does not place the call",
}
"""Why a call is not placed."""
_DEVICE: Final = re.compile(r"[A-Za-z0-9]+/[^\s,&|;]{1,200}")

log = structlog.get_logger()


class NotPlacedError(RefusedError):
    """A call was not placed; `trouble` is one of TROUBLES, `detail` says who or what."""

    def __init__(self, trouble: str, detail: str = "") -> None:
        super().__init__(f"{TROUBLES[trouble]}: {detail}" if detail else TROUBLES[trouble])
        self.trouble = trouble
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Trunk:
    """A PBX that may be asked to dial, for its team or (None) for all; see settings.models.Dial."""

    pbx: str
    team: str | None
    context: str
    rules: DialRules
    caller_id: str | None
    ring_seconds: int


class Line(Protocol):
    """The way to a PBX."""

    async def place(self, action: Mapping[str, str]) -> None:
        """Ask for something, now or never. Raises RefusedError, with why it was not done."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A number to call, and what it is about: a missed caller, who may be called without naming his number; an order;
    a customer.
    """

    number: str = ""
    item_id: int | None = None
    order_id: int | None = None
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that an agent placed, as he sees it."""

    id: int
    agent_id: int
    team_id: int
    pbx: str
    uniqueid: str
    number: str
    since: datetime
    item_id: int | None
    order_id: int | None
    customer_id: int | None
    how: Outgoing


class Dialler:
    """Places calls and follows them. `new_mark` gives a text that never was before."""

    def __init__(
        self,
        store: Store,
        world: Callable[[], World],
        trunks: Mapping[str, tuple[Trunk, Line]],
        tell: Tell,
        clock: Callable[[], datetime],
        new_mark: Callable[[], str],
    ) -> None:
        self._store = store
        self._world = world
        self._trunks = trunks
        self._tell = tell
        self._clock = clock
        self._new_mark = new_mark
        self._placed: dict[str, Placed] = {}
        self._latest: dict[int, str] = {}
        self._heard: asyncio.Queue[tuple[str, OutgoingEvent | None]] = asyncio.Queue()

    # --- for pages ----------------------------------------------------------------------------------------------------

    def may(self, person: Person) -> bool:
        """Whether calls are offered to him: he has a telephone, and a PBX may dial for his team."""
        return (
            person.agent is not None and device_of(person.agent) is not None and self._trunk(person.agent) is not None
        )

    def of(self, agent_id: int) -> Placed | None:
        """The call that he placed last; over or not, until he puts it away."""
        return self._placed.get(self._latest.get(agent_id, ""))

    def put_away(self, agent_id: int) -> None:
        """He has seen how it ended; one that lives stays."""
        call = self.of(agent_id)
        if call is not None and call.how.phase is Phase.OVER:
            del self._placed[call.uniqueid], self._latest[agent_id]
            self._told(call)

    async def call(self, person: Person, wish: Wish) -> Placed:
        """Let the agent's telephone ring, then the number.

        Raises NotFoundError, ForbiddenError (no agent), RefusedError (the missed call is closed), NotPlacedError.
        """
        agent = person.agent
        if agent is None:
            message = "only agents place calls"
            raise ForbiddenError(message)
        trunk, device = self._trunk(agent), device_of(agent)
        if trunk is None or device is None:
            raise NotPlacedError("no_pbx" if trunk is None else "no_phone")
        try:
            async with self._store.write() as session:
                row = await self._row(session, person, agent, trunk[0], wish)
        except IntegrityError:
            raise NotPlacedError("called_back" if wish.item_id is not None else "in_call") from None
        placed = _placed(row)
        self._keep(placed)
        try:
            await trunk[1].place(_originate(trunk[0], agent, device, placed))
        except RefusedError as problem:
            await self._drop(placed)
            raise NotPlacedError("not_placed", str(problem)) from None
        return placed

    def _trunk(self, agent: AgentView) -> tuple[Trunk, Line] | None:
        team = self._world().teams[agent.team_id].name
        return next((each for each in self._trunks.values() if each[0].team in {None, team}), None)

    async def _row(
        self, session: AsyncSession, person: Person, agent: AgentView, trunk: Trunk, wish: Wish
    ) -> OutgoingCallRow:
        world, at, number = self._world(), self._clock(), wish.number
        his = await outgoing.living_of_agent(session, agent.id)
        await self._refuse_second(session, his, at, NotPlacedError("in_call", his.number if his else ""))
        if wish.item_id is not None:
            item = await open_for(session, person, wish.item_id)
            living = await outgoing.living_of_item(session, wish.item_id)
            who = world.agents.get(living.agent_id) if living else None
            await self._refuse_second(session, living, at, NotPlacedError("called_back", who.name if who else ""))
            number = number or item.e164 or item.number
        if wish.order_id is not None:
            await look(session, world, person, wish.order_id)
        if wish.customer_id is not None:
            customer = await session.get(CustomerRow, wish.customer_id)
            if customer is None or customer.team_id != agent.team_id:
                message = f"there is no customer {wish.customer_id}"
                raise NotFoundError(message)
        dialled, trouble = to_dial(number, world.teams[agent.team_id].region, trunk.rules)
        if trouble is not None:
            raise NotPlacedError(trouble)
        row = OutgoingCallRow(
            team_id=agent.team_id,
            agent_id=agent.id,
            pbx=trunk.pbx,
            uniqueid=MARK + self._new_mark(),
            number=dialled,
            item_id=wish.item_id,
            order_id=wish.order_id,
            customer_id=wish.customer_id,
            began_at=at,
        )
        session.add(row)
        await session.flush()
        return row

    async def _refuse_second(
        self, session: AsyncSession, living: OutgoingCallRow | None, at: datetime, refusal: NotPlacedError
    ) -> None:
        """One that nobody has heard of for long is over. Raises the refusal."""
        if living is None:
            return
        call = self._placed.get(living.uniqueid)
        if (call and call.how.phase is not Phase.OVER) or living.began_at > at - ENOUGH:
            raise refusal
        living.outcome, living.ended_at = living.outcome or "unknown", at
        await session.flush()

    def _keep(self, placed: Placed) -> None:
        before = self._latest.get(placed.agent_id)
        if before is not None:
            self._placed.pop(before, None)
        self._placed[placed.uniqueid] = placed
        self._latest[placed.agent_id] = placed.uniqueid
        self._told(placed)

    async def _drop(self, placed: Placed) -> None:
        """It was not placed: nobody follows it."""
        del self._placed[placed.uniqueid], self._latest[placed.agent_id]
        async with self._store.write() as session:
            row = await outgoing.by_uniqueid(session, placed.uniqueid)
            if row is not None:
                row.outcome, row.ended_at = "failed", self._clock()
        self._told(placed)

    def _told(self, placed: Placed) -> None:
        self._tell(News(placed.team_id, "dialling", agent_ids=(placed.agent_id,)))
        if placed.item_id is not None:
            self._tell(News(placed.team_id, "missed_calls", (placed.item_id,)))

    # --- what Asterisk says of them -----------------------------------------------------------------------------------

    def hear(self, pbx: str, event: OutgoingEvent | None) -> None:
        """An event of a call of ours; None: the link to the PBX is lost."""
        lost = (call.uniqueid for call in self._placed.values() if call.pbx == pbx)
        for uniqueid in lost if event is None else (event.uniqueid,):
            if uniqueid in self._placed:
                self._heard.put_nowait((uniqueid, event))

    async def run(self) -> None:
        """Follow calls until cancelled. What another process has placed before is given up first."""
        await self._begin()
        while True:
            uniqueid, event = await self._heard.get()
            before = self._placed.get(uniqueid)
            if before is None:
                continue
            how = over(before.how, "unknown") if event is None else after(before.how, event)
            if how == before.how:
                continue
            call = self._placed[uniqueid] = replace(before, how=how)
            news: tuple[News, ...] = ()
            try:
                async with self._store.write() as session:
                    news = await self._write(session, call, new=how.outcome != before.how.outcome)
            except SQLAlchemyError as problem:  # the agent sees it all the same; the row is given up later
                log.error(NOT_WRITTEN, number=call.number, outcome=how.outcome, problem=str(problem))
            self._told(call)
            for each in news:
                self._tell(each)

    async def _begin(self) -> None:
        try:
            async with self._store.write() as session:
                await outgoing.give_up(session, [*self._trunks], self._clock())
        except SQLAlchemyError as problem:
            log.error(NOT_WRITTEN, problem=str(problem))

    async def _write(self, session: AsyncSession, call: Placed, *, new: bool) -> tuple[News, ...]:
        """The row as it stands; where it is decided what came of it, that is noted with its order and its caller."""
        row, at = await outgoing.by_uniqueid(session, call.uniqueid), self._clock()
        if row is None or row.ended_at is not None:
            return ()
        row.outcome = call.how.outcome
        row.ended_at = at if call.how.phase is Phase.OVER else None
        world, agent = self._world(), self._world().agents.get(call.agent_id)
        if not new or agent is None:
            return ()
        news: list[News] = []
        order = await self._order(session, call)
        if order is not None and order.status != Status.DONE:
            by = By(Actor("agent", agent.name, agent.id), Role.PROGRAM)
            news += await step(session, world, order, Note(what=f"called_{row.outcome}", note=call.number), by, at)
        if call.item_id is not None and row.outcome == "answered":
            closing = Closing("reached", at, agent.name, "call_back")
            news += await close_called_back(session, world, call.item_id, closing)
        return tuple(news)

    async def _order(self, session: AsyncSession, call: Placed) -> WorkOrderRow | None:
        if call.order_id is not None:
            return await session.get(WorkOrderRow, call.order_id, with_for_update=True)
        return await work_orders.of_item(session, call.item_id) if call.item_id is not None else None


def device_of(agent: AgentView) -> str | None:
    """What is rung: his first interface, else the device that is called by his number."""
    device = agent.interfaces[0] if agent.interfaces else f"PJSIP/{agent.number}"
    return device if _DEVICE.fullmatch(device) else None


def _placed(row: OutgoingCallRow) -> Placed:
    return Placed(
        id=row.id,
        agent_id=row.agent_id,
        team_id=row.team_id,
        pbx=row.pbx,
        uniqueid=row.uniqueid,
        number=row.number,
        since=row.began_at,
        item_id=row.item_id,
        order_id=row.order_id,
        customer_id=row.customer_id,
        how=Outgoing(),
    )


def _originate(trunk: Trunk, agent: AgentView, device: str, call: Placed) -> Mapping[str, str]:
    return {
        "Action": "Originate",
        "ActionID": call.uniqueid,
        "ChannelId": call.uniqueid,
        "Channel": device,
        "Context": trunk.context,
        "Exten": call.number,
        "Priority": "1",
        "CallerID": trunk.caller_id or agent.number,
        "Timeout": str(trunk.ring_seconds * 1000),
        "Variable": f"__WORKORDERD_CALL={call.uniqueid}",
        "Async": "true",
    }
