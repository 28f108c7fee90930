"""Cutting and sieving."""

from __future__ import annotations

import pytest

from daemon.ami.frames import FrameReader

JOIN = "Event: QueueCallerJoin\r\nUniqueid: 1.1\r\nCallerIDName: Zoë 销售\r\n\r\n".encode()
FLOOD = b"Event: VarSet\r\nUniqueid: 1.1\r\nVariable: X\r\nValue: 1\r\n\r\n"
STATUS = b"Event: VarSet\r\nUniqueid: 1.1\r\nVariable: QUEUESTATUS\r\nValue: TIMEOUT\r\n\r\n"
ANSWERED = b"Event: DialEnd\r\nDestUniqueid: 1.2\r\nDialStatus: ANSWER\r\n\r\n"
BUSY = b"Event: DialEnd\r\nDestUniqueid: 1.2\r\nDialStatus: BUSY\r\n\r\n"
ANSWER = b"Response: Success\r\nActionID: 7\r\nPing: Pong\r\n\r\n"
STREAM = JOIN + FLOOD + ANSWER + STATUS + BUSY + ANSWERED + JOIN
NAMES = ["QueueCallerJoin", "VarSet", "DialEnd", "QueueCallerJoin"]


def test_a_stream_cut_in_two_at_any_byte_reads_the_same() -> None:
    whole = FrameReader().feed(STREAM, 5.0)
    assert [frame.headers["Event"] for frame in whole] == NAMES
    for cut in range(len(STREAM) + 1):
        others: list[bytes] = []
        reader = FrameReader(others.append)
        assert reader.feed(STREAM[:cut], 5.0) + reader.feed(STREAM[cut:], 5.0) == whole
        assert others == [ANSWER[:-4]]


def test_a_stream_that_comes_byte_by_byte_reads_the_same() -> None:
    reader = FrameReader()
    frames = [frame for n in range(len(STREAM)) for frame in reader.feed(STREAM[n : n + 1], 5.0)]
    assert [frame.headers["Event"] for frame in frames] == NAMES
    assert frames[0].headers["CallerIDName"] == "Zoë 销售"


def test_bytes_that_are_not_utf_8_stay_tellable_apart() -> None:
    latin = FrameReader().feed("Event: Hangup\r\nUniqueid: 1.1\r\nCallerIDName: Zoë\r\n\r\n".encode("latin-1"), 5.0)
    assert latin[0].headers["CallerIDName"] == "Zo\\xeb"


def test_a_value_with_colons_and_a_value_without_are_kept() -> None:
    frame = FrameReader().feed(b"Event: Hangup\r\nA: b: c: d\r\nEmpty: \r\nno colon\r\n\r\n", 5.0)[0]
    assert frame.headers == {"Event": "Hangup", "A": "b: c: d", "Empty": ""}


def test_list_items_go_to_others_only_while_an_answer_is_expected() -> None:
    item = b"Event: CoreShowChannel\r\nActionID: 7\r\nUniqueid: 1.1\r\n\r\n"
    others: list[bytes] = []
    reader = FrameReader(others.append)
    assert reader.feed(item, 5.0) == []
    assert others == []
    reader.expecting = {"7": object()}
    reader.feed(item + FLOOD, 5.0)
    assert others == [item[:-4]]


def test_a_wanted_event_with_our_action_id_goes_both_ways() -> None:
    others: list[bytes] = []
    reader = FrameReader(others.append)
    reader.expecting = {"7": object()}
    hangup = b"Event: Hangup\r\nActionID: 7\r\nUniqueid: 1.1\r\n\r\n"
    assert len(reader.feed(hangup, 5.0)) == 1
    assert len(others) == 1


def test_news_of_asterisk_itself_goes_to_the_link() -> None:
    others: list[bytes] = []
    FrameReader(others.append).feed(b"Event: FullyBooted\r\nUptime: 3\r\n\r\nEvent: Shutdown\r\nX: y\r\n\r\n", 5.0)
    assert len(others) == 2


def test_banners_and_stray_line_ends_of_a_recording_are_passed_over() -> None:
    recording = (
        b"Asterisk Call Manager/11.0.0\r\n" + ANSWER + b"\r\n" + JOIN + b"Asterisk Call Manager/5.0.4\r\n" + JOIN
    )
    assert len(FrameReader().feed(recording, 5.0)) == 2


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
def test_a_frame_over_the_limit_is_dropped_counted_and_followed_by_the_next(step: int) -> None:
    reader = FrameReader(limit=200)
    stream = JOIN + b"Event: Hangup\r\nX: " + b"x" * 1000 + b"\r\n\r\n" + JOIN
    stream += b"Event: Hangup\r\nX: " + b"y" * 1000 + b"\r\n\r" + b"\n\r\n" + JOIN
    cuts = [stream[n : n + step] for n in range(0, len(stream), step)]
    frames = [frame for cut in cuts for frame in reader.feed(cut, 5.0)]
    joins = [frame for frame in frames if frame.headers["Event"] == "QueueCallerJoin"]
    assert len(joins) == 3
    assert reader.oversized == (0 if step == 100_000 else 2)


def test_of_dials_that_reach_nobody_only_those_of_our_own_calls_are_read() -> None:
    ours = BUSY.replace(b"DestUniqueid: 1.2", b"Uniqueid: workorderd-1\r\nDestUniqueid: 1.2")
    to_our_agent = BUSY.replace(b"1.2", b"workorderd-1")
    [frame] = FrameReader().feed(BUSY + ours + to_our_agent, 5.0)
    assert frame.uniqueid == "workorderd-1"
