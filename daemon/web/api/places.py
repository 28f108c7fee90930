"""Cursors of requests as places in lists."""

from __future__ import annotations

from daemon.errors import Fault, InvalidError
from daemon.storage.lists import Place
from daemon.web.cursors import from_cursor


def place_of(cursor: str | None) -> Place | None:
    """Where to go on; None: at the beginning. Raises InvalidError for a cursor that we did not give out."""
    if cursor is None:
        return None
    try:
        return from_cursor(cursor)
    except ValueError as error:
        raise InvalidError([Fault("cursor", str(error), "cursor")]) from None
