"""The popup of an agent: the calls on his desk now, and all that he needs to know of one of them.

The database says which calls these are: those that ring at his phone (`ringing.py` knows), those that he talks in,
and those that are over and want something of him still. A call leaves the desk when he puts it away, or by itself
when its end has come and nothing is left to do: its module has no results, or his result is chosen and its order made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import State
from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers import customers as customer_cases
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.results import link_of, may_choose, module_of
from daemon.handlers.ringing import Ring
from daemon.handlers.world import AgentView, ModuleView, TeamView, World
from daemon.orders.customer import Draft
from daemon.orders.number import Number, read_number
from daemon.orders.template import Template
from daemon.storage import calls, customers, lists, popup, results
from daemon.storage.engine import Store
from daemon.storage.lists import Sight
from daemon.storage.tables import CallResultRow, CallRow, CustomerRow, WorkOrderRow

LATELY: Final = timedelta(hours=12)
SHOWN_AFTER: Final = timedelta(minutes=10)  # an order that was made by itself
TALKING: Final = frozenset({State.CONNECTED, State.TALKING})
MOST_ORDERS: Final = 6
MOST_PAST: Final = 5
MOST_CUSTOMERS: Final = 8

Stage = Literal["ringing", "talking", "after", "asked"]


class Rings(Protocol):
    """Who rings where now: `Ringing`."""

    def of(self, agent_id: int) -> Sequence[Ring]:
        """The calls that ring at an agent's telephones."""


@dataclass(frozen=True, slots=True)
class OnDesk:
    """A call on an agent's desk. `call` None: the caller was asked for by number, or is not stored yet."""

    key: str
    stage: Stage
    team: TeamView
    number: Number
    name: str
    since: datetime
    queue: str = ""
    call: CallRow | None = None
    result: CallResultRow | None = None
    module: ModuleView | None = None

    @property
    def call_id(self) -> int | None:
        """The stored call's."""
        return self.call.id if self.call else None


@dataclass(frozen=True, slots=True)
class PastCall:
    """An earlier call of the caller, and what those who answered it said that it came to."""

    call: CallRow
    results: Sequence[CallResultRow]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a caller. `customers`: who it may be; `customer`: who it is. `may_choose`: a result, now."""

    customers: Sequence[CustomerRow] = ()
    customer: CustomerRow | None = None
    orders: Sequence[WorkOrderRow] = ()
    past: Sequence[PastCall] = ()
    missed: int = 0
    order: WorkOrderRow | None = None
    template: Template | None = None
    may_choose: bool = False


# --- which calls ---------------------------------------------------------------------------------------------------


async def on_desk(
    session: AsyncSession, world: World, agent: AgentView, rings: Iterable[Ring], at: datetime
) -> tuple[OnDesk, ...]:
    """The calls on an agent's desk: those that ring, then the others, the latest begun first."""
    ringing = [await _ringing(session, world, ring) for ring in rings]
    mine = await popup.calls_on_desk(session, agent.id, at - LATELY)
    seen = {each.key for each in ringing}
    rest = [_answered(world, agent, call, result) for call, result in mine]
    stay = [each for each in rest if each.key not in seen and await _stays(session, world, agent, each, at)]
    ringing.sort(key=lambda each: each.since, reverse=True)
    return (*ringing, *stay)


async def _ringing(session: AsyncSession, world: World, ring: Ring) -> OnDesk:
    call = await calls.find(session, ring.pbx, ring.uniqueid)
    queue, team = world.queue(ring.pbx, ring.queue), world.teams[ring.team_id]
    return OnDesk(
        key=f"call-{call.id}" if call else f"ring-{ring.pbx}-{ring.uniqueid}",
        stage="ringing",
        team=team,
        number=read_number(ring.number, team.region, team.last_digits),
        name=ring.name,
        since=call.began_at if call else ring.since,
        queue=queue.label if queue else ring.queue,
        call=call,
        module=world.modules.get(queue.module_id) if queue else None,
    )


def _answered(world: World, agent: AgentView, call: CallRow, result: CallResultRow | None) -> OnDesk:
    stage: Stage = "talking" if call.state in TALKING else "after"
    return _of_call(world, world.teams[call.team_id or agent.team_id], call, stage, result)


def _of_call(world: World, team: TeamView, call: CallRow, stage: Stage, result: CallResultRow | None) -> OnDesk:
    queue = world.queue(call.pbx, call.queue)
    return OnDesk(
        key=f"call-{call.id}",
        stage=stage,
        team=team,
        number=read_number(call.number, team.region, team.last_digits),
        name=call.name,
        since=(call.ended_at if stage == "after" else None) or call.began_at,
        queue=queue.label if queue else call.queue,
        call=call,
        result=result,
        module=module_of(world, call),
    )


async def _stays(session: AsyncSession, world: World, agent: AgentView, each: OnDesk, at: datetime) -> bool:
    assert each.call is not None
    if each.stage == "talking":
        return True
    if each.module is None or not each.module.results:
        return False
    if each.result is None:
        return True
    if each.result.order_id is not None:
        return at - each.result.changed_at < SHOWN_AFTER
    made = await popup.order_of_call(session, each.call.id, agent.id)
    return link_of(each.module, each.result, made) is not None


