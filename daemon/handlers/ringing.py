"""Whose telephone rings: agents by what their PBXs tell, for the popup. Only now: it is stored nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from daemon.calls.ringing import Change, Rung
from daemon.handlers.live import News, Tell
from daemon.handlers.world import World
from daemon.storage.tables import moment


@dataclass(frozen=True, slots=True)
class Ring:
    """A call that rings at an agent's telephone. `uniqueid` is the caller's; number and name are as he sent them."""

    agent_id: int
    team_id: int
    pbx: str
    uniqueid: str
    queue: str
    number: str
    name: str
    since: datetime


class Ringing:
    """What rings at the agents of all PBXs that this process hears."""

    def __init__(self, world: Callable[[], World], tell: Tell) -> None:
        self._world = world
        self._tell = tell
        self._rings: dict[int, dict[tuple[str, Rung], Ring]] = {}
        self._agents: dict[tuple[str, Rung], int] = {}

    def of(self, agent_id: int) -> tuple[Ring, ...]:
        """What rings at an agent's telephones, the oldest first; a caller once, on however many of them."""
        rings = sorted(self._rings.get(agent_id, {}).values(), key=lambda ring: ring.since)
        return tuple({(ring.pbx, ring.uniqueid): ring for ring in reversed(rings)}.values())[::-1]

    def change(self, pbx: str, change: Change) -> None:
        """Take what a PBX told, and tell those at whom something changed."""
        told: set[tuple[int, int]] = set()
        for rung in change.ended:
            agent_id = self._agents.pop((pbx, rung), None)
            if agent_id is not None:
                ring = self._rings[agent_id].pop((pbx, rung))
                told.add((ring.team_id, agent_id))
                if not self._rings[agent_id]:
                    del self._rings[agent_id]
        for rung in change.began:
            found = self._ring(pbx, rung)
            if found is not None:
                self._agents[pbx, rung] = found.agent_id
                self._rings.setdefault(found.agent_id, {})[pbx, rung] = found
                told.add((found.team_id, found.agent_id))
        for team_id in sorted({team for team, _ in told}):
            self._tell(
                News(team_id, "popup", agent_ids=tuple(sorted(agent for team, agent in told if team == team_id)))
            )

    def _ring(self, pbx: str, rung: Rung) -> Ring | None:
        """None where the member is no agent of the configuration."""
        world = self._world()
        agent = world.agent_of_member(world.team_of(pbx, rung.queue), rung.interface, rung.member)
        if agent is None:
            return None
        since = moment(rung.at)
        return Ring(agent.id, agent.team_id, pbx, rung.uniqueid, rung.queue, rung.number, rung.name, since)
