"""Business hours: open on weekdays from a time to a time, in a time zone, less the holidays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Final

LOOK_AHEAD: Final = 2 * 366
"""Days in which business hours must be found; who is open less often has no deadlines but the calendar's end."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Open on these weekdays (Monday is 0) from `start` until `end`; an end of 00:00, or one before the start,
    lies on the next day.
    """

    weekdays: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody is there."""

    zone: tzinfo
    openings: tuple[Opening, ...]
    holidays: frozenset[date] = frozenset()

    def open_at(self, at: float) -> bool:
        """Whether this moment (seconds since the epoch) lies in business hours."""
        local = datetime.fromtimestamp(at, self.zone)
        clock = local.time()
        today, yesterday = local.date(), date.fromordinal(local.date().toordinal() - 1)
        return any(
            (self._works(opening, today) and _in_day(opening, clock))
            or (self._works(opening, yesterday) and opening.end <= opening.start and clock < opening.end)
            for opening in self.openings
        )

    def after(self, at: float, seconds: float) -> float:
        """The moment by which so many seconds of business hours have passed since `at` (seconds since the epoch).

        Daylight saving counts as it is lived: hours that do not exist are not counted, hours that come twice count
        twice. Where two years hold too few business hours, their end is given.
        """
        left, moment = seconds, at
        for start, end in self._spans(at):
            begin = max(start, at)
            if begin + left <= end:
                return begin + left
            if end > begin:
                left -= end - begin
            moment = max(moment, end)
        return moment

    def _spans(self, at: float) -> Iterator[tuple[float, float]]:
        """Business hours that end after `at`, in order, without overlaps."""
        first = datetime.fromtimestamp(at, self.zone).date().toordinal() - 1
        until = at
        for ordinal in range(first, first + LOOK_AHEAD):
            day = date.fromordinal(ordinal)
            for start, end in sorted(
                self._bounds(opening, day) for opening in self.openings if self._works(opening, day)
            ):
                if end > until:
                    yield max(start, until), end
                    until = end

    def _bounds(self, opening: Opening, day: date) -> tuple[float, float]:
        last = day if opening.start < opening.end else date.fromordinal(day.toordinal() + 1)
        start = datetime.combine(day, opening.start, self.zone)
        return start.timestamp(), datetime.combine(last, opening.end, self.zone).timestamp()

    def _works(self, opening: Opening, day: date) -> bool:
        return day.weekday() in opening.weekdays and day not in self.holidays


def _in_day(opening: Opening, clock: time) -> bool:
    return opening.start <= clock and (clock < opening.end or opening.end <= opening.start)
