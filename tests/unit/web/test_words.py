from __future__ import annotations

from typing import get_args

from daemon.calls.verdict import REASONS
from daemon.orders.missed import Why
from daemon.orders.order import NodeStatus, Status
from daemon.web import words


def test_every_reason_has_words() -> None:
    assert set(words.REASONS) == set(words.REASONS_IN_FULL) == {*REASONS, "answered"}


def test_every_cause_for_no_order_has_words() -> None:
    assert set(words.LISTINGS) == set(get_args(Why)) - {""}


def test_every_status_has_words() -> None:
    assert set(words.STATUSES) == set(Status)
    assert set(words.NODE_STATUSES) == set(NodeStatus)
