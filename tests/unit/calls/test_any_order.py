"""Whatever the threads of Asterisk do to the order of events of different channels, the verdicts stay."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.calls.board import Board
from daemon.calls.call import State
from daemon.calls.effects import CallJudged
from daemon.calls.events import (
    AgentCompleted,
    AgentConnected,
    BridgeEntered,
    CallerAbandoned,
    CallerJoined,
    CallerLeft,
    Event,
    HangupRequested,
    HungUp,
    Living,
    Logged,
    NumberReached,
    QueueReached,
    QueueStatusSet,
    ShutdownRequested,
    SnapshotTaken,
    WaiterReplaced,
    Waiting,
)
from daemon.calls.tracker import TRANSITIONS, track
from tests.unit.calls.ways_out import WAYS_OUT

SCRIPTS: list[tuple[list[Event], str]] = list(WAYS_OUT.values())


def renamed(event: Event, uniqueid: str) -> Event:
    values = {name: getattr(event, name) for name in event.__dataclass_fields__}
    values["uniqueid"] = uniqueid
    if "linkedid" in values:
        values["linkedid"] = uniqueid
    return type(event)(**values)


@st.composite
def busy_hours(draw: st.DrawFn) -> tuple[list[Event], dict[str, str]]:
    """Several callers at once: each one's events in order, the whole in any order, with repetitions."""
    chosen = draw(st.lists(st.sampled_from(SCRIPTS), min_size=1, max_size=6))
    lanes = [[renamed(event, f"17.{n}") for event in script] for n, (script, _) in enumerate(chosen)]
    told: list[Event] = []
    while any(lanes):
        lane = draw(st.sampled_from([lane for lane in lanes if lane]))
        event = lane.pop(0)
        told += [event] * draw(st.integers(1, 2))
        if draw(st.booleans()):
            told.append(draw(st.sampled_from(told)))
    return told, {f"17.{n}": reason for n, (_, reason) in enumerate(chosen)}


@given(busy_hours())
@settings(max_examples=400, deadline=None)
def test_interleaving_and_repetition_change_no_verdict(hours: tuple[list[Event], dict[str, str]]) -> None:
    told, expected = hours
    board = Board()
    judged = [effect for event in told for effect in board.feed(event) if isinstance(effect, CallJudged)]
    assert sorted((effect.call.uniqueid, effect.verdict.reason) for effect in judged) == sorted(expected.items())


@given(busy_hours())
@settings(max_examples=200, deadline=None)
def test_two_pbxs_with_equal_uniqueids_do_not_mix(hours: tuple[list[Event], dict[str, str]]) -> None:
    told, expected = hours
    here, there = Board(), Board()
    seen: dict[int, list[tuple[str, str]]] = {0: [], 1: []}
    for event in told:
        for n, board in enumerate((here, there)):
            seen[n] += [(e.call.uniqueid, e.verdict.reason) for e in board.feed(event) if isinstance(e, CallJudged)]
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(expected.items())


UNIQUEIDS = st.sampled_from(["17.1", "17.2", "17.3"])
QUEUES = st.sampled_from(["support", "sales", ""])
TIMES = st.floats(0, 200, allow_nan=False)
NUMBERS = st.sampled_from(["0301234567", "", "1000"])
WORDS = st.text(max_size=5)
STATUSES = st.sampled_from(["TIMEOUT", "FULL", "LEAVEEMPTY", "WITHDRAW", "CONTINUE", "junk"])
LOG_EVENTS = st.sampled_from(
    ["ENTERQUEUE", "ABANDON", "CONNECT", "COMPLETECALLER", "EXITWITHTIMEOUT", "EXITWITHKEY", "QUEUESTART", "JUNK"]
)
ANYTHING: st.SearchStrategy[Event] = st.one_of(
    st.builds(QueueReached, TIMES, UNIQUEIDS, UNIQUEIDS, QUEUES, NUMBERS, WORDS, WORDS),
    st.builds(CallerJoined, TIMES, UNIQUEIDS, UNIQUEIDS, QUEUES, NUMBERS, WORDS, WORDS, st.integers(1, 3)),
    st.builds(CallerAbandoned, TIMES, UNIQUEIDS, QUEUES),
    st.builds(CallerLeft, TIMES, UNIQUEIDS, QUEUES),
    st.builds(QueueStatusSet, TIMES, UNIQUEIDS, UNIQUEIDS, STATUSES, NUMBERS, WORDS, WORDS),
    st.builds(AgentConnected, TIMES, UNIQUEIDS, QUEUES, WORDS, WORDS, UNIQUEIDS),
    st.builds(AgentCompleted, TIMES, UNIQUEIDS, QUEUES, WORDS, WORDS, st.integers(0, 9)),
    st.builds(BridgeEntered, TIMES, UNIQUEIDS, st.booleans()),
    st.builds(HangupRequested, TIMES, UNIQUEIDS),
    st.builds(ShutdownRequested, TIMES, UNIQUEIDS),
    st.builds(HungUp, TIMES, UNIQUEIDS),
    st.builds(WaiterReplaced, TIMES, UNIQUEIDS, UNIQUEIDS, UNIQUEIDS, NUMBERS, WORDS),
    st.builds(NumberReached, TIMES, UNIQUEIDS, UNIQUEIDS, NUMBERS, WORDS, WORDS),
    st.builds(
        Logged, TIMES, UNIQUEIDS, QUEUES, WORDS, LOG_EVENTS, st.tuples(WORDS, NUMBERS, st.sampled_from(["1", "x"]))
    ),
    st.builds(
        SnapshotTaken,
        TIMES,
        st.tuples(st.builds(Waiting, UNIQUEIDS, QUEUES, st.just(1), TIMES, NUMBERS, WORDS)) | st.just(()),
        st.tuples(st.builds(Living, UNIQUEIDS, UNIQUEIDS, st.sampled_from(["Queue", "Dial"]), st.booleans()))
        | st.just(()),
        st.frozensets(UNIQUEIDS),
    ),
)


@given(st.lists(ANYTHING, max_size=40), st.booleans())
@settings(max_examples=600, deadline=None)
def test_no_nonsense_raises_and_no_call_is_judged_twice(events: list[Event], trusted: bool) -> None:
    board = Board()
    judged: list[str] = []
    for event in events:
        effects = (
            board.witness(event, trusted=trusted, torn=trusted) if isinstance(event, Logged) else board.feed(event)
        )
        judged += [e.call.uniqueid for e in effects if isinstance(e, CallJudged) and not e.revised]
        for call in board.calls.values():
            assert call.state is not State.ENDED
            assert all(stint.left_at is None or stint.left_at >= stint.joined_at for stint in call.stints)
    assert len(judged) == len(set(judged))


@given(
    st.lists(
        ANYTHING.filter(lambda e: not isinstance(e, Logged | SnapshotTaken | WaiterReplaced | NumberReached)),
        max_size=30,
    )
)
@settings(max_examples=400, deadline=None)
def test_every_step_leads_where_the_table_says(events: list[Event]) -> None:
    board = Board()
    for event in events:
        before = board.calls.get(event.uniqueid)  # type: ignore[union-attr]
        if before is not None:
            after, _ = track(before, event)
            step = TRANSITIONS[before.state].get(type(event))
            assert after is before if step is None else after is before or after.state in step.to
        board.feed(event)
