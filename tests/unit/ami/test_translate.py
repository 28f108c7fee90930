"""AMI's headers to events: what is meant, what is passed over, what is garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.ami.errors import BadFrame
from daemon.ami.frames import FrameReader
from daemon.ami.translate import WANTED, living, translate, unescape, waiting
from daemon.calls.events import (
    AgentCompleted,
    AgentConnected,
    BridgeEntered,
    CallerJoined,
    Event,
    NumberNotReached,
    NumberReached,
    OriginateAnswered,
    QueueReached,
    QueueStatusSet,
    ResultReported,
    WaiterReplaced,
)

JOIN = {"Event": "QueueCallerJoin", "Uniqueid": "1.1", "Queue": "support"}
HEADERS = sorted(
    {
        "Uniqueid", "UniqueID", "Linkedid", "Queue", "Interface", "MemberName", "CallerIDNum", "CallerIDName", "Exten",
        "Position", "Variable", "Value", "Application", "AppData", "DestUniqueid", "DestCallerIDNum", "DestExten",
        "DialStatus", "Timestamp", "BridgeType", "BridgeTechnology", "TalkTime", "Reason", "Result", "DestApp",
        "SecondTransfererUniqueid", "TransfereeUniqueid", "TransfereeLinkedid", "TransfereeCallerIDNum", "Status",
        "TransfereeCallerIDName", "Paused", "Channel", "Wait", "Name", "Location", "BridgeId",
    }
)  # fmt: skip
GARBAGE = st.one_of(
    st.text(max_size=400),
    st.sampled_from(["", "1.1", "Queue", "ANSWER", "QUEUESTATUS", "Success", "nan", "-1"]),
    st.sampled_from(["²", "٣", "9" * 30, "\\", "a\\n"]),
)  # fmt: skip


def told(**headers: str) -> Event | None:
    return translate(headers, 5.0)


@given(st.sampled_from(sorted(WANTED)), st.dictionaries(st.sampled_from(HEADERS), GARBAGE))
def test_garbage_is_an_event_or_nothing_or_a_bad_frame_but_never_another_error(
    name: str, headers: dict[str, str]
) -> None:
    try:
        event = translate({"Event": name, **headers}, 5.0)
    except BadFrame:
        return
    for value in (getattr(event, slot, "") for slot in getattr(event, "__slots__", ())):
        assert not isinstance(value, str) or (len(value) <= 255 and "\n" not in value and "\0" not in value)


@given(st.dictionaries(st.sampled_from(HEADERS), GARBAGE))
def test_garbage_in_a_snapshot_is_an_item_or_a_bad_frame(headers: dict[str, str]) -> None:
    for read in (lambda h: waiting(h, 5.0), living):
        try:
            read(headers)
        except BadFrame:
            continue


@given(st.binary(max_size=500))
def test_any_bytes_are_frames_or_nothing(data: bytes) -> None:
    for name in ("Hangup", "QueueCallerJoin"):
        for frame in FrameReader().feed(b"Event: " + name.encode() + b"\r\n" + data + b"\r\n\r\n", 5.0):
            try:
                translate(frame.headers, frame.at)
            except BadFrame:
                continue


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [("1795401976.464623", 1795401976.464623), ("17", 17.0), ("", 5.0), ("nan", 5.0), ("1e9", 5.0), ("1_0", 5.0)],
)
def test_the_time_is_asterisks_or_else_that_of_arrival(timestamp: str, at: float) -> None:
    event = told(**JOIN, Timestamp=timestamp)
    assert isinstance(event, CallerJoined)
    assert event.at == at


@pytest.mark.parametrize("number", ["<unknown>", "Anonymous", "<null>", "", "unknown", "Restricted"])
def test_a_withheld_number_is_empty(number: str) -> None:
    event = told(**JOIN, CallerIDNum=number, CallerIDName=number)
    assert isinstance(event, CallerJoined)
    assert (event.number, event.name) == ("", "")


@pytest.mark.parametrize("uniqueid", ["", "1" * 151, "1.1\n", "1\x00.1"])
def test_a_uniqueid_that_can_not_be_one_is_a_bad_frame(uniqueid: str) -> None:
    with pytest.raises(BadFrame, match="QueueCallerJoin: Uniqueid"):
        told(**{**JOIN, "Uniqueid": uniqueid})


def test_the_older_spelling_of_uniqueid_is_understood() -> None:
    event = told(Event="QueueCallerJoin", UniqueID="1.1", Queue="support")
    assert isinstance(event, CallerJoined)
    assert event.uniqueid == event.linkedid == "1.1"


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"O\'Brien", "O'Brien"),
        (r"\"Zo\"", '"Zo"'),
        (r"C:\\new", r"C:\new"),
        (r"what\?", "what?"),
        (r"\x41", r"\x41"),
        ("\\", "\\"),
    ],
)
def test_c_escapes_are_undone_once(escaped: str, plain: str) -> None:
    assert unescape(escaped) == plain
    event = told(**JOIN, CallerIDName=escaped)
    assert isinstance(event, CallerJoined)
    assert event.name == plain


def test_escaped_line_ends_do_not_become_line_ends() -> None:
    event = told(**JOIN, CallerIDName=r"a\r\nb")
    assert isinstance(event, CallerJoined)
    assert event.name == "a  b"


def test_names_and_numbers_are_cut() -> None:
    event = told(**JOIN, CallerIDName="n" * 999, CallerIDNum="1" * 999)
    assert isinstance(event, CallerJoined)
    assert (len(event.name), len(event.number)) == (255, 80)


def test_a_queue_is_reached_when_the_application_is_queue() -> None:
    event = told(Event="Newexten", Uniqueid="1.1", Application="Queue", AppData=" Support ,t,,,30", Exten="100")
    assert isinstance(event, QueueReached)
    assert (event.queue, event.extension) == ("Support", "100")
    assert told(Event="Newexten", Uniqueid="1.1", Application="QueueLog", AppData="support") is None
    assert told(Event="Newexten", Uniqueid="1.1", Application="Queue", AppData="") is None


def test_only_queuestatus_of_a_channel_is_told() -> None:
    event = told(Event="VarSet", Uniqueid="1.1", Variable="QUEUESTATUS", Value="FULL")
    assert isinstance(event, QueueStatusSet)
    assert event.status == "FULL"
    assert told(Event="VarSet", Uniqueid="none", Variable="QUEUESTATUS", Value="FULL") is None
    assert told(Event="VarSet", Uniqueid="1.1", Variable="QUEUESTATUS2", Value="FULL") is None
    assert told(Event="VarSet", Uniqueid="1.1", Variable="QUEUESTATUS", Value="") is None


def test_an_agentcomplete_that_lost_its_channel_is_passed_over() -> None:
    assert told(Event="AgentComplete", Queue="support", Interface="PJSIP/1", TalkTime="3") is None
    event = told(Event="AgentComplete", Uniqueid="1.1", Queue="support", Interface="PJSIP/1", TalkTime="x")
    assert isinstance(event, AgentCompleted)
    assert event.talk_time == 0


@pytest.mark.parametrize(
    ("kind", "technology", "holding"),
    [("basic", "simple_bridge", False), ("base", "holding_bridge", True), ("parking", "holding_bridge", True)],
)
def test_a_bridge_that_only_holds_is_told_as_such(kind: str, technology: str, holding: bool) -> None:
    event = told(Event="BridgeEnter", Uniqueid="1.1", BridgeType=kind, BridgeTechnology=technology)
    assert event == BridgeEntered(5.0, "1.1", holding)


def test_a_soft_hangup_is_no_hangup_of_the_far_end() -> None:
    assert told(Event="SoftHangupRequest", Uniqueid="1.1") is None


TRANSFER = {
    "Event": "AttendedTransfer",
    "Result": "Success",
    "DestType": "App",
    "DestApp": "Queue",
    "OrigTransfererUniqueid": "1.2",
    "SecondTransfererUniqueid": "1.3",
    "TransfereeUniqueid": "1.1",
    "TransfereeLinkedid": "1.0",
    "TransfereeCallerIDNum": "4930123",
    "TransfereeCallerIDName": r"O\'Brien",
}


def test_a_transferee_replaces_the_leg_that_waited() -> None:
    assert translate(TRANSFER, 5.0) == WaiterReplaced(5.0, "1.3", "1.1", "1.0", "4930123", "O'Brien")


@pytest.mark.parametrize("change", [{"Result": "Fail"}, {"DestApp": "Playback"}, {"DestApp": "QueueLog"}])
def test_other_transfers_replace_nobody(change: dict[str, str]) -> None:
    assert translate({**TRANSFER, **change}, 5.0) is None


def test_a_dialled_number_that_answers_is_reached() -> None:
    event = told(
        Event="DialEnd", Channel="PJSIP/1001-0000001a", Uniqueid="1.1", CallerIDNum="1001", Exten="0301234567",
        DestChannel="PJSIP/trunk-0000001b", DestUniqueid="1.2", DestCallerIDNum="0301234567", DialStatus="ANSWER",
    )  # fmt: skip
    assert event == NumberReached(5.0, "1.1", "1.2", "0301234567", "PJSIP/1001", "1001")


def test_the_extension_is_the_number_when_the_trunk_shows_the_callers_own() -> None:
    event = told(
        Event="DialEnd", Channel="PJSIP/1001-0000001a", Uniqueid="1.1", CallerIDNum="1001", Exten="0301234567",
        DestUniqueid="1.2", DestCallerIDNum="1001", DialStatus="ANSWER",
    )  # fmt: skip
    assert isinstance(event, NumberReached)
    assert event.number == "0301234567"


def test_a_number_dialled_by_asterisk_itself_is_reached_too() -> None:
    event = told(Event="DialEnd", DestUniqueid="1.2", DestCallerIDNum="+49301234567", DialStatus="ANSWER")
    assert event == NumberReached(5.0, "1.2", "1.2", "+49301234567", "", "")


def test_of_a_call_of_ours_every_end_is_told_and_of_the_telephone_that_rings_first_none() -> None:
    ours = {"Uniqueid": "workorderd-1", "DestUniqueid": "1.2", "CallerIDNum": "1000", "Exten": "+49301234567"}
    assert told(Event="DialEnd", **ours, DialStatus="BUSY") == NumberNotReached(5.0, "workorderd-1", "BUSY")
    reached = told(Event="DialEnd", **ours, DialStatus="ANSWER")
    assert reached == NumberReached(5.0, "workorderd-1", "1.2", "+49301234567", "", "1000")
    assert told(Event="DialEnd", DestUniqueid="workorderd-1", DestCallerIDNum="4930", DialStatus="ANSWER") is None


def test_whether_the_telephone_that_rings_first_was_taken_up() -> None:
    response = {"Event": "OriginateResponse", "ActionID": "workorderd-1", "Uniqueid": "<null>"}
    assert told(**response, Response="Failure", Reason="3") == OriginateAnswered(5.0, "workorderd-1", False, 3)
    assert told(**response, Response="Success", Reason="4") == OriginateAnswered(5.0, "workorderd-1", True, 4)
    assert told(**{**response, "ActionID": "7"}, Response="Success", Reason="4") is None


def test_a_result_is_reported_for_the_call_that_the_sender_names() -> None:
    report = {"Event": "UserEvent", "UserEvent": "CallResult", "Uniqueid": "1.1", "Agent": "1000", "Result": "solved"}
    assert told(**report) == ResultReported(5.0, "1.1", "1000", "solved", "")
    assert told(**report, Note="a\tb") == ResultReported(5.0, "1.1", "1000", "solved", "a b")
    assert told(**{**report, "UserEvent": "Other"}) is None
    for header in ("Uniqueid", "Agent", "Result"):
        with pytest.raises(BadFrame):
            told(**{**report, header: ""})


@pytest.mark.parametrize("status", ["BUSY", "NOANSWER", "CANCEL", "ANSWERED", ""])
def test_a_dial_without_answer_reaches_nobody(status: str) -> None:
    assert told(Event="DialEnd", Uniqueid="1.1", DestUniqueid="1.2", DialStatus=status) is None


def test_an_unwanted_event_is_nothing() -> None:
    assert told(Event="RTCPSent") is None
    assert told() is None


@pytest.mark.parametrize(
    ("interface", "channel", "whose"),
    [
        ("PJSIP/1000", "PJSIP/1000-0000001b", "PJSIP/1000"),
        ("PJSIP/1000", "PJSIP/1001-0000001b", "PJSIP/1001"),
        ("pjsip/1000", "PJSIP/1000-0000001b", "pjsip/1000"),
        ("PJSIP/1000/sip:1000@127.0.0.1", "PJSIP/1000-0000001b", "PJSIP/1000/sip:1000@127.0.0.1"),
        ("PJSIP/0301234567@trunk", "PJSIP/trunk-0000001b", "PJSIP/0301234567@trunk"),
        ("Local/1000@agents/n", "Local/1000@agents-0000001b;1", "Local/1000@agents/n"),
        ("Local/1000@agents/n", "Local/1001@agents-0000001b;1", "Local/1001@agents"),
        ("Local/1000@agents", "Local/1001@agents-0000001b;1", "Local/1000@agents"),
        ("Local/1000@from-queue/n", "PJSIP/1001-0000001b", "Local/1000@from-queue/n"),
        ("DAHDI/1", "DAHDI/2-1", "DAHDI/1"),
        ("PJSIP/1000", "", "PJSIP/1000"),
    ],
)
def test_a_call_that_was_picked_up_is_that_of_the_other_telephone(interface: str, channel: str, whose: str) -> None:
    frame = {"Event": "AgentConnect", "Uniqueid": "1.1", "Queue": "support", "Interface": interface}
    told = translate(frame | {"MemberName": "Anna", "DestChannel": channel}, 0)
    assert isinstance(told, AgentConnected)
    assert (told.interface, told.member) == (whose, "Anna" if whose == interface else "")
