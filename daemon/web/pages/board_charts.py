"""The board's pictures as numbers: where bars stand in an SVG. Drawn by templates/board_content.html.

Along, everything is per cent of the picture's width, so that it fits any screen and its texts keep their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from daemon.storage.statistics import Quarter

WIDTH: Final = 100.0
HEIGHT: Final = 200
OFFICE: Final = range(8, 18)
KINDS: Final = ("answered", "returned", "settled", "owed", "other")
"""Parts of an hour's bar, from the ground up."""
STANDS: Final = ("new", "pending", "return", "verify")
"""Parts of a group's bar."""
ROOM: Final = 9.0
"""So wide is a part that its number fits in it."""
_ALWAYS: Final = ("answered", "returned", "owed")
_NICE: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Hour:
    """A day's hour and its calls.

    answered, or with an agent now; missed: reached since, closed otherwise (dismissed, its order done), to be called
    back; and what is neither answered nor missed, such as who waits now.
    """

    hour: int
    answered: int = 0
    returned: int = 0
    settled: int = 0
    owed: int = 0
    other: int = 0

    @property
    def calls(self) -> int:
        """All of them."""
        return self.answered + self.returned + self.settled + self.owed + self.other


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: what it counts, and where it is."""

    kind: str
    count: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Where its number stands."""
        return self.x + self.width / 2

    @property
    def has_room(self) -> bool:
        """Whether its number fits in it."""
        return self.width >= ROOM


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour's bar, from the ground up, and how high it comes."""

    hour: Hour
    middle: float
    top: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, lines to read them by (what each counts and how high it is), and the kinds of parts that need a word."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[int, float], ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day's calls in figures; shares are of 1, None where there is nothing to share.

    The average wait and the service level are those of calls that are over.
    """

    calls: int
    answered: int
    missed: int
    returned: int
    average_wait: float | None
    service_level: float | None
    returned_share: float | None


def by_hour(quarters: Iterable[Quarter], zone: tzinfo) -> Sequence[Hour]:
    """The hours of a day as its zone counts them: those of an office, and all between the first call and the last."""
    sums: dict[int, list[int]] = {}
    for each in quarters:
        found = sums.setdefault(each.begins.astimezone(zone).hour, [0] * len(KINDS))
        answered = each.answered + each.talking
        settled = each.missed - each.returned - each.owed
        counts = (answered, each.returned, settled, each.owed, each.calls - answered - each.missed)
        for n, count in enumerate(counts):
            found[n] += count
    hours = range(min([OFFICE.start, *sums]), max([OFFICE.stop, *(hour + 1 for hour in sums)]))
    return [Hour(hour, *sums.get(hour, ())) for hour in hours]


def day_of(quarters: Sequence[Quarter]) -> Day:
    """All of it in figures."""
    calls, answered = sum(each.calls for each in quarters), sum(each.answered for each in quarters)
    missed, returned = sum(each.missed for each in quarters), sum(each.returned for each in quarters)
    waited, in_time = sum(each.waited for each in quarters), sum(each.in_time for each in quarters)
    judged = answered + missed
    return Day(
        calls,
        answered + sum(each.talking for each in quarters),
        missed,
        returned,
        waited / answered if answered else None,
        in_time / judged if judged else None,
        returned / missed if missed else None,
    )


def chart_of(hours: Sequence[Hour]) -> Chart:
    """One bar for each hour, over a ground that is HEIGHT deep."""
    top = _nice(max((hour.calls for hour in hours), default=0))
    step = WIDTH / max(len(hours), 1)
    bars = tuple(_bar(hour, (n + 0.5) * step, 0.64 * step, top) for n, hour in enumerate(hours))
    lines = tuple((count, HEIGHT * (1 - count / top)) for count in _ticks(top))
    kinds = tuple(kind for kind in KINDS if kind in _ALWAYS or any(getattr(hour, kind) for hour in hours))
    return Chart(bars, lines, kinds)


def _bar(hour: Hour, middle: float, width: float, top: int) -> Bar:
    parts, ground = [], float(HEIGHT)
    for kind in KINDS:
        count: int = getattr(hour, kind)
        if count:
            height = HEIGHT * count / top
            ground -= height
            parts.append(Part(kind, count, middle - width / 2, ground, width, height))
    return Bar(hour, middle, ground, tuple(parts))


def row_of(counts: Mapping[str, int], longest: int) -> tuple[Part, ...]:
    """A group's orders as a lying bar; the longest one is as wide as the picture."""
    parts, x = [], 0.0
    for kind in STANDS:
        count = counts.get(kind, 0)
        if count:
            width = WIDTH * count / longest
            parts.append(Part(kind, count, x, 0, width, 0))
            x += width
    return tuple(parts)


def _nice(most: int) -> int:
    """A round number that is not less, four at the least."""
    power = 1
    while True:
        for digit in _NICE:
            if digit * power >= max(most, 4):
                return digit * power
        power *= 10


def _ticks(top: int) -> Sequence[int]:
    parts = 5 if top % 5 == 0 else 4
    return [top * n // parts for n in range(1, parts + 1) if top * n % parts == 0]
