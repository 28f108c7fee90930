from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.number import read_number


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("030 1234567", "+49301234567"),
        ("+49 (30) 123-4567", "+49301234567"),
        ("0049301234567", "+49301234567"),
        ("+8613812345678", "+8613812345678"),
        ("1000", None),
        ("0666", None),
    ],
)
def test_a_number_is_read_with_the_habits_of_the_region(raw: str, e164: str | None) -> None:
    assert read_number(raw, "DE").e164 == e164


@pytest.mark.parametrize(
    "raw", ["", "anonymous", "Anonymous", "unknown", "<unknown>", "<script>", "  ", "'; DROP TABLE call"]
)
def test_what_nobody_can_call_back_is_hidden(raw: str) -> None:
    number = read_number(raw, "DE")
    assert number.hidden
    assert number.key is None


def test_the_same_caller_has_the_same_key_however_he_is_written() -> None:
    assert len({read_number(raw, "DE").key for raw in ("0301234567", "+49301234567", "0049 30 1234567")}) == 1


def test_an_extension_and_a_number_that_ends_like_it_are_two_callers() -> None:
    assert read_number("1234567", "DE").key != read_number("0301234567", "DE").key


def test_last_digits_are_kept_for_numbers_that_are_no_e164() -> None:
    assert read_number("9990301234567", "DE", 7).tail == "1234567"


@given(st.text(max_size=200), st.sampled_from(["DE", "US", "CN", "ZZ", "??"]))
def test_no_text_raises(raw: str, region: str) -> None:
    number = read_number(raw, region)
    assert len(number.raw) <= 80
    assert number.e164 is None or number.e164.startswith("+")
