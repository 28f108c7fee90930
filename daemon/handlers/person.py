"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.handlers.world import AgentView
from daemon.orders.history import Actor


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in. A system admin has no team and sees all, but changes nothing."""

    kind: Literal["agent", "team_admin", "system_admin"]
    username: str
    name: str
    team_id: int | None
    agent: AgentView | None = None

    @property
    def actor(self) -> Actor:
        """As the history names him."""
        return Actor("agent", self.name, self.agent.id if self.agent else None)
