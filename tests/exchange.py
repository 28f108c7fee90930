"""The other end of the line to a PBX: it keeps what it was asked for, or refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from daemon.calls.members import Member
from daemon.errors import RefusedError
from daemon.handlers.dialling import Trunk
from daemon.handlers.presence import Presence
from daemon.orders.dialling import DialRules

PAUSED_AT: Final = 1_793_534_400.0
TRUNK = Trunk("main", "acme", "outside", DialRules(allow=("+49*",), deny=("+49900*",)), "+4930123", 20)


@dataclass
class Exchange:
    asked: list[Mapping[str, str]] = field(default_factory=list)
    refusal: str = ""

    async def place(self, action: Mapping[str, str]) -> None:
        if self.refusal:
            raise RefusedError(self.refusal)
        self.asked.append(action)


@dataclass
class Queues:
    """A PBX that does with its queues what it is asked for, and tells whoever is present; or refuses."""

    presence: Presence
    pbx: str = "main"
    asked: list[Mapping[str, str]] = field(default_factory=list)
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    refusal: str = ""

    async def place(self, action: Mapping[str, str]) -> None:
        if self.refusal:
            raise RefusedError(self.refusal)
        self.asked.append(action)
        queue, interface = action["Queue"], action["Interface"]
        before, paused = self.members.get((queue, interface)), action.get("Paused") == "true"
        if action["Action"] == "QueueRemove":
            del self.members[queue, interface]
        elif action["Action"] == "QueueAdd":
            if before is not None:
                message = "the PBX refuses it: Unable to add interface: Already there"
                raise RefusedError(message)
            name = action.get("MemberName", interface)
            self.members[queue, interface] = Member(queue, interface, name, paused=paused, dynamic=True)
        elif before is not None:
            reason = action.get("Reason", "") if paused else ""
            self.members[queue, interface] = before._replace(
                paused=paused, reason=reason, paused_at=PAUSED_AT if paused else 0.0
            )
        self.tell()

    def seat(self, interface: str, queue: str = "support", **more: Any) -> None:
        """Somebody else than we made him a member, or changed his membership."""
        self.members[queue, interface] = Member(queue, interface, interface, **more)
        self.tell()

    def tell(self) -> None:
        """What is so now."""
        self.presence.members(self.pbx, frozenset(self.members.values()))

    def fall_silent(self) -> None:
        """The link is lost."""
        self.refusal = "the PBX can't be asked: no link"
        self.presence.members(self.pbx, None)
