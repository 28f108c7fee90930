"""The kinds of text that the configuration knows: what is allowed in each, said in words for a person.

Every check raises ValueError with a sentence that says what is allowed; the value itself is shown by the caller,
because only he knows whether it is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, time
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from daemon.orders.notices import Happening
from daemon.settings.codes import LANGUAGES, REGIONS

MOST_COMPARED = 1000

IDENTIFIER = r"^[a-z][a-z0-9_-]*$"
NAME = r"^[^\s\x00-\x1f\x7f|][^\x00-\x1f\x7f|]*$"
LINE = r"^[^\x00-\x1f\x7f]+$"
EXTENSION = r"^[0-9]{1,20}$"
USERNAME = r"^[A-Za-z0-9._@-]{1,64}$"
COLUMN = r"^[A-Za-z_][A-Za-z0-9_]*$"
LETTERS = r"^[A-Za-z]{1,40}$"
ENDING = r"^[a-z0-9]{1,12}$"

PATTERNS_IN_WORDS = {
    IDENTIFIER: "lower-case letters, digits, - and _ are allowed, a letter first",
    NAME: "text of one line without | is allowed, no space first",
    LINE: "text of one line is allowed",
    EXTENSION: "1 to 20 digits are allowed",
    USERNAME: "1 to 64 letters, digits and . _ @ - are allowed",
    COLUMN: "letters, digits and _ are allowed, no digit first",
    LETTERS: "1 to 40 letters A to Z are allowed",
    ENDING: "1 to 12 small letters or digits without a dot are allowed, such as pdf",
}

_LOCALE = re.compile(r"([a-z]{2,3})(_[A-Z][a-z]{3})?(_[A-Z]{2})?")
_ADDRESS = re.compile(r"[^\s@<>\"(),;:\\\[\]\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_SENDER = re.compile(r"[^<>\x00-\x1f\x7f]*<([^<>]+)>")
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~/-]*)?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_HOOK_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:[/?][!-~]*)?")
_BLACKLISTED = re.compile(r"[+]?[0-9A-Za-z._-]{1,40}[*]?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")


def shown(value: object) -> str:
    """A value as it may stand in a message: quoted, printable, cut at 60 characters. Never for secrets."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case []:
            return "an empty list"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def suggestion(word: str, known: Collection[str]) -> str:
    """`; did you mean X?` for the nearest of the known words; nothing where none is near or there are too many."""
    folded = [each for each in known if each.casefold() == word.casefold()]
    near = folded or (get_close_matches(word, known, n=1) if len(known) <= MOST_COMPARED else [])
    return f"; did you mean {near[0]}?" if near else ""


def _is_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        near = suggestion(text, available_timezones())
        message = f"is no time zone; a name such as Europe/Berlin or UTC is allowed{near}"
        raise ValueError(message) from None
    return text


def _is_region(text: str) -> str:
    if text not in REGIONS:
        message = f"is no region; two letters of ISO 3166 such as DE or CN are allowed{suggestion(text, REGIONS)}"
        raise ValueError(message)
    return text


def is_locale(text: str) -> bool:
    """Whether it is a language, with script and region or without: en, zh, pt_BR, zh_Hant."""
    found = _LOCALE.fullmatch(text)
    return found is not None and found[1] in LANGUAGES


def _is_locale(text: str) -> str:
    if not is_locale(text):
        message = "is no language; a code such as en, zh or pt_BR is allowed"
        raise ValueError(message)
    return text


def _are_labels(labels: dict[str, str]) -> dict[str, str]:
    for language, text in labels.items():
        if not is_locale(language):
            message = f"has {language!r}, which is no language; codes such as en, zh or pt_BR are allowed"
            raise ValueError(message)
        if not re.match(NAME, text) or len(text) > 200:
            message = f"has no usable text for {language}; one line of 1 to 200 characters is allowed"
            raise ValueError(message)
    return labels


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"is no regular expression ({error}); one such as [0-9]{{3,4}} is allowed"
        raise ValueError(message) from None
    return text


def is_address(text: str) -> bool:
    """Whether it is one plain mail address, safe to put into a header."""
    return _ADDRESS.fullmatch(text) is not None and ".." not in text


def _is_address(text: str) -> str:
    if not is_address(text):
        message = "is no mail address; one such as anna@example.com is allowed"
        raise ValueError(message)
    return text


def _is_sender(text: str) -> str:
    named = _SENDER.fullmatch(text)
    if not is_address(named[1] if named else text):
        message = "is no mail address; desk@example.com or Desk <desk@example.com> is allowed"
        raise ValueError(message)
    return text


def _are_addresses(text: str) -> str:
    for each in addresses(text):
        if not is_address(each):
            message = f"has {each!r}, which is no mail address; addresses separated by ; are allowed"
            raise ValueError(message)
    return text


def addresses(text: str) -> tuple[str, ...]:
    """The addresses of a list that is separated by semicolons."""
    return tuple(each.strip() for each in text.split(";") if each.strip())


def _is_network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        message = "is no address; an IP address or a network such as 10.0.0.0/8 is allowed"
        raise ValueError(message) from None
    return text


