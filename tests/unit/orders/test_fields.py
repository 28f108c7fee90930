from __future__ import annotations

from collections.abc import Mapping

import pytest

from daemon.errors import InvalidError
from daemon.orders.fields import Field, changes, define, label, read_fields

PRODUCT = Field("product", "input", {"en": "Product", "zh": "产品"}, required=True, max_length=12)
SEVERITY = Field("severity", "select", {"en": "Severity"}, options=("low", "medium", "high"), default="medium")
INTEREST = Field("interest", "select", {"en": "Interest"}, options=("phone", "headset"), can_enter=True)
REMARK = Field("remark", "text", {"en": "Remark"})
BOUGHT = Field("boughtOn", "date", {"en": "Bought on"})
MEETING = Field("meeting", "datetime", {"en": "Meeting"})
PHOTO = Field("photo", "upload", {"en": "Photo"}, required=True)
ALL = (PRODUCT, SEVERITY, INTEREST, REMARK, BOUGHT, MEETING, PHOTO)


def faults(given: Mapping[str, str | None], *, complete: bool = False) -> list[tuple[str, str]]:
    with pytest.raises(InvalidError) as refused:
        read_fields(ALL, given, complete=complete)
    return [(fault.where, fault.rule) for fault in refused.value.faults]


def what(given: Mapping[str, str | None]) -> str:
    with pytest.raises(InvalidError) as refused:
        read_fields(ALL, given, complete=False)
    return refused.value.faults[0].what


def test_a_new_order_gets_defaults_and_what_was_given() -> None:
    assert read_fields(ALL, {"product": " Lamp "}, complete=True) == {"product": "Lamp", "severity": "medium"}


def test_a_default_that_was_emptied_by_hand_stays_empty() -> None:
    assert read_fields(ALL, {"product": "Lamp", "severity": ""}, complete=True) == {"product": "Lamp"}


def test_what_is_not_given_is_not_touched_and_what_is_empty_is_removed() -> None:
    assert read_fields(ALL, {"remark": None, "interest": "  ", "boughtOn": ""}, complete=False) == {
        "remark": "",
        "interest": "",
        "boughtOn": "",
    }
    assert read_fields(ALL, {}, complete=False) == {}


def test_every_fault_is_told_at_once_with_its_place_and_its_rule() -> None:
    given = {
        "product": "x" * 13,
        "severity": "hihg",
        "interest": "two\nlines",
        "remark": "a\x07b",
        "boughtOn": "2026-02-30",
        "meeting": "tomorrow",
        "photo": "7",
        "colour": "red",
    }
    assert sorted(faults(given)) == [
        ("fields/boughtOn", "date"),
        ("fields/colour", "unknown_field"),
        ("fields/interest", "line_break"),
        ("fields/meeting", "datetime"),
        ("fields/photo", "upload"),
        ("fields/product", "too_long"),
        ("fields/remark", "control"),
        ("fields/severity", "option"),
    ]


@pytest.mark.parametrize("complete", [True, False])
def test_a_required_value_can_not_be_emptied_nor_left_out_of_a_new_order(complete: bool) -> None:
    assert faults({"product": " "}, complete=complete) == [("fields/product", "required")]
    assert faults({}, complete=True) == [("fields/product", "required")]


def test_a_required_upload_is_not_missed_because_files_come_after_the_order() -> None:
    assert "photo" not in read_fields(ALL, {"product": "Lamp"}, complete=True)
    assert read_fields(ALL, {"photo": None}, complete=False) == {"photo": ""}


def test_faults_say_what_is_allowed() -> None:
    assert what({"severity": "hihg"}) == "'hihg' is none of the options; did you mean high?"
    assert what({"severity": "LOW"}) == "'LOW' is none of the options; did you mean low?"
    assert what({"severity": "zzz"}) == "'zzz' is none of the options; allowed: low, medium, high"
    assert what({"remrk": "x"}) == "'remrk' is no field of this template; did you mean remark?"
    assert what({"remark": "x" * 10_001}) == "at most 10000 characters are allowed; there are 10001"
    assert what({"boughtOn": "20261225"}) == "'20261225' is no date; one such as 2026-12-25 is allowed"
    assert what({"severity": "y" * 70}) == f"'{'y' * 57}...' is none of the options; allowed: low, medium, high"


