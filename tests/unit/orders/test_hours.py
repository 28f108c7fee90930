from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from daemon.orders.hours import Hours, Opening

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(BERLIN, (Opening(frozenset(range(5)), time(8), time(18)),), frozenset({date(2026, 12, 25)}))
NIGHT = Hours(BERLIN, (Opening(frozenset({4}), time(22), time(6)),))
ALWAYS = Hours(BERLIN, (Opening(frozenset(range(7)), time(0), time(0)),))


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("hours", "when", "is_open"),
    [
        (OFFICE, "2026-11-23T08:00", True),
        (OFFICE, "2026-11-23T07:59:59", False),
        (OFFICE, "2026-11-23T18:00", False),
        (OFFICE, "2026-11-22T12:00", False),
        (OFFICE, "2026-12-25T12:00", False),
        (NIGHT, "2026-11-27T23:00", True),
        (NIGHT, "2026-11-28T05:59", True),
        (NIGHT, "2026-11-28T06:00", False),
        (NIGHT, "2026-11-27T05:00", False),
        (ALWAYS, "2026-11-22T00:00", True),
        (ALWAYS, "2026-11-22T23:59", True),
    ],
)
def test_open_and_closed(hours: Hours, when: str, is_open: bool) -> None:
    assert hours.open_at(at(when)) is is_open


def test_hours_are_those_of_the_zone_through_summer_time() -> None:
    utc = ZoneInfo("UTC")
    assert OFFICE.open_at(at("2026-07-01T06:30", utc))
    assert not OFFICE.open_at(at("2026-12-01T06:30", utc))
