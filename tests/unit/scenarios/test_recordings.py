"""What was recorded from real Asterisks 16 and 22 comes to what it must come to, however the bytes arrive."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.ami.frames import Frame, FrameReader
from daemon.ami.replay import Outcome, judge_recording
from daemon.ami.translate import translate
from daemon.calls.board import Board
from daemon.calls.effects import CallJudged

FOLDER = Path(__file__).parents[2] / "scenarios"
RECORDINGS = sorted(FOLDER.glob("*/*.ami"))


def expected(recording: Path) -> list[dict[str, object]]:
    told = json.loads(recording.with_suffix(".json").read_text())
    return sorted(told, key=lambda call: str(call["uniqueid"]))


def judged(outcomes: list[Outcome]) -> list[dict[str, object]]:
    calls = [asdict(outcome) | {"queues": list(outcome.queues)} for outcome in outcomes]
    for call in calls:
        wait = call.pop("wait")
        assert isinstance(wait, float)
        assert wait >= 0
    return sorted(calls, key=lambda call: str(call["uniqueid"]))


def verdicts(frames: list[Frame], board: Board) -> dict[str, str]:
    effects = [e for f in frames if (event := translate(f.headers, f.at)) is not None for e in board.feed(event)]
    effects += board.end(frames[-1].at if frames else 0.0)
    return {e.call.uniqueid: e.verdict.reason for e in effects if isinstance(e, CallJudged)}


def truth(recording: Path) -> dict[str, str]:
    return {str(call["uniqueid"]): str(call["reason"]) for call in expected(recording)}


def test_there_is_a_recording_of_every_way_out_and_version() -> None:
    assert {path.parent.name for path in RECORDINGS} == {"16", "22"}
    assert len(RECORDINGS) >= 50


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recording_comes_to_what_it_must(recording: Path) -> None:
    assert judged(judge_recording(recording)) == expected(recording)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_bytes_may_be_cut_anywhere(recording: Path) -> None:
    data = recording.read_bytes()
    reader = FrameReader()
    frames = [frame for n in range(len(data)) for frame in reader.feed(data[n : n + 1], 0.0)]
    assert frames == FrameReader().feed(data, 0.0)
    assert verdicts(frames, Board()) == truth(recording)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_frame_twice_and_the_whole_again_changes_nothing(recording: Path) -> None:
    frames = [frame for frame in FrameReader().feed(recording.read_bytes(), 0.0) for _ in range(2)]
    assert verdicts([*frames, *frames], Board()) == truth(recording)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_recordings_of_one_pbx_may_be_told_in_any_mixture(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(RECORDINGS), min_size=2, max_size=4, unique=True))
    lanes = [FrameReader().feed(path.read_bytes(), 0.0) for path in chosen]
    frames: list[Frame] = []
    while any(lanes):
        lane = data.draw(st.sampled_from([lane for lane in lanes if lane]))
        count = data.draw(st.integers(1, 20))
        frames += lane[:count]
        del lane[:count]
    mixed = verdicts(frames, Board())
    for path in chosen:
        assert {u: mixed[u] for u in truth(path)} == truth(path)


def test_the_command_prints_one_object_a_call() -> None:
    recording = FOLDER / "22" / "timeout_then_abandoned.ami"
    command = [sys.executable, "-m", "daemon", "replay", str(recording), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    [call] = [json.loads(line) for line in done.stdout.splitlines()]
    assert set(call) == {"pbx", "uniqueid", "caller", "queues", "reason", "missed", "wait"}
    assert (call["reason"], call["missed"], call["queues"]) == ("abandoned", True, ["support", "sales"])


def test_a_file_that_is_no_recording_has_no_calls(tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(bytes(range(256)) * 1000)
    assert judge_recording(junk) == []


def test_a_missing_file_is_said_in_one_line() -> None:
    command = [sys.executable, "-m", "daemon", "replay", "/nowhere/file"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "/nowhere/file: No such file or directory\n"
