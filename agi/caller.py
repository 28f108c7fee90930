"""`agi://host/caller?pbx=main&queue=support`: who calls, before he waits. The dialplan gets, where they are known,

    CALLERID(name)         the customer's name
    CHANNEL(language)      his language
    WORKORDERD_CUSTOMER    the customer's id
    WORKORDERD_ORDERS      his open orders' serials, newest first, separated by commas
    WORKORDERD_AGENT       the interface of the agent who spoke with him last, such as PJSIP/1001
    WORKORDERD_STATUS      known, unknown, or unavailable when we could not look in time

The call never waits for us longer than `PATIENCE`: it goes on without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from agi.dialogue import Dialogue

PATIENCE: Final = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a caller; "" where it is not."""

    customer_id: int | None = None
    name: str = ""
    language: str = ""
    orders: tuple[str, ...] = ()
    agent: str = ""


Find = Callable[[str, str, str], Awaitable[Known]]
"""By PBX, queue ("" where the dialplan names none) and number; may raise anything: the call goes on."""


async def caller(dialogue: Dialogue, find: Find) -> None:
    """Look, and tell the dialplan."""
    asked = dialogue.asked
    try:
        async with asyncio.timeout(PATIENCE):
            known = await find(asked.query.get("pbx", ""), asked.query.get("queue", ""), asked.number)
    except Exception:
        await dialogue.set("WORKORDERD_STATUS", "unavailable")
        raise
    told = {
        "CALLERID(name)": known.name,
        "CHANNEL(language)": known.language,
        "WORKORDERD_CUSTOMER": str(known.customer_id or ""),
        "WORKORDERD_ORDERS": ",".join(known.orders),
        "WORKORDERD_AGENT": known.agent,
    }
    for variable, value in told.items():
        if value:
            await dialogue.set(variable, _printable(value))
    await dialogue.set("WORKORDERD_STATUS", "known" if any(told.values()) else "unknown")


def _printable(value: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in value)
