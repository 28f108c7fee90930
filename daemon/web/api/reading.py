"""Queries and bodies of requests as models; what is wrong with them as faults with stable rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from daemon.errors import Fault, InvalidError
from daemon.web.api.models import Nothing
from daemon.web.problems import MalformedError

M = TypeVar("M", bound=BaseModel)

JSON: Final = "application/json"
RULES: Final = {
    "missing": "required",
    "extra_forbidden": "unknown",
    "literal_error": "option",
    "enum": "option",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_many",
    "too_short": "too_few",
    "string_pattern_mismatch": "pattern",
    "greater_than_equal": "too_small",
    "greater_than": "too_small",
    "less_than_equal": "too_great",
    "less_than": "too_great",
    "date_parsing": "date",
    "date_from_datetime_parsing": "date",
    "datetime_parsing": "datetime",
    "datetime_from_date_parsing": "datetime",
    "timezone_aware": "datetime",
}
"""pydantic's types of error by our word; others keep theirs."""


def query_of(request: web.Request, model: type[M]) -> M:
    """The query parameters. Raises InvalidError."""
    twice = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
    if twice:
        raise InvalidError([Fault(name, "given more than once", "once") for name in twice])
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise InvalidError(_faults(error, "")) from None


async def body_of(request: web.Request, model: type[M]) -> tuple[M, bytes]:
    """The body as the model and as it came.

    Raises HTTPUnsupportedMediaType, HTTPRequestEntityTooLarge, MalformedError (no JSON) and InvalidError (not what
    the model says).
    """
    raw = await request.read()
    if model is Nothing:
        if raw.strip() not in {b"", b"{}"}:
            raise InvalidError([Fault("", "no body is expected", "unknown")])
        return model(), raw
    if request.content_type != JSON and raw:
        raise web.HTTPUnsupportedMediaType(text=f"{JSON} is expected")
    try:
        return model.model_validate_json(raw or b"{}"), raw
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors()):
            raise MalformedError([Fault("", "the body is no JSON in UTF-8", "json")]) from None
        raise InvalidError(_faults(error, "/")) from None


def model_of(values: Mapping[str, object], model: type[M]) -> M:
    """Values that a form gave, by the rules of the API. Raises InvalidError, `where` as in a JSON body."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidError(_faults(error, "/")) from None


def _faults(error: ValidationError, before: str) -> list[Fault]:
    return [
        Fault(
            before + "/".join(_escaped(str(part)) if before else str(part) for part in each["loc"]),
            each["msg"],
            RULES.get(each["type"], each["type"]),
        )
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _escaped(part: str) -> str:
    """A part of a JSON pointer (RFC 6901, 3)."""
    return part.replace("~", "~0").replace("/", "~1")
