"""The other end of the line to a PBX: it keeps what it was asked for, or refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.errors import RefusedError
from daemon.handlers.dialling import Trunk
from daemon.orders.dialling import DialRules

TRUNK = Trunk("main", "acme", "outside", DialRules(allow=("+49*",), deny=("+49900*",)), "+4930123", 20)


@dataclass
class Exchange:
    asked: list[Mapping[str, str]] = field(default_factory=list)
    refusal: str = ""

    async def place(self, action: Mapping[str, str]) -> None:
        if self.refusal:
            raise RefusedError(self.refusal)
        self.asked.append(action)
