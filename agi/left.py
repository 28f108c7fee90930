"""`agi://host/left?pbx=main&queue=support`: the caller came back from Queue(); QUEUESTATUS tells why.

For a PBX whose manager cannot send VarSet: refused callers, time-outs and empty queues are not to be seen otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from agi.dialogue import BadRequest, Dialogue

STATUSES: Final = frozenset(
    {"TIMEOUT", "FULL", "JOINEMPTY", "LEAVEEMPTY", "JOINUNAVAIL", "LEAVEUNAVAIL", "UNKNOWN", "WITHDRAW"}
)
LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class Left:
    """A caller who left a queue, or was refused by it; `status` is one of STATUSES."""

    pbx: str
    uniqueid: str
    queue: str
    status: str
    number: str
    name: str
    extension: str


async def left(dialogue: Dialogue, tell: Callable[[Left], Awaitable[None]]) -> None:
    """Hand on what Queue() left behind; nothing where it left nothing (an answered call that went on)."""
    asked = dialogue.asked
    pbx, queue = asked.query.get("pbx", ""), asked.query.get("queue", "")
    if not pbx or not queue.isprintable() or not 0 < len(queue) <= LONGEST or not 0 < len(asked.uniqueid) <= LONGEST:
        raise BadRequest("left needs ?pbx=NAME&queue=NAME")
    status = await dialogue.get("QUEUESTATUS")
    if status in STATUSES:
        extension = asked.variables.get("agi_extension", "")
        await tell(Left(pbx, asked.uniqueid, queue, status, asked.number, asked.name, extension))
