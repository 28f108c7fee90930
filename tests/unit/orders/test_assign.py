from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.assign import Candidate, Rule, choose


def agent(number: str, online: bool = True, unfinished: int = 0) -> Candidate:
    return Candidate(int(number), number, online, unfinished)


GROUP = (agent("1001"), agent("1000"), agent("999"))


def given_to(rule: Rule, *group: Candidate, last_spoke: int | None = None) -> str | None:
    choice = choose(rule, group or GROUP, last_spoke)
    return choice.agent.number if choice else None


def test_by_hand_nobody_gets_it() -> None:
    assert given_to(Rule()) is None


@pytest.mark.parametrize(
    ("last", "next_"),
    [("", "999"), ("999", "1000"), ("1000", "1001"), ("1001", "999"), ("1000000", "999"), ("5", "999")],
)
def test_in_turn_by_number_and_round_again(last: str, next_: str) -> None:
    assert given_to(Rule("agent_number_order", last_number=last)) == next_


def test_in_turn_leaves_out_who_is_away() -> None:
    rule = Rule("agent_number_order", last_number="999")
    assert given_to(rule, agent("999"), agent("1000", online=False), agent("1001")) == "1001"
    assert given_to(Rule("agent_number_order", "all", last_number="999"), agent("1000", online=False)) == "1000"


def test_who_has_least_to_do_gets_it_and_of_equals_the_lowest_number() -> None:
    rule = Rule("fewest_unfinished")
    assert (
        given_to(rule, agent("1000", unfinished=3), agent("1001", unfinished=1), agent("1002", unfinished=2)) == "1001"
    )
    assert given_to(rule, agent("1001"), agent("999")) == "999"


def test_nobody_gets_more_than_the_cap() -> None:
    rule = Rule("fewest_unfinished", cap=2)
    assert given_to(rule, agent("1000", unfinished=2), agent("1001", unfinished=1)) == "1001"
    assert given_to(rule, agent("1000", unfinished=2), agent("1001", unfinished=5)) is None


def test_nobody_online_means_waiting() -> None:
    assert given_to(Rule("agent_number_order"), agent("1000", online=False)) is None


def test_who_spoke_last_goes_first_and_the_round_stays_where_it_was() -> None:
    rule = Rule("agent_number_order", last_agent_first=True, last_number="999")
    choice = choose(rule, GROUP, 1001)
    assert choice is not None
    assert (choice.agent.number, choice.in_turn) == ("1001", False)
    assert given_to(rule, agent("1000"), agent("1001", online=False), last_spoke=1001) == "1000"


@given(st.sets(st.integers(1, 99_999).map(str), min_size=1, max_size=8), st.integers(1, 40))
def test_the_round_is_fair(numbers: set[str], orders: int) -> None:
    group, last, counts = [agent(number) for number in numbers], "", dict.fromkeys(numbers, 0)
    for _ in range(orders):
        choice = choose(Rule("agent_number_order", last_number=last), group)
        assert choice is not None
        assert choice.in_turn
        last = choice.agent.number
        counts[last] += 1
    assert max(counts.values()) - min(counts.values()) <= 1
