"""An address to reply to opens one order for one agent, and nobody makes one up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.reply_address import LONGEST_NAME, ReplyTo, read_address, write_address

KEY = b"k" * 32
BASE = "desk@example.com"


@given(st.integers(1, 10**18 - 1), st.integers(1, 10**9))
def test_what_was_written_is_read_again_in_capitals_too(order_id: int, agent_id: int) -> None:
    to = ReplyTo(order_id, agent_id)
    address = write_address(BASE, KEY, to)
    assert read_address(BASE, KEY, address) == to == read_address(BASE, KEY, address.upper())


def test_no_address_is_longer_than_mail_servers_allow() -> None:
    address = write_address("d" * LONGEST_NAME + "@example.com", KEY, ReplyTo(10**9, 10**6))
    assert len(address.partition("@")[0]) <= 64


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address.replace("+12-", "+13-"),
        lambda address: address.replace("-3-", "-4-"),
        lambda address: address.replace("example.com", "example.org"),
        lambda address: address.replace("desk+", "desk"),
        lambda address: "desk+12-3-@example.com",
        lambda address: BASE,
        lambda address: "",
    ],
)
def test_what_was_changed_is_no_address_of_ours(change: object) -> None:
    address = write_address(BASE, KEY, ReplyTo(12, 3))
    assert read_address(BASE, KEY, change(address)) is None  # type: ignore[operator]


def test_another_key_opens_nothing() -> None:
    assert read_address(BASE, b"x" * 32, write_address(BASE, KEY, ReplyTo(12, 3))) is None


@given(st.text())
def test_whatever_is_asked_is_answered(address: str) -> None:
    assert read_address(BASE, KEY, address) is None
