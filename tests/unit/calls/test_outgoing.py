from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.calls.events import HungUp, NumberNotReached, NumberReached, OriginateAnswered
from daemon.calls.outgoing import MARK, Outgoing, OutgoingEvent, Phase, after, over

OURS = MARK + "1"


def taken() -> OriginateAnswered:
    return OriginateAnswered(1.0, OURS, answered=True, reason=4)


def not_taken(reason: int) -> OriginateAnswered:
    return OriginateAnswered(1.0, OURS, answered=False, reason=reason)


def reached() -> NumberReached:
    return NumberReached(2.0, OURS, "2.1", "+493012345", "PJSIP/1000", "1000")


def missed(status: str) -> NumberNotReached:
    return NumberNotReached(2.0, OURS, status)


def down() -> HungUp:
    return HungUp(3.0, OURS)


def played(*events: OutgoingEvent) -> Outgoing:
    call = Outgoing()
    for event in events:
        call = after(call, event)
    return call


@pytest.mark.parametrize(
    ("events", "phase", "outcome"),
    [
        ((), "agent_rings", ""),
        ((taken(),), "rings", ""),
        ((taken(), reached()), "talks", "answered"),
        ((taken(), reached(), down()), "over", "answered"),
        ((taken(), missed("BUSY"), down()), "over", "busy"),
        ((taken(), missed("NOANSWER"), down()), "over", "no_answer"),
        ((taken(), missed("CANCEL"), down()), "over", "cancelled"),
        ((taken(), missed("CONGESTION"), down()), "over", "failed"),
        ((taken(), missed("CHANUNAVAIL"), down()), "over", "failed"),
        ((taken(), missed("BUSY"), reached(), down()), "over", "answered"),
        ((taken(), reached(), missed("CANCEL"), down()), "over", "answered"),
        ((taken(), down()), "over", "failed"),
        ((not_taken(3),), "over", "not_taken"),
        ((not_taken(1),), "over", "not_taken"),
        ((not_taken(5),), "over", "not_taken"),
        ((not_taken(0),), "over", "unreachable"),
        ((not_taken(8),), "over", "unreachable"),
        ((down(), not_taken(3)), "over", "not_taken"),
    ],
)
def test_what_came_of_a_call(events: tuple[OutgoingEvent, ...], phase: str, outcome: str) -> None:
    call = played(*events)
    assert (call.phase.value, call.outcome) == (phase, outcome)


def test_a_lost_link_leaves_open_what_came_of_it_unless_that_was_known() -> None:
    assert over(played(taken()), "unknown").outcome == "unknown"
    assert over(played(taken(), reached()), "unknown").outcome == "answered"


@given(st.lists(st.sampled_from([taken(), not_taken(3), reached(), missed("BUSY"), down()]), max_size=8))
def test_whatever_comes_in_whatever_order_what_is_over_stays_and_has_an_outcome(events: list[OutgoingEvent]) -> None:
    call = Outgoing()
    for event in events:
        before, call = call, after(call, event)
        assert before.phase is not Phase.OVER or call == before
        assert call.phase is not Phase.OVER or call.outcome != ""
