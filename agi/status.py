"""`agi://host/status?pbx=main`: a caller types the number of his order and hears how it stands.

A serial such as #12-345 is typed as 12*345#. He hears of it when he calls from a number of the order's customer;
else he is asked for the PIN. Nobody learns by trying whether an order exists: an unknown order and a wrong PIN sound
the same, and a call has `TRIES` of them.

Sounds, to be recorded in each language under `workorderd/` (see docs/integrator.md): order-enter, order-pin,
order-unknown, order-new, order-pending, order-done, later.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from agi.dialogue import Dialogue

State = Literal["new", "pending", "done"]
Look = Callable[[str, str, tuple[int, int], str], Awaitable[State | Literal["unknown", "pin"]]]
"""By PBX, caller's number, (template, sequence) and PIN ("" where none was given yet)."""

TRIES: Final = 3
PAUSE: Final = 5.0  # seconds without a key that end what is typed
MOST_KEYS: Final = 16
SOUNDS: Final = "workorderd/"
_SERIAL: Final = re.compile(r"([0-9]{1,6})\*([0-9]{1,9})")


async def status(dialogue: Dialogue, look: Look) -> None:
    """Ask and tell until an order was told, he types nothing, or has tried too often."""
    pbx, number = dialogue.asked.query.get("pbx", ""), dialogue.asked.number
    for _ in range(TRIES):
        typed = await dialogue.ask_digits(f"{SOUNDS}order-enter", PAUSE, MOST_KEYS)
        if not typed:
            return
        found = _SERIAL.fullmatch(typed)
        state = "unknown"
        if found is not None:
            serial = (int(found[1]), int(found[2]))
            state = await look(pbx, number, serial, "")
            if state == "pin":
                pin = await dialogue.ask_digits(f"{SOUNDS}order-pin", PAUSE, MOST_KEYS)
                state = await look(pbx, number, serial, pin) if pin else "unknown"
        if state not in {"unknown", "pin"}:
            await dialogue.play(f"{SOUNDS}order-{state}")
            return
        await dialogue.play(f"{SOUNDS}order-unknown")
