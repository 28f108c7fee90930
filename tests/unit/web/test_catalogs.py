from __future__ import annotations

import re

import pytest

from daemon.language import FOLDER
from daemon.web.catalogs import extracted, languages, read, untranslated

SOURCE = extracted()
PLACE = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize(("tag", "path"), list(languages()), ids=lambda value: str(value)[-12:])
def test_every_text_is_translated(tag: str, path: object) -> None:
    catalog = read(FOLDER / tag / "LC_MESSAGES" / "messages.po", tag)
    assert untranslated(catalog, SOURCE) == [], "fill it in after python -m daemon.web.catalogs"


@pytest.mark.parametrize("tag", [tag for tag, _ in languages()])
def test_translations_keep_the_places_of_their_values(tag: str) -> None:
    catalog = read(FOLDER / tag / "LC_MESSAGES" / "messages.po", tag)
    for message in catalog:
        if message.id:
            wanted = set(PLACE.findall(str(message.id)))
            assert set(PLACE.findall(str(message.string))) <= wanted, message.id


def test_chinese_is_there_and_the_list_for_translators_is_fresh() -> None:
    assert "zh" in dict(languages())
    known = {message.id for message in read(FOLDER / "messages.pot", "en")}
    assert {message.id for message in SOURCE} <= known, "run python -m daemon.web.catalogs"
