"""Who is told by mail: whom it concerns, once, and not who did it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.orders.letters import MOST_COPIES, Message, letters_of
from daemon.orders.notices import Happening
from daemon.orders.order import Order
from daemon.orders.template import Group

ANNA, BEN, CARL = 1, 2, 3
GROUP = Group(5, 1, "support", "Support", frozenset({ANNA, BEN, CARL}), frozenset({ANNA}))
ORDER = Order(id=12, team_id=1, template_id=7, group_id=5, owner_id=BEN, cc="boss@example.com; ; BEN@example.com")
ADDRESSES = {ANNA: "anna@example.com", BEN: "ben@example.com"}


def told(
    *happened: Happening, by: int | None = None, order: Order = ORDER, copies: tuple[str, ...] | None = None
) -> list[tuple[str, str]]:
    lists = (order.cc,) if copies is None else copies
    letters = letters_of(happened, order, GROUP, lists, ADDRESSES, by, frozenset(Message))
    return [(letter.message.value, letter.to.address) for letter in letters]


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (Happening.ORDER_ASSIGNED, [("assigned", "ben@example.com")]),
        (Happening.ORDER_RETURNED, [("returned", "anna@example.com"), ("returned", "ben@example.com")]),
        (Happening.ORDER_ESCALATED, [("escalated", "anna@example.com"), ("escalated", "ben@example.com")]),
        (Happening.ORDER_REMINDED, [("reminded", "ben@example.com")]),
        (
            Happening.ORDER_STATUS_CHANGED,
            [("status_changed", "boss@example.com"), ("status_changed", "BEN@example.com")],
        ),
        (Happening.ORDER_REPLIED, []),
        (Happening.ORDER_CREATED, []),
    ],
)
def test_whom_it_concerns_is_told(happened: Happening, expected: list[tuple[str, str]]) -> None:
    assert told(happened) == expected


def test_nobody_is_told_of_what_he_did_himself() -> None:
    assert told(Happening.ORDER_STATUS_CHANGED, Happening.ORDER_RETURNED, by=BEN) == [
        ("returned", "anna@example.com"),
        ("status_changed", "boss@example.com"),
    ]


def test_one_step_is_one_mail_to_each_and_says_what_matters_most() -> None:
    happened = (Happening.ORDER_STATUS_CHANGED, Happening.ORDER_ASSIGNED, Happening.ORDER_RETURNED)
    assert told(*happened) == [
        ("returned", "anna@example.com"),
        ("returned", "ben@example.com"),
        ("status_changed", "boss@example.com"),
    ]


def test_who_has_no_address_is_told_nothing() -> None:
    assert told(Happening.ORDER_ASSIGNED, order=replace(ORDER, owner_id=CARL)) == []


def test_what_is_switched_off_is_not_sent() -> None:
    happened = (Happening.ORDER_ASSIGNED, Happening.ORDER_RETURNED)
    letters = letters_of(happened, ORDER, GROUP, (), ADDRESSES, None, frozenset({Message.ASSIGNED}))
    assert [letter.message for letter in letters] == [Message.ASSIGNED]


def test_a_list_without_end_ends() -> None:
    many = ";".join(f"a{n}@example.com" for n in range(10_000))
    assert len(told(Happening.ORDER_STATUS_CHANGED, copies=(many, many))) == MOST_COPIES
