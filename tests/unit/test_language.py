from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daemon.language import read_languages
from daemon.web import words

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LANGUAGES = read_languages("en", "Europe/Berlin")


@pytest.mark.parametrize(
    ("wanted", "accepted", "tag"),
    [
        ("zh", "en", "zh"),
        ("zh_CN", "", "zh"),
        ("tlh", "zh", "zh"),
        (None, "fr, zh-CN;q=0.8, en;q=0.5", "zh"),
        (None, "en;q=0.2, zh;q=0.9", "zh"),
        (None, "zh;q=0", "en"),
        (None, "zh;q=junk, *, ;;;,", "en"),
        (None, "", "en"),
    ],
)
def test_a_page_speaks_the_agents_language_else_the_browsers_else_the_houses(
    wanted: str | None, accepted: str, tag: str
) -> None:
    assert LANGUAGES.choose(wanted, accepted).tag == tag


def test_the_house_speaks_the_language_of_the_configuration() -> None:
    assert read_languages("zh", "UTC").choose(None).tag == "zh"
    assert read_languages("pt_BR", "UTC").choose(None).tag == "en"


def test_times_are_those_of_the_house_and_as_short_as_the_day_allows() -> None:
    english, chinese = LANGUAGES.known["en"], LANGUAGES.known["zh"]
    assert english.moment(NOON, NOON) == "13:00"
    assert english.moment(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), NOON) == "00:30"
    assert english.moment(datetime(2026, 11, 21, 9, tzinfo=UTC), NOON) == "Nov 21 10:00"
    assert english.moment(datetime(2025, 11, 21, 9, tzinfo=UTC), NOON) == "Nov 21, 2025 10:00"
    assert chinese.moment(datetime(2026, 11, 21, 9, tzinfo=UTC), NOON) == "11月21日 10:00"


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (83, "1:23"), (3723, "1:02:03")])
def test_a_duration_is_shown_in_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert LANGUAGES.house.duration(seconds) == shown


def test_codes_are_said_in_words() -> None:
    assert LANGUAGES.known["zh"].word(words.REASONS["abandoned"]) == "来电者挂断"
    assert words.word(words.REASONS, "of_tomorrow") == "of_tomorrow"
