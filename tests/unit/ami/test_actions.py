"""What may be written on AMI's lines."""

from __future__ import annotations

import pytest

from daemon.ami.actions import checked
from daemon.ami.errors import AmiInvalid


def test_an_action_and_its_repeated_headers_are_kept() -> None:
    action = {"Action": "Originate", "Variable": ("A=1", "B=2"), "CallerID": "Zoë <100>"}
    assert checked(action) == {"Action": "Originate", "Variable": ["A=1", "B=2"], "CallerID": "Zoë <100>"}


@pytest.mark.parametrize("value", ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b"])
def test_line_ends_and_nul_are_refused_and_the_value_not_repeated(value: str) -> None:
    with pytest.raises(AmiInvalid, match="header Data") as raised:
        checked({"Action": "Originate", "Data": value})
    assert "Command" not in str(raised.value)
    with pytest.raises(AmiInvalid):
        checked({"Action": "Originate", "Variable": ["ok", value]})


@pytest.mark.parametrize("name", ["", "A b", "A:b", "A\r\nB", "Ä", "1a"])
def test_names_of_headers_are_plain(name: str) -> None:
    with pytest.raises(AmiInvalid):
        checked({"Action": "Ping", name: "x"})


def test_a_line_has_at_most_1024_bytes_counted_as_sent() -> None:
    room = 1024 - len("Data: \r\n")
    assert checked({"Action": "X", "Data": "x" * room})
    with pytest.raises(AmiInvalid, match="1025 bytes"):
        checked({"Action": "X", "Data": "x" * (room + 1)})
    with pytest.raises(AmiInvalid):
        checked({"Action": "X", "Data": "ë" * (room // 2 + 1)})


def test_an_action_has_at_most_128_headers_with_its_action_id() -> None:
    assert checked({"Action": "X", "Variable": ["a"] * 126})
    with pytest.raises(AmiInvalid, match="128"):
        checked({"Action": "X", "Variable": ["a"] * 127})


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"Data": "x"},
        {"Action": "Ping", "ActionID": "1"},
        {"Action": "Ping", "actionid": "1"},
        {"Action": "a", "action": "b"},
    ],
)
def test_the_action_is_named_once_and_its_id_is_ours(action: dict[str, str]) -> None:
    with pytest.raises(AmiInvalid):
        checked(action)


def test_an_action_that_is_followed_has_a_mark_of_ours() -> None:
    assert checked({"Action": "Originate", "ActionID": "workorderd-1"})["ActionID"] == "workorderd-1"


def test_what_utf_8_can_not_carry_is_refused() -> None:
    with pytest.raises(AmiInvalid):
        checked({"Action": "X", "Data": "\udc80"})
