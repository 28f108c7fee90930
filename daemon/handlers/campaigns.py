"""Campaigns: an agent takes the next number, calls it, and says what came of it.

Nobody gets what another has: a number is given out in the transaction that marks it as taken. Who looks at a campaign
works in its groups, or sees the whole team; to others there is no such campaign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.result_orders import make_order, makes_order
from daemon.handlers.work_orders import news_of, step
from daemon.handlers.world import AgentView, ModuleView, World
from daemon.orders import campaign
from daemon.orders.campaign import EntryError, State
from daemon.orders.commands import Note
from daemon.orders.order import Status
from daemon.orders.permissions import By, Role
from daemon.orders.results import Choice, Result, Wish, is_changeable, read_choice
from daemon.storage import campaigns, customers, work_orders
from daemon.storage.campaigns import Said
from daemon.storage.engine import Store
from daemon.storage.receipts import Receipt, once
from daemon.storage.tables import CampaignEntryRow, CampaignResultRow
from daemon.storage.visibility import Sight
from daemon.storage.work_orders import Origin


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands after a result. `template_id`: of the order that the link makes; None: there is none to make."""

    entry_id: int
    module_id: int
    state: str
    result: str
    order_id: int | None
    template_id: int | None
    news: tuple[News, ...] = ()


# --- who may ------------------------------------------------------------------------------------------------------


def campaigns_of(world: World, person: Person) -> tuple[ModuleView, ...]:
    """The campaigns that he sees: those of his groups, or an admin all of the team, by label."""
    seen = [each for each in world.modules.values() if _sees(person, each)]
    return tuple(sorted(seen, key=lambda each: (each.team_id, each.label.casefold(), each.id)))


def campaign_of(world: World, person: Person, module_id: int) -> ModuleView:
    """One of them. Raises NotFoundError."""
    module = world.modules.get(module_id)
    if module is None or not _sees(person, module):
        message = f"there is no campaign {module_id}"
        raise NotFoundError(message)
    return module


def may_run(person: Person, module: ModuleView) -> bool:
    """Whether he fills and empties its list: who leads one of its groups, or a system of the team."""
    return person.kind == "system" or (person.agent is not None and module.is_led_by(person.agent))


def _sees(person: Person, module: ModuleView) -> bool:
    if module.kind != "campaign" or person.team_id not in {None, module.team_id}:
        return False
    return person.agent is None or module.is_worked_by(person.agent)


def caller_of(world: World, person: Person, module: ModuleView, agent_id: int | None) -> AgentView:
    """Whose call it is: the person's, or where a system asks the agent's whom it names.

    Raises NotFoundError, ForbiddenError.
    """
    own = person.agent
    if agent_id is None or (own is not None and own.id == agent_id):
        if own is None:
            message = "only agents call; a system names the agent who does"
            raise ForbiddenError(message)
        return own
    agent = world.agents.get(agent_id)
    if agent is None or agent.team_id != module.team_id:
        message = f"there is no agent {agent_id}"
        raise NotFoundError(message)
    if person.kind != "system":
        message = "agents call for themselves; a system names the agent"
        raise ForbiddenError(message)
    if not module.is_worked_by(agent):
        message = f"{agent.name} does not work in this campaign"
        raise ForbiddenError(message)
    return agent


# --- taking -------------------------------------------------------------------------------------------------------


async def take_next(
    store: Store, world: World, person: Person, module_id: int, at: datetime, agent_id: int | None = None
) -> tuple[int | None, tuple[News, ...]]:
    """The entry that an agent calls next, his from now on; the one that he has already; or None: nobody waits.

    One of another campaign that he had goes back. Raises NotFoundError, ForbiddenError, EntryError (`closed`).
    """
    module = campaign_of(world, person, module_id)
    agent = caller_of(world, person, module, agent_id)
    if not module.calling.open_at(at):
        raise EntryError("closed", "this campaign does not call at this time")
    try:
        return await _take_next(store, module, agent, at)
    except IntegrityError:  # he asked twice at the same time, and has one now
        return await _take_next(store, module, agent, at)


async def _take_next(
    store: Store, module: ModuleView, agent: AgentView, at: datetime
) -> tuple[int | None, tuple[News, ...]]:
    async with store.write() as session:
        has = await campaigns.held(session, agent.id, lock=True)
        if has is not None and has.module_id == module.id:
            return has.id, ()
        news = [_news(module)]
        if has is not None:
            await campaigns.keep(session, has, campaign.give_back(campaigns.entry_of(has)), at)
            news.append(News(module.team_id, "campaigns", (has.module_id,)))
        await _give_back_lapsed(session, module, at)
        row = await campaigns.next_due(session, module.id, agent.id, at)
        if row is None:
            return None, tuple(news)
        await campaigns.keep(session, row, campaign.take(campaigns.entry_of(row), agent.id, at), at)
        return row.id, tuple(news)


async def _give_back_lapsed(session: AsyncSession, module: ModuleView, at: datetime) -> None:
    for row in await campaigns.lapsed(session, module.id, at - module.calling.hold):
        await campaigns.keep(session, row, campaign.give_back(campaigns.entry_of(row), lapsed=True), at)


async def leave(store: Store, world: World, person: Person, entry_id: int, at: datetime) -> tuple[News, ...]:
    """He does not call it after all. Raises NotFoundError, ForbiddenError, EntryError."""
    async with store.write() as session:
        row, module = await _entry(session, world, person, entry_id)
        agent = caller_of(world, person, module, None)
        if row.agent_id != agent.id:
            raise EntryError("not_yours", "another agent has this entry")
        await campaigns.keep(session, row, campaign.give_back(campaigns.entry_of(row)), at)
    return (_news(module),)


