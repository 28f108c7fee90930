"""A caller's number as Asterisk gave it, and as the world writes it (E.164)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers

HIDDEN_WORDS: Final = frozenset(
    {"", "anonymous", "unknown", "<unknown>", "restricted", "private", "withheld", "unavailable", "asserted", "s"}
)
_NOT_DIALLED: Final = re.compile(r"[^0-9]")


@dataclass(frozen=True, slots=True)
class Number:
    """`raw` as given; `e164` such as +49301234567, or None; `tail` its last digits, "" when there are none."""

    raw: str
    e164: str | None
    tail: str

    @property
    def hidden(self) -> bool:
        """Whether nobody can be called back."""
        return not self.tail

    @property
    def key(self) -> str | None:
        """What is equal for the same caller; None for a hidden number, which equals nobody's."""
        if self.hidden:
            return None
        return self.e164 or "raw:" + _NOT_DIALLED.sub("", self.raw)


@lru_cache(maxsize=4096)
def read_number(raw: str, region: str, last_digits: int = 8) -> Number:
    """A number read with the dialling habits of a region (ISO country). Never raises: junk is a hidden number."""
    text = raw.strip()[:80]
    digits = _NOT_DIALLED.sub("", text)
    if text.casefold() in HIDDEN_WORDS or not digits:
        return Number(raw[:80], None, "")
    e164 = None
    try:
        parsed = phonenumbers.parse(text, region)
        if phonenumbers.is_valid_number(parsed):
            e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    return Number(raw[:80], e164, (e164 or digits)[-last_digits:].lstrip("+"))
