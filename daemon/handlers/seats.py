"""How Asterisk is asked to change a member of a queue: one at a time for each agent, sent now or refused now.

Source of the actions: apps/app_queue.c, manager_add_queue_member, manager_remove_queue_member,
manager_pause_queue_member; they need the manager's write class agent.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from daemon.calls.duty import Seat
from daemon.errors import RefusedError
from daemon.handlers.dialling import Line
from daemon.handlers.world import AgentView

_HOLDING: Final = frozenset("|;")  # what Asterisk's AstDB keeps members apart with


class Switch:
    """The ways to all PBXs."""

    def __init__(self, lines: Mapping[str, Line]) -> None:
        self._lines = lines
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, agent_id: int) -> asyncio.Lock:
        """Who holds it asks for this agent; what he has seen of his seats stays true meanwhile, as far as we act."""
        return self._locks[agent_id]

    async def ask(self, pbx: str, action: Mapping[str, str]) -> None:
        """Have it done. Raises RefusedError, with why it was not."""
        line = self._lines.get(pbx)
        if line is None:
            message = f"no PBX is called {pbx}"
            raise RefusedError(message)
        await line.place(action)


def seat_pause(seat: Seat, reason: str | None) -> Mapping[str, str]:
    """Pause this membership for a reason; None: resume it."""
    wish = {"Paused": "false"} if reason is None else {"Paused": "true", "Reason": reason}
    member = seat.member
    return {"Action": "QueuePause", "Queue": member.queue, "Interface": member.interface, **wish}


def seat_add(agent: AgentView, device: str, queue: str, penalty: int, *, paused: bool) -> Mapping[str, str]:
    """Make him a member; under his configured name, else Asterisk names him by his device."""
    named = next((name for name in agent.member_names if not _HOLDING & set(name)), None)
    return {
        "Action": "QueueAdd",
        "Queue": queue,
        "Interface": device,
        "Penalty": str(penalty),
        "Paused": "true" if paused else "false",
        **({"MemberName": named} if named else {}),
    }


def seat_remove(seat: Seat) -> Mapping[str, str]:
    """End this membership."""
    return {"Action": "QueueRemove", "Queue": seat.member.queue, "Interface": seat.member.interface}
