"""The same life, as each version of Asterisk tells it. Each file says whether it was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.ami.frames import END, FrameReader, headers
from daemon.ami.translate import living, translate, waiting
from daemon.calls.events import (
    AgentCalled,
    AgentCompleted,
    AgentConnected,
    AgentNotReached,
    BridgeEntered,
    CallerAbandoned,
    CallerJoined,
    CallerLeft,
    Event,
    HangupRequested,
    HungUp,
    MemberSeen,
    NumberReached,
    QueueReached,
    QueueStatusSet,
)

FILES = sorted((Path(__file__).parent / "versions").glob("*.ami"))


def _told(file: Path) -> dict[type, Event]:
    events = [translate(frame.headers, frame.at) for frame in FrameReader().feed(file.read_bytes(), 5.0)]
    return {type(event): event for event in events if event is not None}


def _item(file: Path, name: str) -> dict[str, str]:
    return next(
        headers(part) for part in file.read_bytes().split(END) if part.startswith(b"Event: " + name.encode() + b"\r\n")
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_event_of_a_queue_call_is_understood(file: Path) -> None:
    assert set(_told(file)) == {
        QueueReached,
        CallerJoined,
        CallerAbandoned,
        CallerLeft,
        QueueStatusSet,
        AgentCalled,
        AgentConnected,
        AgentNotReached,
        AgentCompleted,
        BridgeEntered,
        HangupRequested,
        HungUp,
        MemberSeen,
        NumberReached,
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_caller_who_joins_is_told_with_his_name_and_number(file: Path) -> None:
    joined = _told(file)[CallerJoined]
    assert isinstance(joined, CallerJoined)
    assert (joined.name, joined.number, joined.queue, joined.extension) == (
        'O\'Brien "Zoë"',
        "4930123",
        "support",
        "support",
    )
    assert joined.position == 1
    assert joined.at > 1_795_000_000
    assert joined.linkedid == (joined.uniqueid if file.stem == "13.0" else joined.uniqueid[:-1] + "0")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_agent_is_told_with_interface_and_name(file: Path) -> None:
    connected = _told(file)[AgentConnected]
    assert isinstance(connected, AgentConnected)
    assert connected.member == "Bob"
    assert connected.interface.startswith("Local/")
    assert connected.dest_uniqueid not in ("", connected.uniqueid)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_reason_of_leaving_and_the_rest_are_told(file: Path) -> None:
    told = _told(file)
    status, completed, bridged = told[QueueStatusSet], told[AgentCompleted], told[BridgeEntered]
    assert isinstance(status, QueueStatusSet)
    assert status.status == "TIMEOUT"
    assert isinstance(completed, AgentCompleted)
    assert (completed.reason, completed.talk_time) == ("agent", 3)
    assert isinstance(bridged, BridgeEntered)
    assert not bridged.holding


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_snapshot_is_understood(file: Path) -> None:
    entry = waiting(_item(file, "QueueEntry"), 1000.0)
    assert (entry.queue, entry.position, entry.joined_at, entry.number) == ("support", 1, 997.0, "4930123")
    assert entry.name == 'O\'Brien "Zoë"'
    channel = living(_item(file, "CoreShowChannel"))
    assert channel.application
    assert channel.linkedid
