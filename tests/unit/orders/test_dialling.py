from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.dialling import DialRules, to_dial

RULES = DialRules(allow=("+49*", "1*"), deny=("+49900*",))


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("+493023125117", "+493023125117"),
        ("030 23125117", "+493023125117"),
        ("(030) 231251-17", "+493023125117"),
        ("0049 30 23125117", "+493023125117"),
        ("1001", "1001"),
        ("  1001 ", "1001"),
    ],
)
def test_numbers_as_people_write_them_are_dialled(written: str, dialled: str) -> None:
    assert to_dial(written, "DE", RULES) == (dialled, None)


@pytest.mark.parametrize("written", ["+44 1632 960001", "00442079460001", "0900 1 234567", "+499001234567", "2001"])
def test_what_the_list_does_not_allow_is_not_dialled(written: str) -> None:
    assert to_dial(written, "DE", RULES) == ("", "not_allowed")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0",
        "s",
        "anonymous",
        "1001\r\nAction: Command",
        "10,01",
        "1001&SIP/x",
        "${EXTEN}",
        "*43",
        "+",
        "1" * 41,
        "19001234567890",
        "1001/n",
        "tel:1001",
        "+49 30 23125117;ext=1",
    ],
)
def test_what_is_no_number_is_not_dialled(written: str) -> None:
    assert to_dial(written, "DE", DialRules(allow=("*",))) == ("", "no_number")


def test_numbers_are_dialled_as_the_trunk_wants_them() -> None:
    rules = DialRules(allow=("*",), numbers="national", prefix="0")
    assert to_dial("+493023125117", "DE", rules) == ("003023125117", None)
    assert to_dial("+442079460001", "DE", rules) == ("000442079460001", None)
    assert to_dial("1001", "DE", rules) == ("1001", None)


@given(st.text(max_size=60))
def test_nothing_but_digits_ever_gets_to_the_pbx(written: str) -> None:
    dialled, trouble = to_dial(written, "DE", DialRules(allow=("*",)))
    assert (trouble is None) != (dialled == "")
    assert set(dialled) <= set("+0123456789")
    assert dialled == "" or len(dialled) >= 2
