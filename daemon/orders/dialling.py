"""Which numbers may be called from a page, and how they are dialled.

A number from a page, a form or a customer's record is hostile: it may cost money by the minute, and in AMI a line end
in it would be an action of its own. Only what reads as a number, and what the PBX's list allows, is ever dialled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import phonenumbers

from daemon.orders.missed import matches
from daemon.orders.number import Number, read_number

LONGEST: Final = 40
_WRITTEN: Final = re.compile(r"[+(]?[0-9][0-9 ()/.-]*")
_INTERNAL: Final = re.compile(r"[0-9]{2,8}")
_NOT_DIALLED: Final = re.compile(r"[^0-9+]")

Trouble = Literal["no_number", "not_allowed"]
"""Why a number is not dialled: it does not read as one, or the list of the PBX does not allow it."""


@dataclass(frozen=True, slots=True)
class DialRules:
    """What a PBX may be asked to dial: entries as of a blacklist (`+49*`); what `deny` names is refused though allowed.

    `numbers`: `e164` dials +49301234567; `national` as one dials in the team's region, 0301234567 or 00441632960001.
    `prefix` goes before all but internal numbers, which are those of up to eight digits that the world does not know.
    """

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()
    numbers: Literal["e164", "national"] = "e164"
    prefix: str = ""


def to_dial(written: str, region: str, rules: DialRules) -> tuple[str, Trouble | None]:
    """What to dial for a number as people write it, and why not: never both."""
    text = written.strip()
    if len(text) > LONGEST or not _WRITTEN.fullmatch(text):
        return "", "no_number"
    form = read_number(text, region).e164 or _NOT_DIALLED.sub("", text)
    if not form.startswith("+") and not _INTERNAL.fullmatch(form):
        return "", "no_number"
    known = Number(form, None, form[-8:])
    if matches(known, rules.deny) or not matches(known, rules.allow):
        return "", "not_allowed"
    return _dialled(form, region, rules), None


def _dialled(form: str, region: str, rules: DialRules) -> str:
    if not form.startswith("+"):
        return form
    if rules.numbers == "e164":
        return rules.prefix + form
    abroad = phonenumbers.format_out_of_country_calling_number(phonenumbers.parse(form), region)
    return rules.prefix + _NOT_DIALLED.sub("", abroad)