async def _entry(
    session: AsyncSession, world: World, person: Person, entry_id: int
) -> tuple[CampaignEntryRow, ModuleView]:
    row = await campaigns.one(session, Sight(person.team_id), entry_id, lock=True)
    module = world.modules.get(row.module_id) if row else None
    if row is None or module is None or not _sees(person, module):
        message = f"there is no entry {entry_id}"
        raise NotFoundError(message)
    return row, module


def _news(module: ModuleView) -> News:
    return News(module.team_id, "campaigns", (module.id,), module.group_ids)


# --- what came of it ----------------------------------------------------------------------------------------------


async def say_result(
    store: Store,
    world: World,
    person: Person,
    entry_id: int,
    wish: Wish,
    at: datetime,
    agent_id: int | None = None,
    receipt: Receipt | None = None,
) -> Outcome:
    """An agent says what his call came to; the same again changes nothing, another word replaces it for a while.

    Raises NotFoundError, ForbiddenError, InvalidError (`read_choice`), EntryError: `not_yours`, `too_late`,
    `elsewhere`.
    """
    told: list[News] = []

    async def make() -> int:
        return await _say(session, world, person, entry_id, wish, at, agent_id, told)

    async with store.write() as session:
        id_, _ = await once(session, receipt, at, make)
        row, module = await _entry(session, world, person, id_)
        said = (await campaigns.results_of(session, [id_]))[id_]
    return Outcome(
        entry_id=id_,
        module_id=row.module_id,
        state=row.state,
        result=said[-1].result if said else "",
        order_id=said[-1].order_id if said else None,
        template_id=link_of(module, said[-1]) if said else None,
        news=tuple(told),
    )


async def _say(
    session: AsyncSession,
    world: World,
    person: Person,
    entry_id: int,
    wish: Wish,
    at: datetime,
    agent_id: int | None,
    told: list[News],
) -> int:
    row, module = await _entry(session, world, person, entry_id)
    agent = caller_of(world, person, module, agent_id)
    choice = read_choice(campaign.offered(module.results), wish, at)
    entry = campaigns.entry_of(row)
    said = (await campaigns.results_of(session, [row.id]))[row.id]
    before = said[-1] if said and campaign.is_change(entry) else None
    if before is not None and before.agent_id == agent.id and choice_of(before) == choice:
        return row.id
    after = campaign.say(entry, agent.id, choice, module.calling, at)
    if before is not None and not is_changeable(before.at, at, world.results_window):
        raise EntryError("too_late", "the time in which this result could be changed is over")
    await campaigns.keep(session, row, after, at)
    attempt = before.attempt if before else (said[-1].attempt if said else 0) + 1
    order_id = before.order_id if before else None
    if order_id is None:
        order_id = await _make_order(session, world, module, person, agent, row, choice, at, told)
    elif before is not None and before.result != choice.result:
        told += await _tell_order(session, world, person, order_id, before.result, choice.result, at)
    new = Said(len(said) + 1, attempt, agent.id, choice, order_id)
    await campaigns.note_result(session, row, new, person.actor, at)
    told.append(_news(module))
    return row.id


async def _make_order(
    session: AsyncSession,
    world: World,
    module: ModuleView,
    person: Person,
    agent: AgentView,
    row: CampaignEntryRow,
    choice: Choice,
    at: datetime,
    told: list[News],
) -> int | None:
    result = result_named(module, choice.result)
    if result is None or not makes_order(result):
        return None
    customer = await customers.customer(session, Sight(row.team_id), row.customer_id or 0)
    about = customer.name if customer else row.number
    origin = Origin(description=choice.note, module_id=module.id)
    made = await make_order(session, world, person, agent, result, about, row.customer_id, origin, at)
    told.append(news_of(made))
    return made.id


async def _tell_order(
    session: AsyncSession, world: World, person: Person, order_id: int, before: str, after: str, at: datetime
) -> Sequence[News]:
    order = await work_orders.lock(session, order_id)
    if order is None or order.status == Status.DONE:
        return ()
    changed = Note(what="result_changed", note=f"{before} → {after}")
    return await step(session, world, order, changed, By(person.actor, Role.PROGRAM), at)


def result_named(module: ModuleView, identity: str) -> Result | None:
    """The result of this identity that the campaign offers now."""
    return next((each for each in campaign.offered(module.results) if each.identity == identity), None)


def choice_of(row: CampaignResultRow) -> Choice:
    """What was said, as the core compares it."""
    if row.callback_at is None:
        return Choice(row.result, row.note, None, None)
    return Choice(row.result, row.note, row.callback_at, "anyone" if row.callback_for == "anyone" else "me")


def link_of(module: ModuleView, row: CampaignResultRow) -> int | None:
    """The template of the order that is to be made by a link; None: there is none, or it is made."""
    result = result_named(module, row.result)
    return result.template_id if result and not result.automatic and row.order_id is None else None


def may_say(module: ModuleView, row: CampaignEntryRow, agent: AgentView | None) -> bool:
    """Whether a result of this agent's is taken, as the entry stands; the window of changes apart."""
    entry = campaigns.entry_of(row)
    allowed = entry.state in campaign.TRANSITIONS[campaign.Deed.SAY]
    mine = agent is not None and entry.agent == agent.id and module.is_worked_by(agent)
    return allowed and mine and (not campaign.is_change(entry) or entry.attempts > 0)


def is_held(row: CampaignEntryRow, agent: AgentView | None) -> bool:
    """Whether this agent has it now."""
    return agent is not None and row.state == State.TAKEN and row.agent_id == agent.id
