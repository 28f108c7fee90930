"""Places in lists as they travel through addresses: opaque to the reader, nothing secret in them."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Final

from daemon.storage.lists import Place

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST: Final = 60
_BIGGEST: Final = 2**62


def to_cursor(place: Place) -> str:
    """A place as text."""
    text = f"{(place.at - _EPOCH) // _MICROSECOND}.{place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> Place:
    """The place that a text means. Raises ValueError for one that we did not give out."""
    if len(cursor) > _LONGEST:
        message = "this is no cursor of ours"
        raise ValueError(message)
    try:
        at, _, id_ = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(".")
        if not (at.isdigit() and id_.isdigit()) or int(id_) > _BIGGEST:
            raise ValueError
        return Place(_EPOCH + int(at) * _MICROSECOND, int(id_))
    except (ValueError, OverflowError, binascii.Error):
        message = "this is no cursor of ours"
        raise ValueError(message) from None
