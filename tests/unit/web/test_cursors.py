from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.storage.lists import Place
from daemon.web.cursors import from_cursor, to_cursor


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(0, 2**53))
def test_a_cursor_leads_back_to_its_place(at: datetime, id_: int) -> None:
    place = Place(at.replace(tzinfo=UTC), id_)
    assert from_cursor(to_cursor(place)) == place


@given(st.text())
def test_any_text_is_a_place_or_refused_as_a_value(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(from_cursor(text), Place)


@pytest.mark.parametrize("text", ["", "x", "MQ", "w6k", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ", "MS4tMQ", "A" * 100])
def test_forged_cursors_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no cursor of ours"):
        from_cursor(text)
