"""What a call came to: the results that a module offers, what each of them demands, and until when one is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from daemon.errors import Fault, InvalidError

Demand = Literal["none", "optional", "required"]
CallbackFor = Literal["me", "anyone"]

CALLBACK_FOR: Final[tuple[CallbackFor, ...]] = ("me", "anyone")
LONGEST_NOTE: Final = 2000
LONGEST_AHEAD: Final = timedelta(days=3660)
A_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Result:
    """What an agent may say that a call came to. `automatic`: its order is made at once, else by a link."""

    identity: str
    labels: Mapping[str, str] = field(default_factory=dict)
    template_id: int | None = None
    automatic: bool = False
    note: Demand = "optional"
    callback: Demand = "none"

    def label(self, tag: str, default: str = "en") -> str:
        """Its name in a language, else in the default one, else in any."""
        kept = (tag, tag.split("_", maxsplit=1)[0], default)
        found = (self.labels[each] for each in kept if each in self.labels)
        return next(found, None) or next(iter(self.labels.values()), self.identity)


@dataclass(frozen=True, slots=True)
class Wish:
    """A result as somebody chose it, unchecked."""

    result: str
    note: str = ""
    callback_at: datetime | None = None
    callback_for: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice that is allowed. A call back has a time and one for whom; the same choice is equal."""

    result: str
    note: str
    callback_at: datetime | None
    callback_for: CallbackFor | None


def read_choice(offered: Sequence[Result], wish: Wish, at: datetime) -> Choice:
    """The choice that is meant, one of those that the module offers.

    Raises InvalidError with the rules option, required, none, too_long, past, too_far.
    """
    result = next((each for each in offered if each.identity == wish.result), None)
    if result is None:
        known = ", ".join(each.identity for each in offered)
        raise InvalidError([Fault("result", f"no result of this call's module; there are: {known}", "option")])
    note = wish.note.strip()
    faults = [*_note_faults(result, note), *_callback_faults(result, wish, at)]
    if faults:
        raise InvalidError(faults)
    if wish.callback_at is None:
        return Choice(result.identity, note, None, None)
    return Choice(result.identity, note, wish.callback_at, "anyone" if wish.callback_for == "anyone" else "me")


def _note_faults(result: Result, note: str) -> list[Fault]:
    if result.note == "required" and not note:
        return [Fault("note", "this result needs a note", "required")]
    if result.note == "none" and note:
        return [Fault("note", "this result takes no note", "none")]
    if len(note) > LONGEST_NOTE:
        return [Fault("note", f"{LONGEST_NOTE} characters at the most", "too_long")]
    return []


def _callback_faults(result: Result, wish: Wish, at: datetime) -> list[Fault]:
    if wish.callback_for not in {None, *CALLBACK_FOR}:
        return [Fault("callback_for", "there are me and anyone", "option")]
    when = wish.callback_at
    if when is None:
        if result.callback == "required":
            return [Fault("callback_at", "this result needs the time of the call back", "required")]
        return []
    if result.callback == "none":
        return [Fault("callback_at", "this result takes no call back", "none")]
    if when < at - A_MINUTE:
        return [Fault("callback_at", "this time is over", "past")]
    if when > at + LONGEST_AHEAD:
        return [Fault("callback_at", "ten years ahead at the most", "too_far")]
    return []


def is_changeable(ended_at: datetime | None, at: datetime, window: timedelta) -> bool:
    """Whether a result that was chosen may still become another one: while the call lasts, and for a time after."""
    return ended_at is None or at <= ended_at + window
