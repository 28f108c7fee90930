"""The values of a file, checked by its model; pydantic's findings said in words, each at its place.

The data goes through JSON in strict mode: a list is a list, a number is no text, and nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daemon.settings.models import Model
from daemon.settings.reading import Loc, Reading
from daemon.settings.words import PATTERNS_IN_WORDS, shown, suggestion


def validate(reading: Reading) -> Model | None:
    """The model of what was read, or None when values are wrong; those problems are added to the reading."""
    if not reading.readable:
        return None
    try:
        return reading.model.model_validate_json(json.dumps(reading.data), strict=True)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            _add(reading, found)
        return None


def _add(reading: Reading, found: ErrorDetails) -> None:
    loc = _place(reading, found["loc"])
    if found["type"] == "too_short" and found["input"]:
        return  # the entries themselves are wrong, and said so
    if found["type"] == "missing":
        key = found["loc"][-1]
        if (*loc, key) not in reading.bad:
            reading.missing(loc, f"{shown(key)} is missing here; it is a must")
        return
    message = _said(found, secret=loc in reading.secrets)
    reading.refuse(loc, f"{_called(loc)} {message}" if loc else message)


def _place(reading: Reading, written: tuple[int | str, ...]) -> Loc:
    """Where it stands, without the steps that are pydantic's own (the tag of a union, `[key]`)."""
    loc: Loc = ()
    for step in written:
        if (*loc, step) in reading.places:
            loc = (*loc, step)
    return loc


def _called(loc: Loc) -> str:
    name = next((str(step) for step in reversed(loc) if isinstance(step, str)), "")
    return f"{name}:" if isinstance(loc[-1], str) else f"{name}[{loc[-1]}]:"


def _said(found: ErrorDetails, *, secret: bool) -> str:
    ctx = found.get("ctx", {})
    if found["type"] == "value_error":
        text = str(ctx["error"])
        return text if secret else f"{shown(found['input'])} {text}"
    allowed = _ALLOWED[found["type"]](ctx) if found["type"] in _ALLOWED else found["msg"]
    if found["type"] == "literal_error" and isinstance(found["input"], str):
        allowed += suggestion(found["input"], re.findall(r"'([^']*)'", str(ctx["expected"])))
    return allowed if secret else f"{shown(found['input'])}; {allowed}"


_Context = Mapping[str, Any]
_ALLOWED: dict[str, Callable[[_Context], str]] = {
    "string_type": lambda _: "text is allowed",
    "int_type": lambda _: "a whole number is allowed",
    "int_from_float": lambda _: "a whole number is allowed",
    "float_type": lambda _: "a number is allowed",
    "bool_type": lambda _: "true or false is allowed",
    "time_type": lambda _: "a time of day such as 08:00 is allowed",
    "date_type": lambda _: "a date such as 2026-12-25 is allowed",
    "path_type": lambda _: "the path of a file is allowed",
    "tuple_type": lambda _: "a list is allowed",
    "dict_type": lambda _: "a mapping (key: value) is allowed",
    "model_type": lambda _: "a mapping (key: value) is allowed",
    "greater_than_equal": lambda ctx: f"at least {ctx['ge']:g} is allowed",
    "greater_than": lambda ctx: f"more than {ctx['gt']:g} is allowed",
    "less_than_equal": lambda ctx: f"at most {ctx['le']:g} is allowed",
    "less_than": lambda ctx: f"less than {ctx['lt']:g} is allowed",
    "string_too_short": lambda ctx: f"at least {ctx['min_length']} character is allowed",
    "string_too_long": lambda ctx: f"at most {ctx['max_length']} characters are allowed",
    "too_short": lambda ctx: f"at least {ctx['min_length']} entry is wanted",
    "literal_error": lambda ctx: f"{ctx['expected']} is allowed",
    "string_pattern_mismatch": lambda ctx: PATTERNS_IN_WORDS.get(str(ctx["pattern"]), f"{ctx['pattern']} is allowed"),
}
