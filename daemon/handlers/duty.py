"""Agents log in to queues and out of them, pause and resume: what each may, and what the PBX is asked for.

What the pages show afterwards is what Asterisk says; an answer waits a moment for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from daemon.calls.duty import Seat, Stand, pause_of, stand
from daemon.errors import ForbiddenError, NotFoundError, RefusedError
from daemon.handlers.dialling import device_of
from daemon.handlers.person import Person
from daemon.handlers.presence import Presence
from daemon.handlers.seats import Switch, seat_add, seat_pause, seat_remove
from daemon.handlers.world import AgentView, QueueView, World
from daemon.handlers.wrap_up import WrapUps

PATIENCE: Final = 2.0  # seconds for Asterisk to say that it did what it was asked for
TROUBLES: Final = {
    "no_phone": "there is no telephone that can be logged in",
    "no_seat": "he is logged in to no queue",
    "static": "the PBX's own configuration makes him a member; he can pause, but not log out",
    "no_reason": "there is no such reason to pause",
    "not_done": "the PBX does not do it",
}
"""Why nothing was done."""
Ask = tuple[str, Mapping[str, str]]

_DONE: Final = ("already there", "not there")


class NotDoneError(RefusedError):
    """Nothing was done, or not everywhere; `trouble` is one of TROUBLES, `detail` says what."""

    def __init__(self, trouble: str, detail: str = "") -> None:
        super().__init__(f"{TROUBLES[trouble]}: {detail}" if detail else TROUBLES[trouble])
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Chair:
    """A queue of a PBX, and his seat there; None: he may log in. `known`: whether the PBX says so now."""

    pbx: str
    queue: str
    label: str
    seat: Seat | None
    known: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agent stands. `reason` and `since`: of his pause. `until`: of his wrap-up. `silent`: PBXs out of sight."""

    agent: AgentView
    has_page: bool
    online: bool
    stand: Stand
    chairs: tuple[Chair, ...]
    reason: str
    since: datetime | None
    until: datetime | None
    silent: tuple[str, ...]

    @property
    def seated(self) -> bool:
        """Whether he is a member of any queue."""
        return any(chair.seat for chair in self.chairs)

    @property
    def paused(self) -> bool:
        """Whether any of his seats is."""
        return any(chair.seat and chair.seat.member.paused for chair in self.chairs)


