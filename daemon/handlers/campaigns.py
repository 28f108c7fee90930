"""Campaigns: an agent takes the next number to call; what came of it he says in `campaign_results.py`.

Nobody gets what another has: a number is given out in the transaction that marks it as taken. Who looks at a campaign
works in its groups, or sees the whole team; to others there is no such campaign.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.world import AgentView, ModuleView, World
from daemon.orders import campaign
from daemon.orders.campaign import EntryError, State
from daemon.storage import campaigns
from daemon.storage.engine import Store
from daemon.storage.tables import CampaignEntryRow
from daemon.storage.visibility import Sight

# --- who may ------------------------------------------------------------------------------------------------------


def campaigns_of(world: World, person: Person) -> tuple[ModuleView, ...]:
    """The campaigns that he sees: those of his groups, or an admin all of the team, by label."""
    seen = [each for each in world.modules.values() if _sees(person, each)]
    return tuple(sorted(seen, key=lambda each: (each.team_id, each.label.casefold(), each.id)))


def has_campaigns(world: World, person: Person) -> bool:
    """Whether he sees any."""
    return any(_sees(person, each) for each in world.modules.values())


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
        news = [news_of_campaign(module)]
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
        row, module = await entry_seen(session, world, person, entry_id)
        agent = caller_of(world, person, module, None)
        if row.agent_id != agent.id:
            raise EntryError("not_yours", "another agent has this entry")
        await campaigns.keep(session, row, campaign.give_back(campaigns.entry_of(row)), at)
    return (news_of_campaign(module),)


async def entry_seen(
    session: AsyncSession, world: World, person: Person, entry_id: int
) -> tuple[CampaignEntryRow, ModuleView]:
    """An entry of a campaign that he sees, locked. Raises NotFoundError."""
    row = await campaigns.one(session, Sight(person.team_id), entry_id, lock=True)
    module = world.modules.get(row.module_id) if row else None
    if row is None or module is None or not _sees(person, module):
        message = f"there is no entry {entry_id}"
        raise NotFoundError(message)
    return row, module


def news_of_campaign(module: ModuleView) -> News:
    """Its list is another one: all who work in it hear of that."""
    return News(module.team_id, "campaigns", (module.id,), module.group_ids)


def is_held(row: CampaignEntryRow, agent: AgentView | None) -> bool:
    """Whether this agent has it now."""
    return agent is not None and row.state == State.TAKEN and row.agent_id == agent.id
