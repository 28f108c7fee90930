"""From AMI's headers to `daemon.calls.events`; pure.

`WANTED` is the one table of what is wanted from the stream: the reader passes over every other event by its name in
bytes, before it decodes anything; `only` are bytes that must be somewhere in the frame, for events of which few are
meant. It is a cheap sieve and may let too much through: translators look again and say None.

Strict about what a call can't do without (uniqueid, queue, interface): `BadFrame`. Lenient about the rest: an absurd
position is 0, an absurd Timestamp is the time of arrival, a name that is too long is cut.

Sources: main/manager_channels.c (ast_manager_build_channel_state_string_prefix: since 13.5 it escapes CallerIDName and
ConnectedLineName, nothing else), main/manager_bridges.c, apps/app_queue.c, of Asterisk 13 to 23.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from daemon.ami.errors import BadFrame
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
    Living,
    MemberGone,
    MemberSeen,
    NumberNotReached,
    NumberReached,
    OriginateAnswered,
    QueueReached,
    QueueStatusSet,
    ResultReported,
    ShutdownRequested,
    WaiterReplaced,
    Waiting,
)
from daemon.calls.outgoing import MARK, ours

Headers = Mapping[str, str]

NAME_LENGTH: Final = 255
NUMBER_LENGTH: Final = 80
QUEUE_LENGTH: Final = 128  # app_queue.c keeps 80
NOTE_LENGTH: Final = 1000  # a line of AMI has 1024 bytes
UNIQUEID_LENGTH: Final = 150  # AST_MAX_PUBLIC_UNIQUEID is 149

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TIME: Final = re.compile(r"[0-9]{1,11}(\.[0-9]{1,9})?")
_ESCAPE: Final = re.compile(r"\\([abfnrtv\\'\"?])")
_ESCAPED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WITHHELD: Final = frozenset(
    {"<unknown>", "unknown", "anonymous", "<null>", "(null)", "null", "restricted", "unavailable", "private", "none"}
)
_NO_CHANNEL: Final = "none"  # pbx_variables.c: Uniqueid of the VarSet of a global variable
_DIALLED: Final = re.compile(r"\+?[0-9*#]{2,}")
_CHANNEL_TAIL: Final = re.compile(r"-[0-9a-f]{8,}(;[12])?$")


def translate(headers: Headers, arrived: float) -> Event | None:
    """The event that this frame tells of; None when it tells nothing of interest.

    Time is the header Timestamp (manager.conf: timestampevents=yes), else `arrived`. Raises BadFrame, and nothing else.
    """
    name = headers.get("Event", "")
    wanted = WANTED.get(name)
    if wanted is None:
        return None
    stamp = headers.get("Timestamp", "")
    return wanted.into(headers, float(stamp) if _TIME.fullmatch(stamp) else arrived)


def waiting(headers: Headers, now: float) -> Waiting:
    """A QueueEntry, in the answer to QueueStatus; Wait counts whole seconds. Raises BadFrame."""
    return Waiting(
        _uniqueid(headers),
        _queue(headers),
        _count(headers, "Position"),
        now - _count(headers, "Wait"),
        _number(headers, "CallerIDNum"),
        _withheld(_text(headers, "CallerIDName", NAME_LENGTH)),
    )


def living(headers: Headers) -> Living:
    """A CoreShowChannel, in the answer to CoreShowChannels. Raises BadFrame."""
    uniqueid = _uniqueid(headers)
    bridged = bool(_text(headers, "BridgeId", NAME_LENGTH))
    return Living(uniqueid, _linkedid(headers, uniqueid), _text(headers, "Application", NAME_LENGTH), bridged)


def member(headers: Headers, at: float) -> MemberSeen:
    """A QueueMember of QueueStatus, or an event of one; before 12 the interface is called Location. Raises BadFrame."""
    paused = headers.get("Paused") == "1"
    return MemberSeen(
        at,
        _queue(headers),
        _interface(headers) if "Interface" in headers else _required(headers, "Location", NAME_LENGTH),
        _text(headers, "MemberName" if "MemberName" in headers else "Name", NAME_LENGTH),
        _count(headers, "Status"),
        paused,
        headers.get("Membership") == "dynamic",
        _text(headers, "PausedReason", NAME_LENGTH) if paused else "",
        float(_count(headers, "LastPause")) if paused else 0.0,
        headers.get("InCall") == "1",
    )


# --- values ------------------------------------------------------------------------------------------------------


def unescape(text: str) -> str:
    """Undo main/utils.c, ast_escape_c."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


