"""Whose telephones ring: told by events alone, and by what real Asterisks sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.ami.frames import FrameReader
from daemon.ami.translate import translate
from daemon.calls.events import (
    AgentCalled,
    AgentConnected,
    AgentNotReached,
    CallerAbandoned,
    CallerLeft,
    Event,
    HungUp,
)
from daemon.calls.ringing import NOTHING, Bells, Change

RECORDINGS = sorted((Path(__file__).parents[2] / "scenarios").glob("*/*.ami"))


def rings(caller: str, interface: str, at: float = 1.0) -> AgentCalled:
    return AgentCalled(at, caller, "support", interface, interface.title(), "030123", "Ada")


def ends(change: Change) -> set[tuple[str, str]]:
    assert not change.began
    return {(rung.uniqueid, rung.interface) for rung in change.ended}


def test_a_telephone_rings_since_the_first_time_however_often_the_queue_says_so() -> None:
    bells = Bells()
    [rung] = bells.feed(rings("a", "PJSIP/1")).began
    assert (rung.at, rung.member, rung.number, rung.name) == (1.0, "Pjsip/1", "030123", "Ada")
    assert bells.feed(rings("a", "PJSIP/1", 9.0)) == NOTHING


@pytest.mark.parametrize(
    "event",
    [
        AgentConnected(2.0, "a", "support", "PJSIP/1", "", "x"),
        CallerAbandoned(2.0, "a", "support"),
        CallerLeft(2.0, "a", "support"),
        HungUp(2.0, "a"),
    ],
)
def test_when_one_answers_or_the_caller_goes_nobody_rings_for_him_and_the_others_do(event: Event) -> None:
    bells = Bells()
    for interface in ("PJSIP/1", "PJSIP/2"):
        bells.feed(rings("a", interface))
        bells.feed(rings("b", interface))
    assert ends(bells.feed(event)) == {("a", "PJSIP/1"), ("a", "PJSIP/2")}
    assert bells.feed(event) == NOTHING
    assert ends(bells.clear()) == {("b", "PJSIP/1"), ("b", "PJSIP/2")}


def test_who_does_not_pick_up_rings_no_more_and_rings_again_in_the_next_round() -> None:
    bells = Bells()
    bells.feed(rings("a", "PJSIP/1"))
    assert ends(bells.feed(AgentNotReached(2.0, "a", "support", "PJSIP/1"))) == {("a", "PJSIP/1")}
    assert bells.feed(AgentNotReached(2.0, "a", "support", "PJSIP/1")) == NOTHING
    assert [rung.at for rung in bells.feed(rings("a", "PJSIP/1", 5.0)).began] == [5.0]


def test_what_never_ends_is_forgotten_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.calls.ringing.MOST", 3)
    bells = Bells()
    changes = [bells.feed(rings(f"caller {n}", "PJSIP/1")) for n in range(5)]
    assert [[rung.uniqueid for rung in change.ended] for change in changes] == [[], [], [], ["caller 0"], ["caller 1"]]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_when_a_recording_is_over_nothing_rings(recording: Path) -> None:
    bells, began, ended = Bells(), 0, 0
    for frame in FrameReader().feed(recording.read_bytes(), 0.0):
        event = translate(frame.headers, 0.0)
        change = bells.feed(event) if event is not None else NOTHING
        began, ended = began + len(change.began), ended + len(change.ended)
    left = bells.clear().ended
    assert began == ended + len(left)
    assert not left or "waits" in recording.stem or "still" in recording.stem


def test_the_recordings_have_telephones_that_ring() -> None:
    frames = [f for recording in RECORDINGS for f in FrameReader().feed(recording.read_bytes(), 0.0)]
    assert sum(isinstance(translate(frame.headers, 0.0), AgentCalled) for frame in frames) > 20
