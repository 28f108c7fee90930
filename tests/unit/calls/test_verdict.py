"""Every row of the table of ways out, and what else may happen to a call."""

from __future__ import annotations

import pytest

from daemon.calls.board import Board
from daemon.calls.effects import CallerReached, CallJudged
from daemon.calls.events import (
    CallerJoined,
    Event,
    Living,
    NumberReached,
    SnapshotTaken,
    WaiterReplaced,
    Waiting,
)
from daemon.calls.tracker import Rules
from daemon.calls.verdict import Verdict
from tests.unit.calls.ways_out import (
    ABANDONED,
    ANSWERED,
    TIMED_OUT,
    WAYS_OUT,
    U,
    abandon,
    bridge,
    connect,
    hangup,
    join,
    leave,
    log,
    reach,
    request,
)


def play(events: list[Event], board: Board | None = None) -> list[object]:
    board = board or Board()
    return [effect for event in events for effect in board.feed(event)]


def verdicts(effects: list[object]) -> list[Verdict]:
    return [effect.verdict for effect in effects if isinstance(effect, CallJudged)]


@pytest.mark.parametrize(("events", "reason"), WAYS_OUT.values(), ids=WAYS_OUT)
def test_every_way_out_of_a_queue_has_its_reason(events: list[Event], reason: str) -> None:
    assert [verdict.reason for verdict in verdicts(play(events))] == [reason]


@pytest.mark.parametrize(("events", "reason"), WAYS_OUT.values(), ids=WAYS_OUT)
def test_repeated_events_change_no_verdict(events: list[Event], reason: str) -> None:
    doubled = [event for event in events for _ in range(2)]
    assert [verdict.reason for verdict in verdicts(play([*doubled, *doubled]))] == [reason]


def test_a_call_that_reaches_no_queue_is_no_ones_business() -> None:
    assert play([bridge(1), request(2), hangup(3)]) == []


def test_the_wait_is_the_sum_of_all_stints() -> None:
    [verdict] = verdicts(play(WAYS_OUT["time-out, then given up in the second queue"][0]))
    assert verdict.wait == pytest.approx(29.91 + 8.0)
    assert verdict.queue == "sales"


def test_a_caller_who_is_talked_to_is_reached_at_once() -> None:
    [reached] = [effect for effect in play(ANSWERED[:5]) if isinstance(effect, CallerReached)]
    assert (reached.number, reached.member, reached.how) == ("0301234567", "Anna", "own_call")


def test_an_outgoing_call_that_is_answered_reaches_the_number() -> None:
    dialled = NumberReached(5, "17.5", "17.6", "0301234567", "PJSIP/1000", "1000")
    assert play([dialled]) == [CallerReached(5, "0301234567", "PJSIP/1000", "", "1000", "17.5", "call_back")]


def test_a_queues_own_dialling_is_no_call_back() -> None:
    board = Board()
    play([reach(1), join(1.1)], board)
    assert board.feed(NumberReached(5, U, "17.6", "1000", "PJSIP/trunk", "0301234567")) == ()


def test_the_heir_of_a_waiting_leg_is_the_caller() -> None:
    consulting, customer = "17.1", "17.2"
    board = Board()
    play([join(1, u=consulting, number="1000")], board)
    play([WaiterReplaced(5, consulting, customer, customer, "0309999", "Bob"), hangup(5.1, consulting)], board)
    effects = play(
        [request(9, customer), abandon(9.1, u=customer), leave(9.2, u=customer), hangup(9.3, customer)], board
    )
    [judged] = [effect for effect in effects if isinstance(effect, CallJudged)]
    assert (judged.verdict.reason, judged.call.number, judged.call.wait) == ("abandoned", "0309999", pytest.approx(8.2))


def test_after_a_gap_who_neither_waits_nor_lives_is_lost() -> None:
    board = Board()
    play([reach(1), join(1.1)], board)
    [judged] = [e for e in board.feed(SnapshotTaken(50, (), ())) if isinstance(e, CallJudged)]
    assert judged.verdict.reason == "lost"


def test_after_a_gap_who_still_waits_still_waits() -> None:
    board = Board()
    play([reach(1), join(1.1)], board)
    shot = SnapshotTaken(50, (Waiting(U, "Support", 1, 1.0, "0301234567", "Ada"),), (Living(U, U, "Queue", False),))
    assert board.feed(shot) == ()
    assert [v.reason for v in verdicts(play(ABANDONED[2:], board))] == ["abandoned"]