def _text(headers: Headers, header: str, length: int) -> str:
    text = headers.get(header, "")
    if not isinstance(text, str):  # a header that came twice, in a panoramisk Message
        raise BadFrame(_name(headers), header)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return text[:length].strip()


def _name(headers: Headers) -> str:
    return str(headers.get("Event", ""))


def _required(headers: Headers, header: str, length: int) -> str:
    text = headers.get(header, "")
    if not isinstance(text, str) or not text or len(text) > length:
        raise BadFrame(_name(headers), header)
    if not text.isprintable() and _CONTROL.search(text):
        raise BadFrame(_name(headers), header)
    return text


def _uniqueid(headers: Headers, header: str = "Uniqueid") -> str:
    if header not in headers and header == "Uniqueid":
        header = "UniqueID"  # as some actions of older versions wrote it
    return _required(headers, header, UNIQUEID_LENGTH)


def _linkedid(headers: Headers, uniqueid: str, header: str = "Linkedid") -> str:
    """Before 13.5 there is none: the channel then stands for itself."""
    return _required(headers, header, UNIQUEID_LENGTH) if headers.get(header) else uniqueid


def _queue(headers: Headers) -> str:
    return _required(headers, "Queue", QUEUE_LENGTH)


def _count(headers: Headers, header: str) -> int:
    text = _text(headers, header, 10)
    return int(text) if text.isascii() and text.isdigit() else 0


def _withheld(text: str) -> str:
    return "" if text.casefold() in _WITHHELD else text


def _number(headers: Headers, header: str) -> str:
    return _withheld(_text(headers, header, NUMBER_LENGTH))


def _caller_name(headers: Headers, header: str = "CallerIDName") -> str:
    text = headers.get(header, "")
    if not isinstance(text, str):
        raise BadFrame(_name(headers), header)
    return _withheld(_CONTROL.sub(" ", unescape(text))[:NAME_LENGTH].strip())


def _extension(headers: Headers) -> str:
    return _text(headers, "Exten", NUMBER_LENGTH)


# --- one translator for each event -------------------------------------------------------------------------------


def _reached(headers: Headers, at: float) -> QueueReached | None:
    queue = _text(headers, "AppData", NAME_LENGTH).split(",", 1)[0].strip()
    if headers.get("Application") != "Queue" or not queue or len(queue) > QUEUE_LENGTH:
        return None
    uniqueid = _uniqueid(headers)
    return QueueReached(
        at,
        uniqueid,
        _linkedid(headers, uniqueid),
        queue,
        _number(headers, "CallerIDNum"),
        _caller_name(headers),
        _extension(headers),
    )


def _joined(headers: Headers, at: float) -> CallerJoined:
    uniqueid = _uniqueid(headers)
    return CallerJoined(
        at,
        uniqueid,
        _linkedid(headers, uniqueid),
        _queue(headers),
        _number(headers, "CallerIDNum"),
        _caller_name(headers),
        _extension(headers),
        _count(headers, "Position"),
    )


def _abandoned(headers: Headers, at: float) -> CallerAbandoned:
    uniqueid = _uniqueid(headers)
    linkedid, number = _linkedid(headers, uniqueid), _number(headers, "CallerIDNum")
    return CallerAbandoned(at, uniqueid, _queue(headers), linkedid, number, _caller_name(headers))


def _left(headers: Headers, at: float) -> CallerLeft:
    return CallerLeft(at, _uniqueid(headers), _queue(headers))


def _status_set(headers: Headers, at: float) -> QueueStatusSet | None:
    status = _text(headers, "Value", NUMBER_LENGTH)
    uniqueid = _uniqueid(headers)
    if headers.get("Variable") != "QUEUESTATUS" or uniqueid == _NO_CHANNEL or not status:
        return None
    return QueueStatusSet(
        at,
        uniqueid,
        _linkedid(headers, uniqueid),
        status,
        _number(headers, "CallerIDNum"),
        _caller_name(headers),
        _extension(headers),
    )


