"""The languages of pages and mails: texts by gettext, numbers and times by Babel.

A language is a folder of `daemon/locale/` with LC_MESSAGES/messages.po in it; English is what the sources say. The .po
files are read at start, so that a translator needs no compiler: he edits one and restarts. See web/catalogs.py.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

FOLDER: Final = Path(__file__).parent / "locale"
SOURCE: Final = "en"
MOST_TIMES: Final = 8192
"""So many formatted times are remembered: lists are shown again and again, and Babel takes its time."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language and a time zone in which somebody reads."""

    tag: str
    locale: Locale
    texts: gettext.NullTranslations
    zone: tzinfo

    def word(self, text: str) -> str:
        """The text in this language; an empty one stays empty."""
        return self.texts.gettext(text) if text else ""

    def number(self, value: float) -> str:
        """Such as 1,234."""
        return format_decimal(value, locale=self.locale)

    def moment(self, at: datetime, now: datetime) -> str:
        """The time if it is today, with the day else, with the year where it is another."""
        there, today = at.astimezone(self.zone), now.astimezone(self.zone)
        clock = self._skeleton("Hm", there)
        if there.date() == today.date():
            return clock
        day = self._skeleton("MMMd" if there.year == today.year else "yMMMd", there)
        return f"{day} {clock}"

    def full(self, at: datetime) -> str:
        """Day, time and zone in full, for who wants it exactly."""
        return _full(at, self.zone, self.locale)

    def dated(self, at: datetime) -> str:
        """Day and time, such as Nov 24, 2026 10:00: for what is read on another day."""
        there = at.astimezone(self.zone)
        return f"{self._skeleton('yMMMd', there)} {self._skeleton('Hm', there)}"

    def duration(self, seconds: float) -> str:
        """Minutes and seconds such as 1:23, or hours before them."""
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

    def size(self, count: int) -> str:
        """So many bytes, such as 1.4 MB."""
        if count < 1000:
            return f"{self.number(count)} B"
        unit, factor = ("kB", 1e3) if count < 1e6 else ("MB", 1e6)
        return f"{format_decimal(round(count / factor, 1), locale=self.locale)} {unit}"

    def _skeleton(self, skeleton: str, at: datetime) -> str:
        return _brief(skeleton, at.replace(second=0, microsecond=0), self.zone, self.locale)


@lru_cache(MOST_TIMES)
def _full(at: datetime, zone: tzinfo, locale: Locale) -> str:
    return format_datetime(at, "long", tzinfo=zone, locale=locale)


@lru_cache(MOST_TIMES)
def _brief(skeleton: str, at: datetime, zone: tzinfo, locale: Locale) -> str:
    """Such as are said in minutes."""
    return format_skeleton(skeleton, at, tzinfo=zone, locale=locale)


@dataclass(frozen=True, slots=True)
class Languages:
    """All of them by tag, such as en and zh; `house` is the one where nobody asks for another."""

    known: Mapping[str, Language]
    house: Language

    def choose(self, wanted: str | None, accepted: str = "") -> Language:
        """The language somebody is configured with, else the best of his browser's, else the house's."""
        for tag in (*([wanted] if wanted else ()), *_by_preference(accepted)):
            found = self._closest(tag)
            if found:
                return found
        return self.house

    def _closest(self, tag: str) -> Language | None:
        whole = tag.replace("-", "_")
        return self.known.get(whole) or self.known.get(whole.split("_")[0].lower())


def read_languages(house: str, time_zone: str, folder: Path = FOLDER) -> Languages:
    """Read the catalogs of a folder."""
    zone = ZoneInfo(time_zone)
    known = {SOURCE: Language(SOURCE, Locale.parse(SOURCE), gettext.NullTranslations(), zone)}
    for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
        tag = path.parent.parent.name
        try:
            locale = Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue
        known[tag] = Language(tag, locale, read_texts(path, tag), zone)
    everything = Languages(known, known[SOURCE])
    return Languages(known, everything.choose(house))


def read_texts(path: Path, tag: str) -> gettext.GNUTranslations:
    """A catalog, compiled in memory."""
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=tag))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _by_preference(accepted: str) -> Iterable[str]:
    """The tags of an Accept-Language header, best first (RFC 9110, 12.5.4); the first ten, junk left out."""
    weighed = []
    for part in accepted.split(",")[:10]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if tag.replace("-", "").isalnum() and quality > 0:
            weighed.append((quality, tag))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]