async def call_asked_for(
    session: AsyncSession, world: World, agent: AgentView | None, sight: Sight, call_id: int
) -> OnDesk:
    """A call of his team, whoever answered it. Raises NotFoundError."""
    found = await lists.call(session, sight, call_id)
    if found is None or found.call.team_id is None:
        message = f"there is no call {call_id}"
        raise NotFoundError(message)
    result = await results.result_of(session, call_id, agent.id) if agent else None
    talking: Stage = "talking" if found.call.state in TALKING else "ringing"
    stage: Stage = "after" if found.call.state == State.ENDED else talking
    return _of_call(world, world.teams[found.call.team_id], found.call, stage, result)


def number_asked_for(team: TeamView, number: str, at: datetime) -> OnDesk:
    """A caller of whom only the number is known."""
    read = read_number(number, team.region, team.last_digits)
    return OnDesk(key="asked", stage="asked", team=team, number=read, name="", since=at)


# --- what is known -------------------------------------------------------------------------------------------------


async def know(session: AsyncSession, world: World, agent: AgentView | None, sight: Sight, each: OnDesk) -> Known:
    """All that the popup shows of one call."""
    possible = await customers.customers_of_number(session, each.team.id, each.number, MOST_CUSTOMERS)
    customer = await _customer(session, agent, each, possible)
    past = await popup.past_calls(session, each.team.id, each.number, each.call_id, MOST_PAST)
    call_ids = [call.id for call in past] + ([each.call_id] if each.call_id else [])
    whose = [customer.id] if customer else [row.id for row in possible]
    told = await results.results_of_calls(session, [call.id for call in past])
    made = await popup.order_of_call(session, each.call_id, agent.id) if each.call_id and agent else None
    wanted = link_of(each.module, each.result, made) if each.result else None
    return Known(
        customers=possible if customer is None or customer in possible else (customer, *possible),
        customer=customer,
        orders=await popup.open_orders(session, sight, whose, call_ids, MOST_ORDERS),
        past=tuple(PastCall(call, told[call.id]) for call in past),
        missed=await popup.times_missed(session, each.team.id, each.number),
        order=made,
        template=world.templates.get(wanted or 0),
        may_choose=each.call is not None and agent is not None and await may_choose(session, world, each.call, agent),
    )


async def _customer(
    session: AsyncSession, agent: AgentView | None, each: OnDesk, possible: Sequence[CustomerRow]
) -> CustomerRow | None:
    kept = await popup.popup(session, each.call_id, agent.id) if each.call_id and agent else None
    if kept is not None and kept.customer_id is not None:
        return await customers.customer(session, Sight(each.team.id), kept.customer_id)
    return possible[0] if len(possible) == 1 else None


# --- what he does --------------------------------------------------------------------------------------------------


async def choose_customer(
    store: Store, world: World, person: Person, call_id: int, customer_id: int
) -> tuple[News, ...]:
    """This is who calls. Raises NotFoundError, ForbiddenError."""
    async with store.write() as session:
        call, agent = await _his(session, person, call_id)
        if await customers.customer(session, Sight(call.team_id), customer_id) is None:
            message = f"there is no customer {customer_id}"
            raise NotFoundError(message)
        row = await popup.keep_popup(session, call.id, agent.id)
        row.customer_id = customer_id
    return (_news(call, agent),)


async def add_customer(
    store: Store, world: World, person: Person, call_id: int, name: str, kind: str, at: datetime
) -> tuple[News, ...]:
    """A new customer with the caller's number. Raises NotFoundError, ForbiddenError, InvalidError."""
    async with store.read() as session:
        call, _ = await _his(session, person, call_id)
    numbers = (call.number,) if not read_number(call.number, "ZZ").hidden else ()
    draft = Draft(name=name, kind=kind, numbers=numbers)
    customer_id, _ = await customer_cases.create(store, world, person, draft, at)
    return await choose_customer(store, world, person, call_id, customer_id)


async def put_away(store: Store, world: World, person: Person, call_id: int, at: datetime) -> tuple[News, ...]:
    """He is done with this call, with a result or without. Raises NotFoundError, ForbiddenError."""
    async with store.write() as session:
        call, agent = await _his(session, person, call_id)
        row = await popup.keep_popup(session, call.id, agent.id)
        row.put_away_at = row.put_away_at or at
    return (_news(call, agent),)


async def _his(session: AsyncSession, person: Person, call_id: int) -> tuple[CallRow, AgentView]:
    found = await lists.call(session, Sight(person.team_id), call_id)
    if found is None:
        message = f"there is no call {call_id}"
        raise NotFoundError(message)
    if person.agent is None:
        message = "only agents have calls on their desk"
        raise ForbiddenError(message)
    return found.call, person.agent


def _news(call: CallRow, agent: AgentView) -> News:
    return News(agent.team_id, "popup", (call.id,), (), (agent.id,))
