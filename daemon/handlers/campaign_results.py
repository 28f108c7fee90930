"""What a campaign's call came to: the same rules as for calls of queues (orders/results.py), the same orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.handlers import customers as customer_cases
from daemon.handlers.campaigns import caller_of, entry_seen, news_of_campaign
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.result_orders import make_order, makes_order
from daemon.handlers.work_orders import news_of, step
from daemon.handlers.world import AgentView, ModuleView, World
from daemon.orders import campaign
from daemon.orders.campaign import EntryError
from daemon.orders.commands import Note
from daemon.orders.customer import Draft
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
        row, module = await entry_seen(session, world, person, id_)
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
    row, module = await entry_seen(session, world, person, entry_id)
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
    told.append(news_of_campaign(module))
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


async def name_customer(
    store: Store, world: World, person: Person, entry_id: int, name: str, at: datetime
) -> tuple[News, ...]:
    """A new customer with the entry's number. Raises NotFoundError, ForbiddenError, InvalidError."""
    async with store.write() as session:
        row, module = await entry_seen(session, world, person, entry_id)
        caller_of(world, person, module, None)
        if row.customer_id is not None:
            return ()
    draft = Draft(name=name, kind=module.customers, numbers=(row.number,))
    customer_id, _ = await customer_cases.create(store, world, person, draft, at)
    async with store.write() as session:
        row, module = await entry_seen(session, world, person, entry_id)
        row.customer_id = row.customer_id or customer_id
    return (news_of_campaign(module),)