class Duty:
    """What people ask of the queues."""

    def __init__(
        self,
        world: Callable[[], World],
        presence: Presence,
        switch: Switch,
        wrap_ups: WrapUps,
    ) -> None:
        self._world = world
        self._presence = presence
        self._switch = switch
        self._wrap_ups = wrap_ups

    def of(self, agent: AgentView) -> Standing:
        """How he stands now."""
        seats = self._presence.seats(agent.id)
        chairs = self._chairs(agent, seats)
        pause, until = pause_of(seats), self._wrap_ups.until(agent.id)
        return Standing(
            agent=agent,
            has_page=self._presence.has_page(agent.id),
            online=self._presence.online(agent.id),
            stand=stand(seats),
            chairs=chairs,
            reason=pause.reason if pause else "",
            since=datetime.fromtimestamp(pause.paused_at, UTC) if pause and pause.paused_at else None,
            until=until if any(seat.wraps_up for seat in seats) else None,
            silent=tuple(sorted({chair.pbx for chair in chairs if not chair.known})),
        )

    def may_manage(self, person: Person, agent: AgentView) -> bool:
        """Whether he may pause, resume and log out this agent: himself, one of his groups, or a system his team's."""
        if person.team_id != agent.team_id:
            return False
        mine = person.agent is not None and (person.agent.id == agent.id or bool(person.agent.leads & agent.groups))
        return mine or person.kind == "system"

    async def log_in(self, person: Person, agent_id: int | None, queue: str = "", pbx: str = "") -> Standing:
        """Become a member of a queue ("": of all that he may). Raises NotFoundError, ForbiddenError, NotDoneError."""
        agent = self._whom(person, agent_id)
        if person.kind != "system" and (person.agent is None or person.agent.id != agent.id):
            message = "an agent logs in himself; a group admin can pause him, resume him and log him out"
            raise ForbiddenError(message)
        places = self._open(agent, queue, pbx)
        device = device_of(agent)
        if device is None:
            raise NotDoneError("no_phone")
        async with self._switch.lock(agent.id):
            seats = self._presence.seats(agent.id)
            taken = {(seat.pbx, seat.member.queue.casefold()) for seat in seats}
            wanted = [(name, view) for name, view in places if (name, view.name.casefold()) not in taken]
            await self._all([ask for pbx, view in wanted for ask in _entering(agent, device, pbx, view, seats)])
            keys = {(name, view.name.casefold()) for name, view in places}
            await self._settle(agent, lambda now: keys <= {(s.pbx, s.member.queue.casefold()) for s in now})
        return self.of(agent)

    async def log_out(self, person: Person, agent_id: int | None, queue: str = "", pbx: str = "") -> Standing:
        """Leave a queue ("": all). Raises NotFoundError, ForbiddenError, NotDoneError."""
        agent = self._whom(person, agent_id)
        async with self._switch.lock(agent.id):
            seats = [seat for seat in self._seats(agent) if _meant(seat.pbx, seat.member.queue, queue, pbx)]
            going = [seat for seat in seats if seat.member.dynamic]
            if not going:
                raise NotDoneError("static" if seats else "no_seat")
            await self._all([(seat.pbx, seat_remove(seat)) for seat in going])
            left = {seat.place for seat in going}
            await self._settle(agent, lambda now: left.isdisjoint(seat.place for seat in now))
        return self.of(agent)

    async def pause(self, person: Person, agent_id: int | None, reason: str) -> Standing:
        """Take no calls, in all queues. Raises NotFoundError, ForbiddenError, NotDoneError."""
        agent = self._whom(person, agent_id)
        if reason not in {each.identity for each in self._world().pause_reasons}:
            raise NotDoneError("no_reason")
        async with self._switch.lock(agent.id):
            seats = self._seats(agent)
            await self._all([(seat.pbx, seat_pause(seat, reason)) for seat in seats])
            await self._settle(agent, lambda now: all(s.member.paused and s.member.reason == reason for s in now))
        return self.of(agent)

    async def resume(self, person: Person, agent_id: int | None) -> Standing:
        """Take calls again, in all queues; it ends a wrap-up too. Raises as pause."""
        agent = self._whom(person, agent_id)
        await self._wrap_ups.end(agent.id)
        async with self._switch.lock(agent.id):
            paused = [seat for seat in self._seats(agent) if seat.member.paused]
            await self._all([(seat.pbx, seat_pause(seat, None)) for seat in paused])
            await self._settle(agent, lambda now: not any(seat.member.paused for seat in now))
        return self.of(agent)

    # --- whom, and where ----------------------------------------------------------------------------------------------

    def _whom(self, person: Person, agent_id: int | None) -> AgentView:
        agent = person.agent if agent_id is None else self._world().agents.get(agent_id)
        if agent is None and agent_id is None:
            message = "only agents are members of queues; name the agent who is meant"
            raise ForbiddenError(message)
        if agent is None or person.team_id not in {None, agent.team_id}:
            message = f"there is no agent {agent_id}"
            raise NotFoundError(message)
        if not self.may_manage(person, agent):
            message = "only he himself, an admin of one of his groups, or a system may do this"
            raise ForbiddenError(message)
        return agent

    def _open(self, agent: AgentView, queue: str, pbx: str) -> Sequence[tuple[str, QueueView]]:
        found = [(name, view) for name, view in self._world().open_queues(agent) if _meant(name, view.name, queue, pbx)]
        if not found:
            message = "there is no such queue to log in to"
            raise NotFoundError(message)
        return found

    def _seats(self, agent: AgentView) -> tuple[Seat, ...]:
        """Raises NotDoneError: he has none, or nobody can say."""
        seats = self._presence.seats(agent.id)
        if not seats:
            silent = self.of(agent).silent
            raise NotDoneError("not_done", f"no link to {', '.join(silent)}") if silent else NotDoneError("no_seat")
        return seats

    def _chairs(self, agent: AgentView, seats: Sequence[Seat]) -> tuple[Chair, ...]:
        world = self._world()
        by_place = {(seat.pbx, seat.member.queue.casefold()): seat for seat in seats}
        chairs = [
            Chair(
                pbx, view.name, view.label, by_place.pop((pbx, view.name.casefold()), None), self._presence.knows(pbx)
            )
            for pbx, view in world.open_queues(agent)
        ]
        for (pbx, _), seat in by_place.items():
            known = world.queue(pbx, seat.member.queue)
            label = known.label if known else seat.member.queue
            chairs.append(Chair(pbx, seat.member.queue, label, seat, known=True))
        return tuple(chairs)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _all(self, asks: Sequence[Ask]) -> None:
        """Each is tried, whatever becomes of the others. Raises NotDoneError for the first that was refused."""
        refused: list[str] = []
        for pbx, action in asks:
            try:
                await self._switch.ask(pbx, action)
            except RefusedError as problem:
                if not any(done in str(problem).casefold() for done in _DONE):
                    refused.append(str(problem))
        if refused:
            raise NotDoneError("not_done", refused[0])

    async def _settle(self, agent: AgentView, holds: Callable[[tuple[Seat, ...]], bool]) -> None:
        await self._presence.until(lambda: holds(self._presence.seats(agent.id)), PATIENCE)


def _entering(agent: AgentView, device: str, pbx: str, view: QueueView, seats: Sequence[Seat]) -> tuple[Ask, ...]:
    """Who is paused there in all other queues is paused in this one too."""
    pause = pause_of(seat for seat in seats if seat.pbx == pbx)
    entry = (pbx, seat_add(agent, device, view.name, view.penalty, paused=pause is not None))
    if pause is None or not pause.reason:
        return (entry,)
    there = Seat(pbx, pause._replace(queue=view.name, interface=device))
    return entry, (pbx, seat_pause(there, pause.reason))


def _meant(pbx: str, name: str, queue: str, wanted_pbx: str) -> bool:
    return (not queue or name.casefold() == queue.casefold()) and wanted_pbx in {"", pbx}
