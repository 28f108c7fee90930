"""The menu of results on an agent's telephone: which call he means, and what he can choose by a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from daemon.errors import WorkorderdError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.results import choose_result, module_of
from daemon.handlers.world import AgentView, World
from daemon.orders.results import Result
from daemon.storage import calls
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow

LATELY: Final = timedelta(hours=12)  # in which a call is the agent's last one


@dataclass(frozen=True, slots=True)
class Offer:
    """A call, the agent who asks, and the results of its module that need no note."""

    call_id: int
    agent: AgentView
    results: tuple[Result, ...]


async def offer_of(store: Store, world: World, pbx: str, uniqueid: str, number: str, at: datetime) -> Offer | None:
    """The menu for who calls from an agent's number: of the call of this uniqueid, else of the last that he answered.

    None where no agent of the PBX's team has the number, he had no such call, or it has no results.
    """
    team_id = world.pbx_teams.get(pbx)
    agent = next((each for each in world.agents.values() if each.number == number and each.team_id == team_id), None)
    if agent is None:
        return None
    async with store.read() as session:
        if uniqueid:
            call = await calls.find(session, pbx, uniqueid)
        else:
            his = select(CallRow).where(CallRow.agent_id == agent.id, CallRow.began_at > at - LATELY)
            call = await session.scalar(his.order_by(CallRow.began_at.desc()).limit(1))
    module = module_of(world, call) if call is not None else None
    if call is None or call.team_id != agent.team_id or module is None:
        return None
    return Offer(call.id, agent, tuple(each for each in module.results if each.note != "required"))


async def choose(
    store: Store, world: World, offer: Offer, identity: str, callback_at: datetime | None, at: datetime
) -> tuple[News, ...] | None:
    """Note his choice; None where it is refused."""
    agent = offer.agent
    person = Person("agent", agent.username, agent.name, agent.team_id, agent)
    whose = "me" if callback_at is not None else None
    try:
        chosen = await choose_result(store, world, person, offer.call_id, identity, "", callback_at, whose, at)
    except WorkorderdError:
        return None
    return chosen.news
