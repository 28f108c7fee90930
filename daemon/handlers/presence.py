"""Who is online: an agent with a live page open, or a queue member who is logged in and can be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager

from daemon.calls.members import Member
from daemon.handlers.world import World


class Presence:
    """What this process knows of who is online; `came` is called when an agent comes online."""

    def __init__(self, world: Callable[[], World]) -> None:
        self.came: Callable[[], None] = lambda: None
        self._world = world
        self._pages: Counter[int] = Counter()
        self._members: dict[str, Set[Member]] = {}
        self._found: tuple[World, dict[tuple[str, Member], int | None]] | None = None
        self._reachable: dict[str, Set[int]] = {}

    def online(self, agent_id: int) -> bool:
        """Whether orders can be given to this agent now."""
        return self._pages[agent_id] > 0 or any(agent_id in self._agents(pbx) for pbx in self._members)

    @contextmanager
    def page(self, agent_id: int) -> Iterator[None]:
        """A live page of this agent is open until the block is left."""
        before = self.online(agent_id)
        self._pages[agent_id] += 1
        if not before:
            self.came()
        try:
            yield
        finally:
            self._pages[agent_id] -= 1
            if not self._pages[agent_id]:
                del self._pages[agent_id]

    def members(self, pbx: str, reachable: Set[Member]) -> None:
        """Those members of a PBX's queues who can be reached now; none while nobody can say."""
        before = {id_ for id_ in self._agents(pbx) if self.online(id_)} if pbx in self._members else set()
        self._members[pbx] = reachable
        self._reachable.pop(pbx, None)
        if self._agents(pbx) - before:
            self.came()

    def _agents(self, pbx: str) -> Set[int]:
        """The agents among a PBX's members, looked up once per configuration."""
        world = self._world()
        if self._found is None or self._found[0] is not world:
            self._found = (world, {})
            self._reachable.clear()
        if pbx not in self._reachable:
            found = (self._agent(pbx, member) for member in self._members.get(pbx, ()))
            self._reachable[pbx] = {id_ for id_ in found if id_ is not None}
        return self._reachable[pbx]

    def _agent(self, pbx: str, member: Member) -> int | None:
        assert self._found is not None
        world, known = self._found
        if (pbx, member) not in known:
            agent = world.agent_of_member(world.team_of(pbx, member.queue), member.interface, member.member)
            known[pbx, member] = agent.id if agent else None
        return known[pbx, member]
