from __future__ import annotations

import re
from dataclasses import replace

import pytest

from daemon.calls.verdict import REASONS, Verdict
from daemon.orders.missed import Decision, Policy, decide, matches
from daemon.orders.number import read_number

POLICY = Policy(automatic=True)
CALLER = read_number("0301234567", "DE")
HIDDEN = read_number("anonymous", "DE")


def given_up(reason: str = "abandoned", wait: float = 20.0) -> Verdict:
    return Verdict(reason, "support", wait)


@pytest.mark.parametrize("reason", REASONS)
def test_what_counts_as_missed_by_default(reason: str) -> None:
    decided = decide(given_up(reason), CALLER, 0, POLICY)
    assert decided.missed == (reason in {"abandoned", "cut_off", "lost", "timeout", "empty", "full"})


def test_what_counts_is_the_queues_choice() -> None:
    assert decide(given_up("key"), CALLER, 0, replace(POLICY, reasons=frozenset({"key"}))).order
    assert not decide(given_up(), CALLER, 0, replace(POLICY, reasons=frozenset({"key"}))).missed


def test_a_wait_of_exactly_the_minimum_deserves_an_order() -> None:
    assert decide(given_up(wait=5), CALLER, 0, replace(POLICY, minimum_wait=5)).order
    assert decide(given_up(wait=4.99), CALLER, 0, replace(POLICY, minimum_wait=5)).why == "short"


@pytest.mark.parametrize(
    ("treatment", "listed", "order", "why"),
    [("order", True, True, ""), ("list", True, False, "hidden"), ("ignore", False, False, "ignored")],
)
def test_hidden_numbers(treatment: str, listed: bool, order: bool, why: str) -> None:
    policy = replace(POLICY, hidden_numbers=treatment)  # type: ignore[arg-type]
    assert decide(given_up(), HIDDEN, 0, policy) == Decision(True, listed, order, why)  # type: ignore[arg-type]


def test_a_queue_that_no_configuration_knows_is_listed_and_makes_no_order() -> None:
    assert decide(given_up(), CALLER, 0, None) == Decision(True, True, False, "unknown_queue")


def test_internal_callers_must_match_as_a_whole() -> None:
    policy = replace(POLICY, internal_numbers=re.compile(r"\d{4}"))
    assert decide(given_up(), read_number("1000", "DE"), 0, policy).why == "internal"
    assert decide(given_up(), CALLER, 0, policy).order


@pytest.mark.parametrize(
    ("entry", "is_match"),
    [("0301234567", True), ("+49301234567", True), ("+4930*", True), ("030*", True), ("+4930", False), ("*", True)],
)
def test_blacklist_entries_match_raw_or_e164(entry: str, is_match: bool) -> None:
    assert matches(CALLER, [entry]) is is_match
