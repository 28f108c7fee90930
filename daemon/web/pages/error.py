"""A page that says what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from daemon.web import words
from daemon.web.rendering import page


def show_error(
    request: web.Request, status: int, detail: str = "", headers: Mapping[str, str] | None = None
) -> web.Response:
    """The status in words; `detail` is the program's own sentence."""
    title, text = words.ERRORS.get(status, words.ERRORS[500 if status >= 500 else 400])
    return page(request, "error.html", status=status, headers=headers, title=title, text=text, detail=detail)
