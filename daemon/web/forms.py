"""Forms as browsers post them: read once, strictly. Uploads are no forms."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from daemon.web.parts import FORM

FORM_TYPE: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 2000


async def read_form(request: web.Request) -> dict[str, list[str]]:
    """All values by name.

    Raises HTTPUnsupportedMediaType, HTTPBadRequest (not UTF-8, NUL characters, too many fields) and
    HTTPRequestEntityTooLarge.
    """
    if FORM in request:
        return request[FORM]
    if request.content_type != FORM_TYPE:
        raise web.HTTPUnsupportedMediaType
    try:
        text = (await request.read()).decode("ascii")
        form = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise web.HTTPBadRequest from None
    if any("\0" in value for values in form.values() for value in values):
        raise web.HTTPBadRequest
    request[FORM] = form
    return form


def first(form: dict[str, list[str]], name: str) -> str:
    """The only or first value of a field; "" where there is none."""
    values = form.get(name)
    return values[0] if values else ""


def ids(values: list[str]) -> list[int]:
    """Row ids. Raises HTTPBadRequest for anything that is none."""
    if not all(value.isascii() and value.isdigit() and len(value) <= 18 for value in values):
        raise web.HTTPBadRequest
    return [int(value) for value in values]
