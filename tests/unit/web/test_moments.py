from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from daemon.web.api.models import Moment, Text
from daemon.web.api.reading import RULES


@pytest.mark.parametrize(
    "told", ["2026-11-23T12:00:00Z", "2026-11-23T13:00:00+01:00", "2026-11-23 12:00:00Z", "2026-11-23T12:00:00.000Z"]
)
def test_a_time_is_read_as_utc(told: str) -> None:
    assert TypeAdapter(Moment).validate_python(told) == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "0.5",
        "1700000000",
        "2026-11-23",
        "2026-11-23T12:00:00",
        "2026-13-23T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-10:00",
        "tomorrow",
    ],
)
def test_what_is_no_time_that_can_be_placed_is_refused_as_one(told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Moment).validate_python(told)
    (error,) = refused.value.errors()
    assert RULES.get(error["type"], error["type"]) == "datetime"


def test_a_control_character_has_a_rule_of_its_own() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Text).validate_python("a\0b")
    assert [each["type"] for each in refused.value.errors()] == ["control_character"]
    assert TypeAdapter(Text).validate_python("a\tb\r\nc") == "a\tb\r\nc"