def _interface(headers: Headers) -> str:
    return _required(headers, "Interface", NAME_LENGTH)


def _member_name(headers: Headers) -> str:
    return _text(headers, "MemberName", NAME_LENGTH)


def _dest(headers: Headers) -> str:
    return _uniqueid(headers, "DestUniqueid") if headers.get("DestUniqueid") else ""


def _called(headers: Headers, at: float) -> AgentCalled:
    return AgentCalled(
        at,
        _uniqueid(headers),
        _queue(headers),
        _interface(headers),
        _member_name(headers),
        _number(headers, "CallerIDNum"),
        _caller_name(headers),
    )


def _member_gone(headers: Headers, at: float) -> MemberGone:
    return MemberGone(at, _queue(headers), _interface(headers))


def _not_reached(headers: Headers, at: float) -> AgentNotReached:
    return AgentNotReached(at, _uniqueid(headers), _queue(headers), _interface(headers))


def _picked_up_by(headers: Headers) -> str:
    """The device that took the call in the member's place (Pickup()), named by DestChannel; "" if it was his own.

    Interface and MemberName stay those of the member who rang. Another technology is no sign of a pick-up, nor is
    another name where it need not be that of the interface: a Local channel that was optimized away, an extension
    of a trunk (PJSIP/number@trunk).
    """
    interface = _interface(headers)
    channel = _text(headers, "DestChannel", NAME_LENGTH)
    device = _CHANNEL_TAIL.sub("", channel)
    technology, _, resource = interface.partition("/")
    own = interface.endswith("/n") if technology == "Local" else "@" not in resource
    if not own or device == channel or device.partition("/")[0] != technology:
        return ""
    return "" if f"{interface}/".casefold().startswith(f"{device}/".casefold()) else device


def _connected(headers: Headers, at: float) -> AgentConnected:
    uniqueid = _uniqueid(headers)
    stranger = _picked_up_by(headers)
    return AgentConnected(
        at,
        uniqueid,
        _queue(headers),
        stranger or _interface(headers),
        "" if stranger else _member_name(headers),
        _dest(headers),
        _linkedid(headers, uniqueid),
        _number(headers, "CallerIDNum"),
        _caller_name(headers),
    )


def _completed(headers: Headers, at: float) -> AgentCompleted | None:
    if "Uniqueid" not in headers:  # sent after the hang-up it may have lost its channel (seen on 16.28)
        return None
    return AgentCompleted(
        at,
        _uniqueid(headers),
        _queue(headers),
        _interface(headers),
        _text(headers, "Reason", NUMBER_LENGTH),
        _count(headers, "TalkTime"),
    )


def _bridged(headers: Headers, at: float) -> BridgeEntered:
    kinds = (headers.get("BridgeTechnology"), headers.get("BridgeType"))
    return BridgeEntered(at, _uniqueid(headers), "holding_bridge" in kinds or "holding" in kinds)


def _hangup_requested(headers: Headers, at: float) -> HangupRequested:
    return HangupRequested(at, _uniqueid(headers))


def _shutdown_requested(headers: Headers, at: float) -> ShutdownRequested | None:
    return ShutdownRequested(at, _uniqueid(headers)) if headers.get("Cause") == "4" else None


def _hung_up(headers: Headers, at: float) -> HungUp:
    return HungUp(at, _uniqueid(headers))


def _replaced(headers: Headers, at: float) -> WaiterReplaced | None:
    if headers.get("DestApp") != "Queue" or headers.get("Result") != "Success":
        return None
    uniqueid = _uniqueid(headers, "TransfereeUniqueid")
    return WaiterReplaced(
        at,
        _uniqueid(headers, "SecondTransfererUniqueid"),
        uniqueid,
        _linkedid(headers, uniqueid, "TransfereeLinkedid"),
        _number(headers, "TransfereeCallerIDNum"),
        _caller_name(headers, "TransfereeCallerIDName"),
    )


