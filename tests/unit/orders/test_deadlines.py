from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.deadlines import deadline
from daemon.orders.hours import Hours, Opening
from daemon.orders.template import Due

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = frozenset(range(5))
OFFICE = Hours(BERLIN, (Opening(WEEK, time(8), time(18)),), frozenset({date(2026, 12, 25)}))
NIGHT = Hours(BERLIN, (Opening(frozenset(range(7)), time(22), time(6)),))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("begins", "hours", "ends"),
    [
        ("2026-11-23T09:00", 4, "2026-11-23T13:00"),
        ("2026-11-23T16:00", 4, "2026-11-24T10:00"),  # over the night
        ("2026-11-27T16:00", 4, "2026-11-30T10:00"),  # over the weekend
        ("2026-11-28T12:00", 1, "2026-11-30T09:00"),  # begun on a Saturday
        ("2026-12-24T17:00", 2, "2026-12-28T09:00"),  # a holiday and a weekend
        ("2026-11-23T08:00", 10, "2026-11-23T18:00"),  # exactly a day
        ("2026-11-23T05:00", 25, "2026-11-25T13:00"),
    ],
)
def test_business_hours_alone_count(begins: str, hours: float, ends: str) -> None:
    due = deadline(Due(hours), OFFICE, local(begins))
    assert due is not None
    assert due.due_at == local(ends)
    assert due.remind_at is None


def test_the_reminder_is_so_many_business_hours_earlier() -> None:
    due = deadline(Due(4, 3), OFFICE, local("2026-11-27T16:30"))
    assert due is not None
    assert (due.remind_at, due.due_at) == (local("2026-11-27T17:30"), local("2026-11-30T10:30"))


def test_without_hours_all_time_counts_and_without_due_hours_there_is_no_deadline() -> None:
    begun = local("2026-11-27T16:00")
    due = deadline(Due(48), None, begun)
    assert due is not None
    assert due.due_at == begun + timedelta(hours=48)
    assert deadline(Due(), OFFICE, begun) is None


@pytest.mark.parametrize(
    ("begins", "hours", "ends"),
    [
        ("2026-11-23T23:00", 2, "2026-11-24T01:00"),
        ("2026-11-24T05:00", 2, "2026-11-24T23:00"),
        ("2026-10-24T22:00", 9, "2026-10-25T06:00"),  # summer time ends: this night has nine hours
        ("2026-03-28T22:00", 8, "2026-03-29T22:00+01:00"),  # and this one has seven
    ],
)
def test_nights_and_the_change_of_the_clocks(begins: str, hours: float, ends: str) -> None:
    due = deadline(Due(hours), NIGHT, local(begins))
    assert due is not None
    wanted = local("2026-03-29T23:00") if "+" in ends else local(ends)
    assert due.due_at == wanted


def test_a_calendar_that_is_never_open_ends_somewhere() -> None:
    never = Hours(BERLIN, ())
    begun = datetime(2026, 11, 23, tzinfo=UTC)
    due = deadline(Due(1), never, begun)
    assert due is not None
    assert due.due_at >= begun


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.floats(0.1, 100),
    st.floats(0, 50),
)
def test_more_hours_are_never_earlier_and_always_end_in_business_hours(at: datetime, some: float, more: float) -> None:
    first, second = (OFFICE.after(at.timestamp(), hours * 3600) for hours in (some, some + more))
    assert at.timestamp() < first <= second
    assert OFFICE.open_at(first - 0.001)