def _is_base_url(text: str) -> str:
    if not _BASE_URL.fullmatch(text):
        message = "is no address of pages; one such as https://desk.example.com is allowed"
        raise ValueError(message)
    return text.rstrip("/")


def _is_origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        message = "is no site; scheme, name and port as in https://crm.example:8443 are allowed, without a path"
        raise ValueError(message)
    return text.lower()


def _is_hook_url(text: str) -> str:
    if not _HOOK_URL.fullmatch(text):
        message = "is no address of a receiver; one such as https://crm.example/hooks, without a password, is allowed"
        raise ValueError(message)
    return text


def _are_hook_events(text: str) -> str:
    if not happenings(text):
        near = suggestion(text, [*Happening]) or f"; allowed: *, {', '.join(Happening)}, or order.* and the like"
        message = f"is no event{near}"
        raise ValueError(message)
    return text


def happenings(pattern: str) -> frozenset[Happening]:
    """What an event's name, or the beginning of some with a * behind, stands for."""
    if pattern == "*":
        return frozenset(Happening)
    if pattern.endswith(".*"):
        return frozenset(each for each in Happening if each.startswith(pattern[:-1]))
    return frozenset(each for each in Happening if each == pattern)


def _is_blacklisted(text: str) -> str:
    if not _BLACKLISTED.fullmatch(text):
        message = "is no number; digits with a + before and a * behind, such as +49190*, are allowed"
        raise ValueError(message)
    return text


def _day(text: object) -> object:
    if isinstance(text, str):
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        message = "is no date; one such as 2026-12-25 is allowed"
        raise ValueError(message)
    return text


def _clock(text: object) -> object:
    if isinstance(text, str):
        try:
            if _CLOCK.fullmatch(text):
                return time.fromisoformat(text.rjust(len(text) + (text.index(":") == 1), "0"))
        except ValueError:
            pass
        message = "is no time of day; 00:00 to 23:59 is allowed"
        raise ValueError(message)
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=NAME)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=LINE)]
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER, max_length=60)]
Username = Annotated[str, StringConstraints(pattern=USERNAME)]
Extension = Annotated[
    str,
    StringConstraints(pattern=EXTENSION),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": EXTENSION}, {"type": "integer", "minimum": 0}]}),
]
TimeZone = Annotated[str, AfterValidator(_is_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})]
Region = Annotated[
    str, AfterValidator(_is_region), WithJsonSchema({"type": "string", "enum": sorted(REGIONS), "examples": ["DE"]})
]
Locale = Annotated[
    str,
    AfterValidator(_is_locale),
    WithJsonSchema({"type": "string", "pattern": f"^{_LOCALE.pattern}$", "examples": ["en", "zh", "pt_BR"]}),
]
Labels = Annotated[
    dict[str, str],
    Field(min_length=1, description="language -> text, such as {en: Sale, zh: 销售}"),
    AfterValidator(_are_labels),
]
Expression = Annotated[
    str,
    AfterValidator(_is_pattern),
    WithJsonSchema({"type": "string", "format": "regex", "examples": ["[0-9]{3,4}"]}),
]
Address = Annotated[
    str, AfterValidator(_is_address), WithJsonSchema({"type": "string", "examples": ["anna@example.com"]})
]
Sender = Annotated[
    str,
    AfterValidator(_is_sender),
    WithJsonSchema({"type": "string", "examples": ["desk@example.com", "Desk <desk@example.com>"]}),
]
Addresses = Annotated[
    str,
    AfterValidator(_are_addresses),
    WithJsonSchema({"type": "string", "examples": ["anna@example.com; ben@example.com"]}),
]
Network = Annotated[
    str, AfterValidator(_is_network), WithJsonSchema({"type": "string", "examples": ["127.0.0.1", "10.0.0.0/8"]})
]
BaseUrl = Annotated[
    str,
    AfterValidator(_is_base_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://", "examples": ["https://desk.example.com"]}),
]
Origin = Annotated[
    str,
    AfterValidator(_is_origin),
    WithJsonSchema({"type": "string", "pattern": "^https?://", "examples": ["https://crm.example"]}),
]
HookUrl = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(_is_hook_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://", "examples": ["https://crm.example/hooks"]}),
]
HookEvents = Annotated[
    str,
    AfterValidator(_are_hook_events),
    WithJsonSchema(
        {"type": "string", "enum": ["*", *sorted({f"{e.partition('.')[0]}.*" for e in Happening}), *Happening]}
    ),
]
Blacklisted = Annotated[
    str,
    AfterValidator(_is_blacklisted),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}], "examples": ["+49190*"]}),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_DAY.pattern}$", "examples": ["2026-12-25"]}),
]
Clock = Annotated[
    time,
    BeforeValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$", "examples": ["08:00"]}),
]
FileEnding = Annotated[str, StringConstraints(pattern=ENDING)]
Seconds = Annotated[float, Field(ge=0, le=86400)]
Port = Annotated[int, Field(ge=0, le=65535)]
