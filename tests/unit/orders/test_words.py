from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.customer import Dialling
from daemon.orders.words import LONGEST_WORD, MOST_TERMS, MOST_WORDS, Query, Term, Word, fold, read_query, words_of

GERMANY, AMERICA = Dialling("DE"), Dialling("US", 7)


def exactly(*words: str) -> tuple[Term, ...]:
    return tuple(Term((Word(word),)) for word in words)


def beginning(word: str) -> Term:
    return Term((Word(word, prefix=True),))


def matches(query: Query, words: tuple[str, ...]) -> bool:
    return all(
        any(
            word.text in words or (word.prefix and any(each.startswith(word.text) for each in words))
            for word in term.words
        )
        for term in query.terms
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Call back, please!", ("call", "back", "please")),
        ("Müller-Lüdenscheidt", ("muller", "ludenscheidt")),
        ("Straße STRASSE", ("strasse",)),
        ("Łódź Øre Đorđe ÆON", ("lodz", "ore", "dorde", "aeon")),
        ("ＡＢＣ　１２", ("abc", "12")),
        ("Ёлка Й", ("елка", "и")),
        ("订单", ("订单", "单")),
        ("退款单 7", ("退款", "款单", "单", "7")),
        ("カタカナx", ("カタ", "タカ", "カナ", "ナ", "x")),
        ("ไทย", ("ไท", "ทย", "ย")),
        ("snake_case", ("snake", "case")),
        ("a\x00b\ud800c", ("a", "b", "c")),
        ("", ()),
        ("+49 30 1234567", ("49", "30", "1234567", "~76543210394")),
        ("(030) 123-4567", ("030", "123", "4567", "~7654321030")),
        ("on 2026-11-23", ("on", "2026", "11", "23")),
        ("12345", ("12345",)),
        ("123456", ("123456", "~654321")),
        ("9" * 60, ("9" * LONGEST_WORD,)),
    ],
)
def test_words_are_without_case_accents_and_punctuation(text: str, words: tuple[str, ...]) -> None:
    assert words_of([text]) == words


def test_an_order_has_a_limited_number_of_words_of_limited_length() -> None:
    words = words_of(["first", " ".join(f"w{n}" for n in range(1000)), "last"])
    assert len(words) == MOST_WORDS
    assert words[0] == "first"
    assert "last" not in words
    assert words_of(["x" * 100]) == ("x" * LONGEST_WORD,)
    assert words_of(["same", "Same sâme"]) == ("same",)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Müller ref", Query((*exactly("muller"), beginning("ref")))),
        ("Müller ref ", Query(exactly("muller", "ref"))),
        ("ref ref", Query((*exactly("ref"), beginning("ref")))),
        ("退款单", Query(exactly("退款", "款单"))),
        ("王 x ", Query((beginning("王"), *exactly("x")))),
        ("x" * 41, Query(exactly("x" * 40))),
        ("#7-123", Query((), "#7-123")),
        ("# 7 - 123 refund ", Query(exactly("refund"), "#7-123")),
        ("7-123", Query((*exactly("7"), beginning("123")), "#7-123", doubtful=True)),
        ("4567", Query((Term((Word("4567", prefix=True), Word("~7654", prefix=True))),))),
        ("456 x", Query((*exactly("456"), beginning("x")))),
        ("+49 30 1234567 x", Query((beginning("~76543210"), beginning("x")))),
        ("  ", Query()),
        ("!", Query()),
    ],
)
def test_a_query_is_read_as_its_writer_means_it(text: str, query: Query) -> None:
    assert read_query(text, GERMANY) == query
    assert bool(query) == bool(query.terms or query.serial)


@pytest.mark.parametrize("stored", ["+49301234567", "030 1234567", "0049 (30) 123 45 67", "030/1234567", "0301234567"])
@pytest.mark.parametrize(
    "asked",
    [
        "+49301234567",
        "030 1234567",
        "(030) 123-4567",
        "0049301234567",
        "1234567",
        "4567",
        "0301234567",
        "+49 30 / 1234567",
    ],
)
def test_a_number_is_found_however_it_is_written(stored: str, asked: str) -> None:
    assert matches(read_query(asked, GERMANY), words_of([f"call {stored} soon"]))


def test_a_short_number_is_found_with_its_zero_and_without() -> None:
    query = read_query("089 55555", GERMANY)
    assert query.terms == (Term((Word("~55555989", prefix=True), Word("~55555980", prefix=True))),)
    assert matches(query, words_of(["089 55555"]))
    assert matches(query, words_of(["+498955555"]))


@pytest.mark.parametrize("asked", ["+49 30 1234568", "030 7654321", "12345678", "123456"])
def test_another_number_is_not_found(asked: str) -> None:
    assert not matches(read_query(asked, GERMANY), words_of(["+49301234567"]))


def test_a_number_without_a_zero_in_front_is_one_where_the_team_dials_so() -> None:
    assert read_query("212 555-0100", AMERICA).terms == (beginning("~0010555"),)
    assert read_query("212 555-0100").terms[:2] == exactly("212", "555")


def test_a_long_query_is_read_to_a_limit() -> None:
    assert len(read_query("一二三四五六七八九十" * 100, GERMANY).terms) <= MOST_TERMS
    assert len(read_query(" ".join(f"w{n}" for n in range(100))).terms) == MOST_TERMS


@given(st.text(max_size=300))
def test_words_are_short_and_safe_for_a_pattern(text: str) -> None:
    words = words_of([text])
    assert all(0 < len(word) <= LONGEST_WORD for word in words)
    assert not any(set(word) & set(" %_\\\x00") for word in words)
    assert fold(fold(text)) == fold(text)


@given(st.lists(st.text(alphabet="abc é退款单7", min_size=1, max_size=8), min_size=1, max_size=5))
def test_every_text_is_found_by_itself(texts: list[str]) -> None:
    words = words_of(texts)
    for text in texts:
        assert matches(read_query(text), words), text
