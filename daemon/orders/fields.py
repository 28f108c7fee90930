"""Custom fields: what a template's fields are, and which values they take.

    input      one line, at most 255 characters          date       2026-12-25
    text       many lines, at most 10,000                datetime   2026-12-25T18:30, the local time of the house
    select     one of its options, or (can_enter) other words, at most 255 characters
    upload     the id of an attachment; set by attaching a file, never by writing

A value is text; an empty one is no value. What is wrong is told all at once, each fault with the rule that it breaks:

    required   unknown_field   option   too_long   date   datetime   line_break   control   upload
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final, Literal

from daemon.errors import Fault, InvalidError

FieldType = Literal["input", "select", "text", "upload", "date", "datetime"]

LONGEST_LINE: Final = 255
LONGEST_TEXT: Final = 10_000
_MOST_COMPARED: Final = 20  # unknown names for which a known one is looked for: comparing is slow
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?::00(?:\.0+)?)?")
_LINE_BREAK: Final = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Field:
    """A custom field of a template. `labels`: language -> text. `max_length` None: as its type says."""

    identity: str
    type: FieldType
    labels: Mapping[str, str]
    options: tuple[str, ...] = ()
    can_enter: bool = False
    required: bool = False
    help: str | None = None
    default: str | None = None
    max_length: int | None = None

    @property
    def longest(self) -> int:
        """The most characters that a value may have."""
        return self.max_length or (LONGEST_TEXT if self.type == "text" else LONGEST_LINE)


def define(spec: Mapping[str, Any]) -> Field:
    """A field as a template's definition has it: the JSON form of settings' FieldSpec."""
    options = spec.get("options") or ""
    return Field(
        identity=spec["identity"],
        type=spec.get("type", "input"),
        labels=spec.get("display_as") or {},
        options=tuple(option.strip() for option in options.split(",") if option.strip()),
        can_enter=bool(spec.get("select_can_enter")),
        required=bool(spec.get("required")),
        help=spec.get("help"),
        default=spec.get("default"),
        max_length=spec.get("max_length"),
    )


def label(field: Field, language: str, house_language: str) -> str:
    """What to call a field: in this language (zh_Hant: else in zh), the house's, English, or any that it has."""
    for wanted in (language, language.partition("_")[0], house_language, house_language.partition("_")[0], "en"):
        if wanted in field.labels:
            return field.labels[wanted]
    return next(iter(field.labels.values()), field.identity)


def read_fields(fields: Iterable[Field], given: Mapping[str, str | None], *, complete: bool) -> Mapping[str, str]:
    """The values as they are stored. `complete`: an order is being made, so defaults count and nothing may be missing.

    Else only what is given counts, and "" in the answer says that the value is to be removed. Raises InvalidError with
    every fault, `where` being `fields/<identity>`. A required upload is not missed: files come once there is an order.
    """
    known = {field.identity: field for field in fields}
    faults = list(_unknown(given, known))
    values: dict[str, str] = {}
    for field in known.values():
        if field.identity in given:
            value = _stripped(field, given[field.identity])
        elif complete:
            value = _stripped(field, field.default)
        else:
            continue
        try:
            values[field.identity] = _read(field, value)
        except _RefusedValueError as refused:
            faults.append(Fault(f"fields/{field.identity}", refused.what, refused.rule))
    if faults:
        raise InvalidError(faults)
    return {identity: value for identity, value in values.items() if value} if complete else values


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str]]:
    """identity -> [old value, new value] of those of `new` that differ, for the history; "" is no value."""
    return {
        identity: [old.get(identity, ""), value] for identity, value in new.items() if value != old.get(identity, "")
    }


def has_controls(text: str) -> bool:
    """Whether there are control characters other than line feed and tab, or halves of surrogate pairs."""
    return any(each not in "\n\t" and unicodedata.category(each) in {"Cc", "Cs"} for each in text)


class _RefusedValueError(Exception):
    def __init__(self, rule: str, what: str) -> None:
        super().__init__(what)
        self.rule = rule
        self.what = what


def _unknown(given: Mapping[str, str | None], known: Mapping[str, Field]) -> Iterator[Fault]:
    strangers = [identity for identity in given if identity not in known]
    for n, identity in enumerate(strangers):
        near = _suggestion(identity, tuple(known)) if n < _MOST_COMPARED else ""
        yield Fault(
            f"fields/{identity[:80]}", f"{_quoted(identity)} is no field of this template{near}", "unknown_field"
        )


def _stripped(field: Field, value: str | None) -> str:
    if value is None or not value.strip():
        return ""
    return value.replace("\r\n", "\n").replace("\r", "\n") if field.type == "text" else value.strip(" \t\r\n")


def _read(field: Field, value: str) -> str:
    """The value as it is stored. Raises _RefusedValueError."""
    if not value:
        if field.required and field.type != "upload":
            raise _RefusedValueError("required", "a value is a must here")
        return ""
    if field.type == "upload":
        raise _RefusedValueError("upload", "it is set by attaching a file, not by writing a value")
    if len(value) > field.longest:
        raise _RefusedValueError("too_long", f"at most {field.longest} characters are allowed; there are {len(value)}")
    if field.type != "text" and _LINE_BREAK.search(value):
        raise _RefusedValueError("line_break", "one line is allowed")
    if has_controls(value):
        raise _RefusedValueError("control", "control characters are not allowed")
    match field.type:
        case "date":
            return _date(value)
        case "datetime":
            return _datetime(value)
        case "select" if not field.can_enter and value not in field.options:
            raise _RefusedValueError(
                "option", f"{_quoted(value)} is none of the options{_offered(value, field.options)}"
            )
    return value


def _date(value: str) -> str:
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise _RefusedValueError("date", f"{_quoted(value)} is no date; one such as 2026-12-25 is allowed")


def _datetime(value: str) -> str:
    found = _DATETIME.fullmatch(value)
    try:
        if found:
            return datetime.fromisoformat(f"{found[1]}T{found[2]}").isoformat(timespec="minutes")
    except ValueError:
        pass
    raise _RefusedValueError(
        "datetime", f"{_quoted(value)} is no date and time; one such as 2026-12-25T18:30, without a zone, is allowed"
    )


def _offered(value: str, options: Sequence[str]) -> str:
    more = ", ..." if len(options) > 12 else ""
    return _suggestion(value, options) or f"; allowed: {', '.join(options[:12])}{more}"


def _suggestion(word: str, known: Sequence[str]) -> str:
    folded = [each for each in known if each.casefold() == word.casefold()]
    near = folded or get_close_matches(word[:LONGEST_LINE], known[:1000], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _quoted(value: str) -> str:
    text = repr(value[:61])
    return text if len(value) <= 60 else f"{text[:58]}...'"