def test_after_a_gap_who_talks_in_queue_was_answered() -> None:
    board = Board()
    play([reach(1), join(1.1)], board)
    play([SnapshotTaken(50, (), (Living(U, U, "Queue", True),))], board)
    assert [v.reason for v in verdicts(play([hangup(60)], board))] == ["answered"]


def test_a_snapshot_proves_nothing_of_calls_with_newer_events() -> None:
    board = Board()
    play([reach(1), join(1.1)], board)
    assert board.feed(SnapshotTaken(20, (), (), frozenset({U}))) == ()
    assert [v.reason for v in verdicts(play(ABANDONED[2:], board))] == ["abandoned"]


def test_a_caller_found_waiting_was_not_seen_to_join_and_counts_all_the_same() -> None:
    board = Board()
    play([SnapshotTaken(50, (Waiting(U, "support", 1, 30.0, "0301234567", "Ada"),), ())], board)
    [verdict] = verdicts(play([request(60), abandon(60.1), leave(60.2), hangup(60.3)], board))
    assert (verdict.reason, verdict.wait) == ("abandoned", pytest.approx(30.2))


def test_queue_log_tells_who_came_and_went_in_a_gap() -> None:
    board = Board()
    rows = [log(10, "ENTERQUEUE", "", "0307777", "1"), log(25, "ABANDON", "1", "1", "15")]
    for row in rows:
        board.witness(row, trusted=True)
    [judged] = [e for e in board.feed(SnapshotTaken(50, (), ())) if isinstance(e, CallJudged)]
    assert (judged.verdict.reason, judged.call.number, judged.verdict.wait) == ("abandoned", "0307777", 15)


def test_an_end_without_a_beginning_is_believed_where_rows_may_be_missing() -> None:
    board = Board()
    row = log(25, "ABANDON", "1", "1", "15")
    assert board.witness(row, trusted=True) == ()
    board.witness(row, trusted=True, torn=True)
    [judged] = [e for e in board.feed(SnapshotTaken(50, (), ())) if isinstance(e, CallJudged)]
    assert (judged.verdict.reason, judged.verdict.wait) == ("abandoned", 15)


def test_outside_a_gap_queue_log_is_a_witness_and_no_judge() -> None:
    board = Board()
    row = log(25, "ABANDON", "1", "1", "15", u="surrogate")
    assert board.disagrees(row)
    assert board.witness(row, trusted=False) == ()
    assert not board.calls


def test_who_was_taken_for_a_surrogates_owner_and_gave_up_himself_is_missed() -> None:
    board = Board()
    play([reach(1), join(10.2)], board)
    board.witness(log(24, "ABANDON", "1", "1", "14", u="surrogate"), trusted=True)
    board.witness(log(25, "ABANDON", "1", "1", "15"), trusted=True)
    [judged] = [e for e in board.feed(SnapshotTaken(50, (), ())) if isinstance(e, CallJudged)]
    assert judged.verdict.reason == "abandoned"


def test_who_lives_after_queue_logs_abandon_did_not_hang_up() -> None:
    board = Board()
    play([reach(1), join(10.2)], board)
    board.witness(log(25, "ABANDON", "1", "1", "15"), trusted=True)
    play([SnapshotTaken(50, (), (Living(U, U, "Wait", False),))], board)
    [verdict] = verdicts(play([request(60), hangup(60.1)], board))
    assert verdict.reason == "moved"


@pytest.mark.parametrize("trusted", [True, False])
def test_queue_logs_abandon_of_one_who_was_redirected_and_talks_on_says_nothing(trusted: bool) -> None:
    board = Board()
    play([reach(1), join(1.1), abandon(9), leave(9.1)], board)
    assert board.witness(log(9, "ABANDON", "1", "1", "8"), trusted=trusted) == ()
    assert board.feed(SnapshotTaken(20, (), (Living(U, U, "Wait", False),))) == ()
    assert [v.reason for v in verdicts(play([request(60), hangup(60.1)], board))] == ["moved"]


