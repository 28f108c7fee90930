"""How the process is: what `/readyz` and the status page tell. `app` makes it, these pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LinkState = Literal["up", "connecting", "down"]


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a PBX was out of sight; `ended_at` None: it still is. `explained`: queue_log filled it."""

    began_at: datetime
    ended_at: datetime | None
    explained: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The link to one PBX. `missing`: what Asterisk or its dialplan does not tell us, one sentence each."""

    pbx: str
    state: LinkState
    since: datetime | None = None
    asterisk: str = ""
    detail: str = ""
    missing: tuple[str, ...] = ()
    last_gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole process. `troubles`: further reasons why it should not get traffic, one sentence each."""

    links: tuple[LinkStatus, ...] = ()
    started_at: datetime | None = None
    version: str = ""
    troubles: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the process is not ready; empty when it is."""
        down = (
            f"PBX {link.pbx} is {link.state}" + (f": {link.detail}" if link.detail else "")
            for link in self.links
            if link.state != "up"
        )
        return (*self.troubles, *down)
