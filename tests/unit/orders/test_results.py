from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.errors import InvalidError
from daemon.orders.results import Choice, Result, Wish, is_changeable, read_choice
from tests.builders import NOON

SOLVED = Result("solved", {"en": "Solved", "zh": "已解决"})
COMPLAINT = Result("complaint", {"de": "Beschwerde"}, template_id=7, note="required")
LATER = Result("later", callback="required")
WRONG = Result("wrong", note="none")
OFFERED = (SOLVED, COMPLAINT, LATER, WRONG)
SOON = NOON + timedelta(hours=1)


def faults(wish: Wish) -> list[tuple[str, str]]:
    with pytest.raises(InvalidError) as raised:
        read_choice(OFFERED, wish, NOON)
    return [(fault.where, fault.rule) for fault in raised.value.faults]


def test_a_result_that_demands_nothing_is_chosen_as_it_is() -> None:
    assert read_choice(OFFERED, Wish("solved"), NOON) == Choice("solved", "", None, None)


def test_blanks_around_a_note_are_nothing() -> None:
    assert read_choice(OFFERED, Wish("solved", "  he is happy \n"), NOON).note == "he is happy"


def test_a_call_back_is_mine_unless_it_is_for_anyone() -> None:
    assert read_choice(OFFERED, Wish("later", callback_at=SOON), NOON).callback_for == "me"
    assert read_choice(OFFERED, Wish("later", "", SOON, "anyone"), NOON).callback_for == "anyone"


def test_without_a_time_there_is_no_call_back_for_anybody() -> None:
    assert read_choice(OFFERED, Wish("solved", callback_for="anyone"), NOON) == Choice("solved", "", None, None)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish("sold"), ("result", "option")),
        (Wish(""), ("result", "option")),
        (Wish("complaint", "   "), ("note", "required")),
        (Wish("wrong", "but why"), ("note", "none")),
        (Wish("solved", "x" * 2001), ("note", "too_long")),
        (Wish("later"), ("callback_at", "required")),
        (Wish("solved", "", SOON), ("callback_at", "none")),
        (Wish("later", "", NOON - timedelta(minutes=2)), ("callback_at", "past")),
        (Wish("later", "", NOON + timedelta(days=4000)), ("callback_at", "too_far")),
        (Wish("later", "", SOON, "everybody"), ("callback_for", "option")),
    ],
)
def test_what_a_result_does_not_allow_is_refused_by_name(wish: Wish, expected: tuple[str, str]) -> None:
    assert faults(wish) == [expected]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    both = replace(LATER, note="required")
    with pytest.raises(InvalidError) as raised:
        read_choice((both,), Wish("later"), NOON)
    assert [fault.where for fault in raised.value.faults] == ["note", "callback_at"]


def test_a_result_may_change_until_the_window_after_the_call_is_over() -> None:
    window = timedelta(minutes=60)
    assert is_changeable(None, NOON, window)
    assert is_changeable(NOON, NOON + window, window)
    assert not is_changeable(NOON, NOON + window + timedelta(seconds=1), window)


def test_a_label_is_said_in_the_language_or_the_next_best() -> None:
    assert [SOLVED.label("zh"), SOLVED.label("zh_TW"), SOLVED.label("fr")] == ["已解决", "已解决", "Solved"]
    assert COMPLAINT.label("fr") == "Beschwerde"
    assert LATER.label("en") == "later"
