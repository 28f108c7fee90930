"""Business hours: open on weekdays from a time to a time, in a time zone, less the holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo


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

    def _works(self, opening: Opening, day: date) -> bool:
        return day.weekday() in opening.weekdays and day not in self.holidays


def _in_day(opening: Opening, clock: time) -> bool:
    return opening.start <= clock and (clock < opening.end or opening.end <= opening.start)
