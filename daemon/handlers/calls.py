"""What the board decided becomes rows: one batch of effects, one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from daemon.calls.call import Call
from daemon.calls.effects import CallerReached, CallJudged, CallKept, Effect
from daemon.handlers import notices
from daemon.handlers.live import News
from daemon.handlers.missed import add_missed_call, close_reached
from daemon.handlers.world import World
from daemon.handlers.wrap_up import begin_wrap_up
from daemon.orders.missed import decide
from daemon.orders.notices import Happening
from daemon.orders.number import read_number
from daemon.storage import calls
from daemon.storage.calls import Outcome, Placed
from daemon.storage.tables import CallRow, moment


async def apply_effects(session: AsyncSession, world: World, pbx: str, effects: Iterable[Effect]) -> tuple[News, ...]:
    """Write a batch, in order; a call that is kept several times is written once, as it stood last.

    Idempotent: the same effects again change nothing.
    """
    batch = tuple(effects)
    last = {effect.call.uniqueid: n for n, effect in enumerate(batch) if not isinstance(effect, CallerReached)}
    told: list[News] = []
    for n, effect in enumerate(batch):
        if isinstance(effect, CallerReached):
            told += await _reached(session, world, pbx, effect)
        elif isinstance(effect, CallJudged):
            told += await _judged(session, world, pbx, effect)
        elif last[effect.call.uniqueid] == n:
            told += await _kept(session, world, pbx, effect)
    return tuple(told)


async def _kept(session: AsyncSession, world: World, pbx: str, effect: CallKept) -> tuple[News, ...]:
    placed = place(world, pbx, effect.call)
    before = await _before(session, world, placed, effect.call)
    row = await calls.keep(session, effect.call, placed)
    await _tell_progress(session, world, row, effect.call, before)
    return _told(placed, row)


async def _judged(session: AsyncSession, world: World, pbx: str, effect: CallJudged) -> tuple[News, ...]:
    verdict, ended_at = effect.verdict, effect.call.ended_at or effect.call.began_at
    placed = place(world, pbx, effect.call, verdict.queue)
    queue = world.queue(pbx, verdict.queue)
    decision = decide(verdict, placed.number, ended_at, queue.policy if queue else None)
    outcome = Outcome(verdict.reason, decision.missed, decision.why, effect.revised)
    before = await _before(session, world, placed, effect.call)
    row, news = await calls.end(session, effect.call, placed, outcome)
    if not news:
        return ()
    await _tell_progress(session, world, row, effect.call, before)
    await notices.call_changed(session, world, row, Happening.CALL_ENDED, row.ended_at or row.began_at)
    await begin_wrap_up(session, world, row)
    told = _told(placed, row)
    if not decision.listed:
        return told
    return told + await add_missed_call(session, world, row, placed.number, decision)


def _told(placed: Placed, row: CallRow) -> tuple[News, ...]:
    """Its team, and on his popup the agent who talks or has talked with the caller."""
    if placed.team_id is None:
        return ()
    his = () if placed.agent_id is None else (News(placed.team_id, "popup", (row.id,), (), (placed.agent_id,)),)
    return (News(placed.team_id, "calls", (row.id,)), *his)


@dataclass(frozen=True, slots=True)
class _Before:
    """What had been told of a call."""

    known: bool
    answered: bool


async def _before(session: AsyncSession, world: World, placed: Placed, call: Call) -> _Before | None:
    """None: there is nobody to tell."""
    if not world.hooks:
        return None
    row = await calls.find(session, placed.pbx, call.uniqueid)
    return _Before(row is not None, row is not None and row.agent_id is not None)


async def _tell_progress(session: AsyncSession, world: World, row: CallRow, call: Call, before: _Before | None) -> None:
    """It entered, and was answered: also when both are learned at once, or at its end."""
    if before is not None and not before.known:
        await notices.call_changed(session, world, row, Happening.CALL_ENTERED, row.began_at)
    if before is not None and row.agent_id is not None and not before.answered:
        at = max((stint.answered_at or 0.0 for stint in call.stints), default=0.0)
        await notices.call_changed(session, world, row, Happening.CALL_ANSWERED, moment(at) if at else row.began_at)


async def _reached(session: AsyncSession, world: World, pbx: str, effect: CallerReached) -> tuple[News, ...]:
    team_id = world.team_of(pbx, effect.queue) if effect.how == "own_call" else None
    return await close_reached(session, world, pbx, effect, team_id)


def place(world: World, pbx: str, call: Call, queue: str | None = None) -> Placed:
    """Where a call belongs, by the queue that decides (default: the last that it was in)."""
    name = queue if queue is not None else (call.queues[-1] if call.queues else "")
    team_id = world.team_of(pbx, name)
    team = world.teams.get(team_id) if team_id is not None else None
    number = read_number(call.number, team.region if team else "ZZ", team.last_digits if team else 8)
    answered = next((stint for stint in reversed(call.stints) if stint.answered_at is not None), None)
    agent = world.agent_of_member(team_id, answered.interface, answered.member) if answered else None
    return Placed(pbx, team_id, number, name, agent.id if agent else None)
