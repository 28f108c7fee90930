"""Results of calls that a PBX reports: the AMI event UserEvent `CallResult`, sent by its dialplan or another program.

Everything in it is hostile: a call that is not there, an agent of another team, a result that no module has. It is
refused by the same rules as on the popup, counted, and logged once for each PBX and reason; the same again changes
nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from daemon.calls.events import ResultReported
from daemon.errors import NotFoundError, WorkorderdError
from daemon.handlers.live import Tell
from daemon.handlers.person import Person
from daemon.handlers.results import choose_result
from daemon.handlers.world import AgentView, World
from daemon.storage import calls
from daemon.storage.engine import Store

REFUSED: Final = "reported_result_refused"
NOT_WRITTEN: Final = "reported_result_not_written"
MOST_WAITING: Final = 10_000

log = structlog.get_logger()


class Reports:
    """What PBXs report, in order. `refused` counts by PBX and kind of error."""

    def __init__(self, store: Store, world: Callable[[], World], tell: Tell, clock: Callable[[], datetime]) -> None:
        self.refused: Counter[tuple[str, str]] = Counter()
        self._store = store
        self._world = world
        self._tell = tell
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[str, ResultReported]] = asyncio.Queue(MOST_WAITING)

    def hear(self, pbx: str, event: ResultReported) -> None:
        """A report; its call is in the database, if it ever was."""
        try:
            self._waiting.put_nowait((pbx, event))
        except asyncio.QueueFull:
            self._refuse(pbx, event, "Overflow", "too many reports at once")

    async def run(self) -> None:
        """Take reports until cancelled."""
        while True:
            pbx, event = await self._waiting.get()
            try:
                await self._take(pbx, event)
            except WorkorderdError as problem:
                self._refuse(pbx, event, type(problem).__name__, str(problem))
            except SQLAlchemyError as problem:
                log.error(NOT_WRITTEN, pbx=pbx, uniqueid=event.uniqueid, problem=str(problem))

    async def _take(self, pbx: str, event: ResultReported) -> None:
        world = self._world()
        async with self._store.read() as session:
            call = await calls.find(session, pbx, event.uniqueid)
        agent = _agent(world, event.agent, call.team_id) if call is not None else None
        if call is None or agent is None:
            message = "there is no such call" if call is None else "the call's team has no such agent"
            raise NotFoundError(message)
        person = Person("agent", agent.username, agent.name, agent.team_id, agent)
        chosen = await choose_result(
            self._store, world, person, call.id, event.result, event.note, None, None, self._clock()
        )
        for news in chosen.news:
            self._tell(news)

    def _refuse(self, pbx: str, event: ResultReported, kind: str, problem: str) -> None:
        if not self.refused[pbx, kind]:
            log.warning(REFUSED, pbx=pbx, uniqueid=event.uniqueid, agent=event.agent, problem=problem)
        self.refused[pbx, kind] += 1


def _agent(world: World, number: str, team_id: int | None) -> AgentView | None:
    """By the agent's number, else by the name with which he logs in."""
    mates = [agent for agent in world.agents.values() if agent.team_id == team_id]
    return next((agent for agent in mates if number and number in {agent.number, agent.username}), None)
