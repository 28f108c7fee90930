"""Who is online: an agent with a live page open, or a queue member who is logged in and can be reached.

What is told here of queues is what Asterisk said last, never what it was asked for.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from contextlib import contextmanager, suppress

from daemon.calls.duty import Seat
from daemon.calls.members import Member
from daemon.handlers.live import News, Tell
from daemon.handlers.world import AgentView, World

Seats = Mapping[int, tuple[Seat, ...]]


class Presence:
    """What this process knows of who is online; `came` is called when an agent comes online."""

    def __init__(self, world: Callable[[], World], tell: Tell) -> None:
        self.came: Callable[[], None] = lambda: None
        self._world = world
        self._tell = tell
        self._pages: Counter[int] = Counter()
        self._members: dict[str, Set[Member]] = {}
        self._found: tuple[World, dict[tuple[str, str, str, str], int | None]] | None = None
        self._seated: dict[str, Seats] = {}
        self._changed = asyncio.Event()

    def online(self, agent_id: int) -> bool:
        """Whether orders can be given to this agent now."""
        return self._pages[agent_id] > 0 or any(seat.member.reachable for seat in self.seats(agent_id))

    def has_page(self, agent_id: int) -> bool:
        """Whether a live page of his is open."""
        return self._pages[agent_id] > 0

    def seats(self, agent_id: int) -> tuple[Seat, ...]:
        """His memberships of queues, by PBX and queue."""
        return tuple(seat for pbx in sorted(self._members) for seat in self._of(pbx).get(agent_id, ()))

    def seated(self) -> Mapping[int, tuple[Seat, ...]]:
        """All agents who are members of queues."""
        found = {agent for pbx in self._members for agent in self._of(pbx)}
        return {agent: self.seats(agent) for agent in found}

    def knows(self, pbx: str) -> bool:
        """Whether the PBX has told who is a member of its queues, and the link to it holds."""
        return pbx in self._members

    @contextmanager
    def page(self, agent_id: int) -> Iterator[None]:
        """A live page of this agent is open until the block is left."""
        before = self.online(agent_id)
        self._pages[agent_id] += 1
        if self._pages[agent_id] == 1:
            self._announce({agent_id})
        if not before:
            self.came()
        try:
            yield
        finally:
            self._pages[agent_id] -= 1
            if not self._pages[agent_id]:
                del self._pages[agent_id]
                self._announce({agent_id})

    def members(self, pbx: str, members: Set[Member] | None) -> None:
        """The members of a PBX's queues; None while nobody can say."""
        before = self._of(pbx) if pbx in self._members else {}
        online = {id_ for id_ in before if self.online(id_)}
        known = self.knows(pbx)
        self._seated.pop(pbx, None)
        if members is None:
            self._members.pop(pbx, None)
        else:
            self._members[pbx] = members
        after = self._of(pbx) if members is not None else {}
        everybody = self._world().agents.keys() if known != self.knows(pbx) else before.keys() | after.keys()
        self._announce({id_ for id_ in everybody if known != self.knows(pbx) or before.get(id_) != after.get(id_)})
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if any(id_ not in online and any(seat.member.reachable for seat in seats) for id_, seats in after.items()):
            self.came()

    async def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait until members are so, but not longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds():
                    await self._changed.wait()

    def _announce(self, agent_ids: Collection[int]) -> None:
        """To themselves, and to the pages that show them."""
        teams: dict[int, list[AgentView]] = defaultdict(list)
        for id_ in sorted(agent_ids):
            agent = self._world().agents.get(id_)
            if agent is not None:
                teams[agent.team_id].append(agent)
        for team_id, agents in teams.items():
            ids = tuple(agent.id for agent in agents)
            groups = tuple(sorted({group for agent in agents for group in agent.groups}))
            self._tell(News(team_id, "presence", ids, (), ids))
            self._tell(News(team_id, "agents", ids, groups, ids))

    def _of(self, pbx: str) -> Seats:
        """The agents among a PBX's members, looked up once per configuration."""
        world = self._world()
        if self._found is None or self._found[0] is not world:
            self._found = (world, {})
            self._seated.clear()
        if pbx not in self._seated:
            seats: dict[int, list[Seat]] = defaultdict(list)
            for member in sorted(self._members.get(pbx, ())):
                id_ = self._agent(pbx, member)
                if id_ is not None:
                    seats[id_].append(Seat(pbx, member))
            self._seated[pbx] = {id_: tuple(found) for id_, found in seats.items()}
        return self._seated[pbx]

    def _agent(self, pbx: str, member: Member) -> int | None:
        assert self._found is not None
        world, known = self._found
        key = (pbx, member.queue, member.interface, member.member)
        if key not in known:
            agent = world.agent_of_member(world.team_of(pbx, member.queue), member.interface, member.member)
            known[key] = agent.id if agent else None
        return known[key]
