"""What a call came to, whoever says it: the popup, the API, the telephone. One use case for all roads.

One result per call and agent. The same again changes nothing; another one replaces it while the window lasts, and
what was chosen before stays on record. An order is made once: a later choice leaves it, and its history tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import State
from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers import notices
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.result_orders import make_order, makes_order
from daemon.handlers.work_orders import news_of, step
from daemon.handlers.world import AgentView, ModuleView, World
from daemon.orders.commands import Note
from daemon.orders.notices import Happening
from daemon.orders.number import read_number
from daemon.orders.order import Status
from daemon.orders.permissions import By, Role
from daemon.orders.results import Choice, Result, Wish, is_changeable, read_choice
from daemon.storage import popup, results, work_orders
from daemon.storage.customers import customers_of_number
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt, once
from daemon.storage.results import TALKED, Place
from daemon.storage.tables import CallResultRow, CallRow, WorkOrderRow
from daemon.storage.work_orders import Origin


@dataclass(frozen=True, slots=True)
class Chosen:
    """What stands now. `template_id`: of the order that the link makes; None: there is none to make."""

    id: int
    call_id: int
    agent_id: int
    result: str
    order_id: int | None
    template_id: int | None
    news: tuple[News, ...] = ()


@dataclass(slots=True)
class _Told:
    news: list[News] = field(default_factory=list)


async def choose_result(
    store: Store,
    world: World,
    person: Person,
    call_id: int,
    result: str,
    note: str,
    callback_at: datetime | None,
    callback_for: str | None,
    at: datetime,
    *,
    agent_id: int | None = None,
    receipt: Receipt | None = None,
) -> Chosen:
    """An agent says what a call came to. `agent_id`: whose result it is; None: the person's own.

    His own: an agent who took part in the call, or works in its module. Another's: a group admin of the module's
    groups, or a system of the team. Raises NotFoundError (no such call of his team, no such agent), ForbiddenError,
    RefusedError (nobody talked, no results are configured, the window is over) and InvalidError (`read_choice`).
    """
    told = _Told()
    wish = Wish(result, note, callback_at, callback_for)

    async def make() -> int:
        return (await _choose(session, world, person, call_id, agent_id, wish, at, told)).id

    async with store.write() as session:
        result_id, _ = await once(session, receipt, at, make)
        row = await session.get_one(CallResultRow, result_id)
    return _chosen(world, row, tuple(told.news))


async def _choose(
    session: AsyncSession,
    world: World,
    person: Person,
    call_id: int,
    agent_id: int | None,
    wish: Wish,
    at: datetime,
    told: _Told,
) -> CallResultRow:
    call = await results.lock_call(session, call_id)
    if call is None or call.team_id is None or person.team_id not in {None, call.team_id}:
        message = f"there is no call {call_id}"
        raise NotFoundError(message)
    module = module_of(world, call)
    agent = await _whose(session, world, person, call, module, agent_id)
    if module is None or not module.results:
        message = "no results are configured for this call's queue"
        raise RefusedError(message)
    if not _has_talked(call):
        message = "nobody has talked in this call"
        raise RefusedError(message)
    choice = read_choice(module.results, wish, at)
    row = await results.result_of(session, call.id, agent.id)
    place = Place(call, call.team_id, agent.id, module.id)
    if row is None:
        row = await results.add(session, place, choice, person.actor, at)
        happened = Happening.RESULT_CHOSEN
        told.news += _news(row)
    elif results.choice_of(row) != choice:
        await _change(session, world, call, row, choice, person, at, told)
        happened = Happening.RESULT_CHANGED
    else:
        return row
    await _make_order(session, world, module, row, call, person, at, told)
    await notices.result_chosen(session, world, row, happened, at)
    return row


async def _change(
    session: AsyncSession,
    world: World,
    call: CallRow,
    row: CallResultRow,
    choice: Choice,
    person: Person,
    at: datetime,
    told: _Told,
) -> None:
    if not is_changeable(call.ended_at, at, world.results_window):
        minutes = round(world.results_window.total_seconds() / 60)
        message = f"a result can be changed until {minutes} minutes after the call; that time is over"
        raise RefusedError(message)
    before = row.result
    await results.change(session, row, choice, person.actor, at)
    told.news += _news(row)
    order = await work_orders.lock(session, row.order_id) if row.order_id is not None else None
    if order is not None and order.status != Status.DONE and before != row.result:
        changed = Note(what="result_changed", note=f"{before} → {row.result}")
        told.news += await step(session, world, order, changed, By(person.actor, Role.PROGRAM), at)


def _has_talked(call: CallRow) -> bool:
    if call.state == State.ENDED:
        return call.reason in TALKED
    return call.agent_id is not None or call.state not in {State.ROUTING, State.WAITING}


def _news(row: CallResultRow) -> list[News]:
    return [
        News(row.team_id, "popup", (row.call_id,), (), (row.agent_id,)),
        News(row.team_id, "calls", (row.call_id,)),
    ]


# --- whose it is -----------------------------------------------------------------------------------------------------


def module_of(world: World, call: CallRow) -> ModuleView | None:
    """The module of a call: that of its last queue."""
    queue = world.queue(call.pbx, call.queue)
    return world.modules.get(queue.module_id) if queue else None


async def _whose(
    session: AsyncSession,
    world: World,
    person: Person,
    call: CallRow,
    module: ModuleView | None,
    agent_id: int | None,
) -> AgentView:
    own = person.agent.id if person.agent else None
    agent = world.agents.get(agent_id if agent_id is not None else own or 0)
    if agent_id is not None and (agent is None or agent.team_id != call.team_id):
        message = f"there is no agent {agent_id}"
        raise NotFoundError(message)
    if agent is None:
        message = "only agents give results; a system names the agent whose result it is"
        raise ForbiddenError(message)
    if agent.id != own and person.kind != "system" and not (person.agent and module and module.is_led_by(person.agent)):
        message = "another agent's result is given by him, by a group admin of the module, or by a system"
        raise ForbiddenError(message)
    if not await _is_his(session, world, call, module, agent):
        message = f"{agent.name} took no part in this call and does not work in its module"
        raise ForbiddenError(message)
    return agent


async def may_choose(session: AsyncSession, world: World, call: CallRow, agent: AgentView) -> bool:
    """Whether this agent can give a result of this call now."""
    module = module_of(world, call)
    offered = module is not None and bool(module.results) and _has_talked(call)
    return offered and await _is_his(session, world, call, module, agent)


async def _is_his(
    session: AsyncSession, world: World, call: CallRow, module: ModuleView | None, agent: AgentView
) -> bool:
    return (module is not None and module.is_worked_by(agent)) or await _took_part(session, world, call, agent)


async def _took_part(session: AsyncSession, world: World, call: CallRow, agent: AgentView) -> bool:
    if call.agent_id == agent.id:
        return True
    stints = await results.answered_stints(session, call.id)
    who = (world.agent_of_member(call.team_id, stint.interface, stint.member) for stint in stints)
    return any(each is not None and each.id == agent.id for each in who)


async def customer_of(session: AsyncSession, world: World, call: CallRow, agent_id: int) -> int | None:
    """Who calls: whom the agent chose, else the only customer who has the number."""
    seen = await popup.popup(session, call.id, agent_id)
    if seen is not None and seen.customer_id is not None:
        return seen.customer_id
    team = world.teams[call.team_id or 0]
    number = read_number(call.number, team.region, team.last_digits)
    possible = await customers_of_number(session, team.id, number, 2)
    return possible[0].id if len(possible) == 1 else None


# --- the order -------------------------------------------------------------------------------------------------------


async def _make_order(
    session: AsyncSession,
    world: World,
    module: ModuleView,
    row: CallResultRow,
    call: CallRow,
    person: Person,
    at: datetime,
    told: _Told,
) -> None:
    result = _result(module, row.result)
    if row.order_id is not None or not makes_order(result):
        return
    agent, about = world.agents[row.agent_id], call.e164 or call.number or call.name
    customer_id = await customer_of(session, world, call, agent.id)
    origin = Origin(description=row.note, module_id=module.id, call_id=call.id)
    made = await make_order(session, world, person, agent, result, about, customer_id, origin, at)
    row.order_id = made.id
    told.news.append(news_of(made))


def _result(module: ModuleView, identity: str) -> Result:
    return next(each for each in module.results if each.identity == identity)


def _chosen(world: World, row: CallResultRow, news: tuple[News, ...]) -> Chosen:
    module = world.modules.get(row.module_id)
    return Chosen(row.id, row.call_id, row.agent_id, row.result, row.order_id, link_of(module, row, None), news)


def link_of(module: ModuleView | None, row: CallResultRow, order: WorkOrderRow | None) -> int | None:
    """The template of the order that is still to be made by the link; None: there is none, or it is made."""
    if module is None or order is not None or row.order_id is not None:
        return None
    result = next((each for each in module.results if each.identity == row.result), None)
    return result.template_id if result and not result.automatic else None
