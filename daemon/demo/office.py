"""The plain office of the demonstration: two queues, four agents, callers who come and go.

1000 and 1001 sit in support, 1002 and 1003 in sales; each pair has one who answers and one who never does.
"""

from __future__ import annotations

from typing import Final

from daemon.demo.desks import FOREVER, Caller, Desk

STAFF: Final = (
    ("support", 0, 4.0, 30.0),
    ("support", 1, FOREVER, 0.0),
    ("sales", 2, 4.0, 30.0),
    ("sales", 3, FOREVER, 0.0),
)
"""Queue, agent, seconds of ringing until he answers, seconds of talk."""


async def open_office(desk: Desk) -> None:
    """Everybody comes to work. Raises AsteriskError."""
    for queue, agent, ring, talk in STAFF:
        await desk.staff(queue, agent, ring=ring, talk=talk)


async def somebody_calls(desk: Desk, queue: str = "support", *, name: str = "", patience: float = FOREVER) -> Caller:
    """A caller who puts down the telephone after `patience` seconds; returns when he waits in the queue."""
    caller = await desk.call(desk.queue(queue), name=name, patience=patience)
    await caller.joined(desk.queue(queue))
    return caller
