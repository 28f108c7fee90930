from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from daemon.storage.statistics import Quarter
from daemon.web.pages.board_charts import HEIGHT, WIDTH, Hour, by_hour, chart_of, day_of, row_of

MIDNIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def quarter(
    hour: float, answered: int = 0, missed: int = 0, returned: int = 0, owed: int = 0, talking: int = 0, other: int = 0
) -> Quarter:
    return Quarter(
        MIDNIGHT + timedelta(hours=hour),
        answered + missed + talking + other,
        answered=answered,
        talking=talking,
        missed=missed,
        returned=returned,
        owed=owed,
        waited=answered * 10.0,
        in_time=answered,
    )


def test_quarters_are_gathered_by_the_hours_of_their_zone() -> None:
    of_a_day = [quarter(9, answered=2), quarter(9.75, missed=3, returned=1, owed=2), quarter(20, other=1)]
    hours = by_hour(of_a_day, BERLIN)
    assert [hour.hour for hour in hours] == list(range(8, 21))
    assert hours[1] == Hour(9, answered=2, returned=1, owed=2)
    assert hours[-1] == Hour(20, other=1)


def test_who_talks_now_was_answered_and_a_missed_call_that_was_dismissed_is_no_longer_owed() -> None:
    [hour] = [each for each in by_hour([quarter(9, talking=1, missed=3, returned=1, owed=1)], BERLIN) if each.calls]
    assert hour == Hour(9, answered=1, returned=1, settled=1, owed=1)
    day = day_of([quarter(9, talking=1, missed=3, returned=1, owed=1)])
    assert (day.answered, day.average_wait, day.service_level) == (1, None, 0.0)


def test_the_hour_that_is_twice_in_autumn_holds_the_calls_of_both() -> None:
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC)
    calls = [Quarter(autumn + timedelta(hours=n), 1, answered=1) for n in (2, 3)]
    assert [(hour.hour, hour.calls) for hour in by_hour(calls, BERLIN) if hour.calls] == [(2, 2)]


def test_hours_begin_with_a_quarter_where_zones_are_half_an_hour_or_three_quarters_off() -> None:
    for name in ("Asia/Kolkata", "Asia/Kathmandu", "Australia/Eucla"):
        zone = ZoneInfo(name)
        begin = datetime(2026, 11, 23, 9, tzinfo=zone).astimezone(UTC)
        calls = [Quarter(begin + timedelta(minutes=15 * n), 1, answered=1) for n in range(4)]
        assert [(hour.hour, hour.calls) for hour in by_hour(calls, zone) if hour.calls] == [(9, 4)], name


def test_kinds_that_are_rare_are_explained_only_where_they_occur() -> None:
    assert chart_of([Hour(9, answered=1)]).kinds == ("answered", "returned", "owed")
    assert chart_of([Hour(9, settled=1, other=1)]).kinds == ("answered", "returned", "settled", "owed", "other")


def test_a_day_without_calls_shows_the_hours_of_an_office_and_shares_nothing() -> None:
    assert [hour.hour for hour in by_hour([], BERLIN)] == list(range(8, 18))
    day = day_of([])
    assert (day.average_wait, day.service_level, day.returned_share) == (None, None, None)


def test_a_day_in_figures() -> None:
    day = day_of([quarter(9, answered=6), quarter(10, missed=2, returned=1, owed=1)])
    assert (day.calls, day.answered, day.missed, day.returned) == (8, 6, 2, 1)
    assert (day.average_wait, day.service_level, day.returned_share) == (10.0, 0.75, 0.5)


counts = st.integers(0, 5000)


@given(st.lists(st.builds(Hour, st.integers(0, 23), counts, counts, counts, counts, counts), max_size=24))
def test_bars_stand_on_the_ground_one_part_on_the_other_and_within_the_picture(hours: list[Hour]) -> None:
    chart = chart_of(hours)
    assert len(chart.bars) == len(hours)
    for bar in chart.bars:
        ground = float(HEIGHT)
        for part in bar.parts:
            assert abs(part.y + part.height - ground) < 1e-6
            assert part.y >= -1e-6
            assert 0 <= part.x <= WIDTH - part.width + 1e-6
            ground = part.y
        assert abs(bar.top - ground) < 1e-6
        assert sum(part.count for part in bar.parts) == bar.hour.calls
    assert all(0 <= y < HEIGHT for _, y in chart.lines)


def test_the_longest_row_is_whole_and_the_others_in_proportion() -> None:
    parts = row_of({"new": 1, "verify": 3}, 8)
    assert [(part.kind, part.x, part.width) for part in parts] == [("new", 0, 12.5), ("verify", 12.5, 37.5)]
    assert [part.has_room for part in parts] == [True, True]
    assert not row_of({"new": 1}, 100)[0].has_room
    assert row_of({}, 8) == ()
