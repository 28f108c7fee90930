"""Times in forms, as `<input type=datetime-local>` writes them: in the reader's zone, without saying so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from aiohttp import web

QUARTER: Final = 15  # minutes
AHEAD: Final = timedelta(minutes=60)  # of the call back that is offered


def moment_in(text: str, zone: tzinfo) -> datetime | None:
    """The moment that is meant; None for none. Raises HTTPBadRequest."""
    if not text:
        return None
    try:
        there = datetime.fromisoformat(text)
        return (there if there.tzinfo else there.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest from None


def offered_at(at: datetime, zone: tzinfo) -> str:
    """The time of a call back that is offered: an hour ahead, at the next quarter."""
    there = (at + AHEAD).astimezone(zone)
    late = (-there.minute) % QUARTER
    return (there + timedelta(minutes=late)).strftime("%Y-%m-%dT%H:%M")
