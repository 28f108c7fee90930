"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.handlers.world import AgentView
from daemon.orders.history import Actor


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, logged in or by a token.

    A system admin has no team and sees all, but changes nothing. A `system` is a program that shows a token: it sees
    everything of its team.
    """

    kind: Literal["agent", "team_admin", "system_admin", "system"]
    username: str
    name: str
    team_id: int | None
    agent: AgentView | None = None

    @property
    def actor(self) -> Actor:
        """As the history names him."""
        if self.kind == "system":
            return Actor("system", self.name)
        return Actor("agent", self.name, self.agent.id if self.agent else None)
