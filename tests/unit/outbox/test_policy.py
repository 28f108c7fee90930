"""What becomes of a parcel, and of its endpoint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daemon.outbox.policy import (
    OPENS_AFTER,
    Answer,
    Circuit,
    Delivered,
    GiveUp,
    Kind,
    Retry,
    Rules,
    decide,
)

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULES = Rules(attempts=4, first_pause=timedelta(seconds=10), longest_pause=timedelta(seconds=30))
TAKEN, DOWN = Answer(Kind.TAKEN, "200"), Answer(Kind.DOWN, "503")


def seconds(decision: object) -> float:
    assert isinstance(decision, Retry)
    return (decision.at - AT).total_seconds()


def test_what_is_taken_is_delivered() -> None:
    assert decide(TAKEN, 1, AT, RULES, 0.5) == Delivered()


def test_pauses_double_up_to_the_longest() -> None:
    assert [seconds(decide(DOWN, n, AT, RULES, 0.0)) for n in (1, 2, 3)] == [5, 10, 15]
    assert seconds(decide(DOWN, 1, AT, Rules(attempts=10**6), 0.0)) == 2.5
    assert seconds(decide(DOWN, 10**5, AT, Rules(attempts=10**6), 0.0)) == 3 * 3600


def test_jitter_stays_between_half_of_the_pause_and_all_of_it() -> None:
    assert seconds(decide(DOWN, 1, AT, RULES, 0.999)) == pytest.approx(10, abs=0.01)


def test_it_is_parked_after_the_last_attempt() -> None:
    assert decide(DOWN, 4, AT, RULES, 0.0) == GiveUp("attempts")


def test_a_refusal_is_parked_at_once() -> None:
    assert decide(Answer(Kind.REFUSED, "410"), 1, AT, RULES, 0.0) == GiveUp("refused")


def test_retry_after_is_honoured_where_it_is_later_and_not_for_ever() -> None:
    later = Answer(Kind.LATER, "429", "", timedelta(minutes=10))
    assert seconds(decide(later, 1, AT, RULES, 0.0)) == 600
    sooner = Answer(Kind.LATER, "429", "", timedelta(seconds=1))
    assert seconds(decide(sooner, 1, AT, RULES, 0.0)) == 5
    for_ever = Answer(Kind.LATER, "429", "", timedelta(days=10_000))
    assert seconds(decide(for_ever, 1, AT, RULES, 0.0)) == 86400


def failed(times: int, at: datetime = AT) -> Circuit:
    circuit = Circuit()
    for _ in range(times):
        circuit = circuit.after(DOWN, at, RULES)
    return circuit


def test_an_endpoint_that_fails_again_and_again_is_left_alone_and_then_tried_by_one() -> None:
    assert failed(OPENS_AFTER - 1).slots(AT, 8) == 8
    circuit = failed(OPENS_AFTER)
    assert circuit.is_open
    assert circuit.slots(AT, 8) == 0
    assert circuit.slots(AT + timedelta(seconds=10), 8) == 1
    assert circuit.after(TAKEN, AT, RULES).slots(AT, 8) == 8


def test_it_rests_longer_each_time() -> None:
    first = failed(OPENS_AFTER)
    later = AT + timedelta(seconds=10)
    second = first.after(DOWN, later, RULES)
    assert second.open_until == later + timedelta(seconds=20)


def test_answers_that_were_under_way_when_the_circuit_opened_do_not_lengthen_the_rest() -> None:
    assert failed(OPENS_AFTER + 3).open_until == failed(OPENS_AFTER).open_until


def test_an_answer_that_takes_nothing_yet_shows_that_the_endpoint_lives() -> None:
    assert failed(OPENS_AFTER).after(Answer(Kind.LATER, "400"), AT, RULES) == Circuit()


def test_an_endpoint_that_names_a_time_is_left_alone_at_once() -> None:
    busy = Answer(Kind.DOWN, "503", "", timedelta(minutes=3))
    assert Circuit().after(busy, AT, RULES).open_until == AT + timedelta(minutes=3)