def test_a_surrogate_in_queue_log_means_that_the_waiting_caller_was_taken() -> None:
    board = Board()
    play([reach(1), join(10.2)], board)
    board.witness(log(25, "ABANDON", "1", "1", "15", u="surrogate"), trusted=True)
    [judged] = [e for e in board.feed(SnapshotTaken(50, (), ())) if isinstance(e, CallJudged)]
    assert judged.verdict.reason == "moved"


def test_a_restarted_pbx_has_lost_all_who_waited_and_kept_what_was_said() -> None:
    board = Board()
    play([reach(1), join(1.1), *ANSWERED[:0]], board)
    play([join(2, u="17.2"), leave(3, u="17.2"), connect(4, u="17.2"), bridge(5, u="17.2")], board)
    effects = board.witness(log(30, "QUEUESTART", queue="NONE", u="NONE"), trusted=True)
    assert {e.call.uniqueid: e.verdict.reason for e in effects if isinstance(e, CallJudged)} == {
        U: "lost",
        "17.2": "answered",
    }


def test_without_class_dialplan_a_time_out_is_provisional_until_queue_log_confirms_it() -> None:
    board = Board(Rules(sees_status=False))
    [verdict] = verdicts(play([join(1.1), abandon(31), leave(31.01), request(40), hangup(40.1)], board))
    assert (verdict.reason, verdict.provisional) == ("moved", True)
    [revised] = board.witness(log(31, "EXITWITHTIMEOUT", "1", "1", "30"), trusted=False)
    assert isinstance(revised, CallJudged)
    assert (revised.verdict.reason, revised.revised, revised.verdict.provisional) == ("timeout", True, False)


def test_who_is_put_back_into_the_queue_that_let_him_go_waits_on_whatever_queue_log_tells_of_the_first_stay() -> None:
    board = Board()
    play([*TIMED_OUT, reach(31.03), join(31.04)], board)
    assert board.witness(log(31, "EXITWITHTIMEOUT", "1", "1", "30"), trusted=True) == ()
    assert board.witness(log(31, "ENTERQUEUE", "", "0301234567", "1"), trusted=True) == ()
    [verdict] = verdicts(play([request(50), abandon(50.01), leave(50.02), hangup(50.03)], board))
    assert (verdict.reason, verdict.wait) == ("abandoned", pytest.approx(31.01 - 1.1 + 50.02 - 31.04))


def test_a_row_by_a_clock_that_is_ahead_begins_no_second_stay() -> None:
    board = Board()
    play([reach(1), join(1.1)], board)
    assert board.witness(log(5, "ENTERQUEUE", "", "0301234567", "1"), trusted=False) == ()
    [judged] = [e for e in play(ABANDONED[2:], board) if isinstance(e, CallJudged)]
    assert len(judged.call.stints) == 1


def test_who_was_answered_in_a_gap_was_reached() -> None:
    board = Board()
    board.witness(log(10, "ENTERQUEUE", "", "0307777", "1"), trusted=True)
    effects = board.witness(log(25, "CONNECT", "15", "1", "3"), trusted=True)
    [reached] = [e for e in effects if isinstance(e, CallerReached)]
    assert (reached.at, reached.number, reached.member, reached.queue) == (25, "0307777", "Anna", "support")


def test_who_gave_up_in_a_gap_did_so_when_queue_log_says_and_not_when_we_looked() -> None:
    board = Board()
    board.witness(log(10, "ENTERQUEUE", "", "0307777", "1"), trusted=True)
    board.witness(log(25, "ABANDON", "1", "1", "15"), trusted=True)
    [judged] = [e for e in board.feed(SnapshotTaken(5000, (), ())) if isinstance(e, CallJudged)]
    assert judged.call.ended_at == 25


def test_an_agents_consulting_leg_is_no_caller_who_was_missed() -> None:
    board = Board()
    play(ANSWERED[:5], board)
    consulting = CallerJoined(20, "17.77", U, "sales", "1000", "", "100", 1)
    gone = [request(30, "17.77"), abandon(30.1, "sales", "17.77"), leave(30.2, "sales", "17.77"), hangup(30.3, "17.77")]
    assert [v.reason for v in verdicts(play([consulting, *gone], board))] == ["after_talk"]


def test_ended_calls_are_forgotten_in_time() -> None:
    board = Board()
    for n in range(50):
        play([join(n * 1000, u=str(n)), hangup(n * 1000 + 5, str(n))], board)
    assert len(board.ended) < 5
    assert not board.calls