def test_a_select_that_takes_other_words_takes_them() -> None:
    assert read_fields(ALL, {"interest": "a car"}, complete=False) == {"interest": "a car"}
    assert faults({"interest": "x" * 256}) == [("fields/interest", "too_long")]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-12-25T18:30", "2026-12-25T18:30"),
        ("2026-12-25 18:30", "2026-12-25T18:30"),
        ("2026-12-25T18:30:00", "2026-12-25T18:30"),
        ("2026-12-25T18:30:00.000", "2026-12-25T18:30"),
        ("0001-01-01T00:00", "0001-01-01T00:00"),
    ],
)
def test_a_date_and_time_is_stored_in_one_form(written: str, stored: str) -> None:
    assert read_fields(ALL, {"meeting": written}, complete=False) == {"meeting": stored}


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-25",
        "2026-12-25T18:30:01",
        "2026-12-25T18:30Z",
        "2026-12-25T18:30+01:00",
        "2026-12-25T24:00",
        "2026-13-25T10:00",
        "٢٠٢٦-١٢-٢٥T18:30",
    ],
)
def test_what_is_no_date_and_time_of_the_house_is_refused(written: str) -> None:
    assert faults({"meeting": written}) == [("fields/meeting", "datetime")]


@pytest.mark.parametrize(
    "written", ["2025-02-29", "0000-01-01", "2026-1-1", "2026-W01-1", "25.12.2026", "１２３４-12-25"]
)
def test_what_is_no_date_is_refused(written: str) -> None:
    assert faults({"boughtOn": written}) == [("fields/boughtOn", "date")]


def test_long_text_keeps_its_lines_and_one_kind_of_line_break() -> None:
    assert read_fields(ALL, {"remark": "a\r\nb\rc\n\td"}, complete=False) == {"remark": "a\nb\nc\n\td"}


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x9f", "\ud800"])
def test_control_characters_are_refused_in_every_text(character: str) -> None:
    assert faults({"remark": f"a{character}b", "product": f"a{character}b"}) == [
        ("fields/product", "control"),
        ("fields/remark", "control"),
    ]


@pytest.mark.parametrize("character", ["\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_line_has_no_line_break_of_any_kind(character: str) -> None:
    assert faults({"product": f"a{character}b"}) == [("fields/product", "line_break")]


def test_what_looks_like_code_is_text() -> None:
    hostile = "'; DROP TABLE x; <script>"
    assert read_fields((REMARK,), {"remark": hostile}, complete=False) == {"remark": hostile}


def test_thousands_of_unknown_fields_are_told_and_only_the_first_compared() -> None:
    given = dict.fromkeys((f"remark{n}" for n in range(5000)), "x")
    with pytest.raises(InvalidError) as refused:
        read_fields(ALL, given, complete=False)
    assert len(refused.value.faults) == 5000
    assert sum("did you mean" in fault.what for fault in refused.value.faults) == 20


def test_changes_are_what_differs_with_old_and_new() -> None:
    old = {"a": "1", "b": "2", "kept": "x"}
    assert changes(old, {"a": "1", "b": "", "c": "3", "d": ""}) == {"b": ["2", ""], "c": ["", "3"]}


@pytest.mark.parametrize(
    ("labels", "language", "told"),
    [
        ({"en": "E", "zh": "Z"}, "zh_Hant", "Z"),
        ({"en": "E", "de": "D"}, "fr", "D"),
        ({"en": "E", "zh": "Z"}, "fr", "E"),
        ({"zh": "Z"}, "fr", "Z"),
        ({}, "fr", "product"),
    ],
)
def test_a_label_is_in_the_nearest_language_that_there_is(labels: dict[str, str], language: str, told: str) -> None:
    assert label(Field("product", "input", labels), language, "de_AT") == told


def test_a_field_is_read_from_a_stored_definition() -> None:
    spec = {
        "identity": "severity",
        "type": "select",
        "display_as": {"en": "Severity"},
        "options": "low, high",
        "select_can_enter": False,
        "required": False,
        "help": None,
        "default": "low",
        "max_length": None,
    }
    expected = Field("severity", "select", {"en": "Severity"}, options=("low", "high"), default="low")
    assert define(spec) == expected
    assert define({"identity": "a"}) == Field("a", "input", {})
