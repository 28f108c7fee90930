"""`agi://host/result?pbx=main`: the agent tells by a key what a call came to, on his telephone.

Which call: the channel's variable WORKORDERD_CALL (its Uniqueid) where the dialplan set it; else the last one of the
agent who calls, by his number. He hears `workorderd/result-menu`, then for each result `workorderd/result-<id>` and
its digit. A result that demands a call back asks in how many hours. A note can't be told by keys: results that demand
one are left to the page, and are not offered here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agi.dialogue import Dialogue

MOST: Final = 9
TRIES: Final = 3
PAUSE: Final = 5.0  # seconds
LONGEST: Final = 240  # hours until a call back
SOUNDS: Final = "workorderd/"


@dataclass(frozen=True, slots=True)
class Choice:
    """A result that a key can choose."""

    identity: str
    callback: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """The results that the call offers, and the agent who may choose."""

    call_id: int
    agent_id: int
    choices: Sequence[Choice]


Find = Callable[[str, str, str], Awaitable[Menu | None]]
"""By PBX, Uniqueid ("" where the dialplan names none) and the agent's number."""
Choose = Callable[[Menu, Choice, int | None], Awaitable[Literal["chosen", "refused"]]]
"""With the hours until the call back, where there is one."""


async def result(dialogue: Dialogue, find: Find, choose: Choose) -> None:
    """Ask, take the key, and say whether it was noted."""
    asked = dialogue.asked
    uniqueid = await dialogue.get("WORKORDERD_CALL") or ""
    menu = await find(asked.query.get("pbx", ""), uniqueid, asked.number)
    if menu is None or not menu.choices:
        await dialogue.play(f"{SOUNDS}result-none")
        return
    choices = menu.choices[:MOST]
    for _ in range(TRIES):
        key = await _ask(dialogue, choices)
        if key.isdigit() and 1 <= int(key) <= len(choices):
            choice = choices[int(key) - 1]
            hours = await _hours(dialogue) if choice.callback else None
            noted = "refused" if choice.callback and hours is None else await choose(menu, choice, hours)
            await dialogue.play(f"{SOUNDS}result-{noted}")
            return
    await dialogue.play(f"{SOUNDS}result-refused")


async def _ask(dialogue: Dialogue, choices: Sequence[Choice]) -> str:
    key = await dialogue.play(f"{SOUNDS}result-menu")
    for digit, choice in enumerate(choices, 1):
        key = key or await dialogue.play(f"{SOUNDS}result-{choice.identity}") or await dialogue.say_digits(str(digit))
    return key or await dialogue.ask_digits(f"{SOUNDS}result-choose", PAUSE, 1)


async def _hours(dialogue: Dialogue) -> int | None:
    typed = await dialogue.ask_digits(f"{SOUNDS}result-hours", PAUSE, 3)
    return int(typed) if typed.isdigit() and 0 < int(typed) <= LONGEST else None