def _dial_ended(headers: Headers, at: float) -> NumberReached | NumberNotReached | None:
    """Who dialled is the channel, when there is one: an Originate dials by itself.

    That the agent took up the telephone that we let ring is no number reached: OriginateResponse tells it.
    """
    dest = _uniqueid(headers, "DestUniqueid")
    if ours(dest):
        return None
    status = _text(headers, "DialStatus", NAME_LENGTH)
    if status != "ANSWER":
        return NumberNotReached(at, _uniqueid(headers), status) if ours(headers.get("Uniqueid", "")) else None
    caller = _number(headers, "CallerIDNum")
    return NumberReached(
        at,
        _uniqueid(headers) if headers.get("Uniqueid") else dest,
        dest,
        _dialled(headers, caller),
        _CHANNEL_TAIL.sub("", _text(headers, "Channel", NAME_LENGTH)),
        caller,
    )


def _originated(headers: Headers, at: float) -> OriginateAnswered | None:
    """Where the channel could not be made there is no Uniqueid, so the action tells which call it is."""
    uniqueid = _uniqueid(headers, "ActionID")
    if not ours(uniqueid):
        return None
    return OriginateAnswered(at, uniqueid, headers.get("Response") == "Success", _count(headers, "Reason"))


def _result_reported(headers: Headers, at: float) -> ResultReported | None:
    """Sent on a channel it has that one's Uniqueid first; the sender's own, which comes later, is meant then."""
    if headers.get("UserEvent", "").casefold() != "callresult":
        return None
    agent, result = (_required(headers, header, NAME_LENGTH) for header in ("Agent", "Result"))
    return ResultReported(at, _uniqueid(headers), agent, result, _text(headers, "Note", NOTE_LENGTH))


def _dialled(headers: Headers, caller: str) -> str:
    """DialEnd has no DialString: app_dial gives the dialled extension to the new channel as its caller's number."""
    candidates = (_number(headers, header) for header in ("DestCallerIDNum", "Exten", "DestExten"))
    return next((number for number in candidates if number != caller and _DIALLED.fullmatch(number)), "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event worth reading: what it becomes, and the bytes without which it is not meant.

    `of_known`: it begins nothing, and matters only for a call that is known already. `of_ours`: without those bytes
    it is meant where it speaks of a channel of ours.
    """

    into: Callable[[Headers, float], Event | None]
    only: bytes = b""
    of_known: bool = False
    of_ours: bool = False


WANTED: Final[Mapping[str, Wanted]] = {
    "Newexten": Wanted(_reached, b"\r\nApplication: Queue\r\n"),
    "QueueCallerJoin": Wanted(_joined),
    "QueueCallerAbandon": Wanted(_abandoned),
    "QueueCallerLeave": Wanted(_left, of_known=True),
    "VarSet": Wanted(_status_set, b"\r\nVariable: QUEUESTATUS\r\n"),
    "AgentCalled": Wanted(_called, of_known=True),
    "AgentRingNoAnswer": Wanted(_not_reached, of_known=True),
    "AgentConnect": Wanted(_connected),
    "QueueMemberAdded": Wanted(member),
    "QueueMemberStatus": Wanted(member),
    "QueueMemberPause": Wanted(member),
    "QueueMemberRemoved": Wanted(_member_gone),
    "AgentComplete": Wanted(_completed, of_known=True),
    "BridgeEnter": Wanted(_bridged, of_known=True),
    "HangupRequest": Wanted(_hangup_requested, of_known=True),
    "SoftHangupRequest": Wanted(_shutdown_requested, b"\r\nCause: 4", of_known=True),
    "Hangup": Wanted(_hung_up, of_known=True),
    "AttendedTransfer": Wanted(_replaced, b"\r\nDestApp: Queue"),
    "DialEnd": Wanted(_dial_ended, b"\r\nDialStatus: ANSWER", of_ours=True),
    "UserEvent": Wanted(_result_reported, b"\r\nUserEvent: CallResult\r\n"),
    "OriginateResponse": Wanted(_originated, b"\r\nActionID: " + MARK.encode()),
}
