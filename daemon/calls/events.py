"""What Asterisk told us: past-tense, frozen values, each with `at` (seconds since the epoch, UTC).

Every event of a caller's channel carries its `uniqueid`; a PBX's name is no part of an event, since a tracker
belongs to one PBX. Field names follow Asterisk's headers; `number` is as Asterisk gave it, "" when it is withheld.
Sources: Asterisk's manager documentation and apps/app_queue.c, as gathered in the project's Asterisk notes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueReached:
    """Newexten with Application Queue: the dialplan handed the caller to a queue; he may still be refused."""

    at: float
    uniqueid: str
    linkedid: str
    queue: str
    number: str
    name: str
    extension: str


@dataclass(frozen=True, slots=True)
class CallerJoined:
    """QueueCallerJoin: a stint begins."""

    at: float
    uniqueid: str
    linkedid: str
    queue: str
    number: str
    name: str
    extension: str
    position: int


@dataclass(frozen=True, slots=True)
class CallerAbandoned:
    """QueueCallerAbandon: the wait ended without an agent; says nothing about who ended it."""

    at: float
    uniqueid: str
    queue: str
    linkedid: str = ""
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """QueueCallerLeave: the stint's wait is over, whatever the cause."""

    at: float
    uniqueid: str
    queue: str


@dataclass(frozen=True, slots=True)
class QueueStatusSet:
    """VarSet of QUEUESTATUS: why Queue() gave the channel back to the dialplan, such as TIMEOUT or FULL."""

    at: float
    uniqueid: str
    linkedid: str
    status: str
    number: str
    name: str
    extension: str


@dataclass(frozen=True, slots=True)
class AgentCalled:
    """AgentCalled: a member's telephone begins to ring for a caller; with ringall many at once."""

    at: float
    uniqueid: str
    queue: str
    interface: str
    member: str
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class AgentNotReached:
    """AgentRingNoAnswer: a member's telephone was not picked up, or is busy; he may be tried again."""

    at: float
    uniqueid: str
    queue: str
    interface: str


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """QueueMember, QueueMemberAdded, -Status, -Pause: a member of a queue, and the state of his device (a number).

    `dynamic`: he can be removed; a static or realtime member can't. `reason`: of his pause. `paused_at`: seconds since
    the epoch, by the PBX's clock; 0 where it is not told. `in_call`: in a call of this queue.
    """

    at: float
    queue: str
    interface: str
    member: str
    status: int
    paused: bool
    dynamic: bool = False
    reason: str = ""
    paused_at: float = 0.0
    in_call: bool = False


@dataclass(frozen=True, slots=True)
class MemberGone:
    """QueueMemberRemoved: he logged out of the queue."""

    at: float
    queue: str
    interface: str


@dataclass(frozen=True, slots=True)
class AgentConnected:
    """AgentConnect: a member picked up and app_queue is about to bridge the two."""

    at: float
    uniqueid: str
    queue: str
    interface: str
    member: str
    dest_uniqueid: str
    linkedid: str = ""
    number: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class AgentCompleted:
    """AgentComplete: the talk with a member is over; may come late, after the hang-up, or never."""

    at: float
    uniqueid: str
    queue: str
    interface: str
    reason: str
    talk_time: int


@dataclass(frozen=True, slots=True)
class BridgeEntered:
    """BridgeEnter: the channel and somebody else can hear each other (`holding`: music or parking, nobody)."""

    at: float
    uniqueid: str
    holding: bool


@dataclass(frozen=True, slots=True)
class HangupRequested:
    """HangupRequest: the channel's own far end hung up."""

    at: float
    uniqueid: str


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """SoftHangupRequest with the bit AST_SOFTHANGUP_SHUTDOWN (4): the PBX itself ends the channel, as it stops.

    Source: main/channel.c, ast_begin_shutdown(); a HangupRequest that follows is an echo of it, not the caller's.
    """

    at: float
    uniqueid: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """Hangup: the channel is gone."""

    at: float
    uniqueid: str


@dataclass(frozen=True, slots=True)
class WaiterReplaced:
    """AttendedTransfer with DestApp Queue: the transferee took the place of a leg that waited in a queue."""

    at: float
    waiting_uniqueid: str
    uniqueid: str
    linkedid: str
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class NumberReached:
    """DialEnd with status ANSWER: somebody (`interface`, `caller`) dialled `number` and was answered."""

    at: float
    uniqueid: str
    dest_uniqueid: str
    number: str
    interface: str
    caller: str


@dataclass(frozen=True, slots=True)
class NumberNotReached:
    """DialEnd of a call of ours with another status: BUSY, NOANSWER, CANCEL, CONGESTION, CHANUNAVAIL, ..."""

    at: float
    uniqueid: str
    status: str


@dataclass(frozen=True, slots=True)
class OriginateAnswered:
    """OriginateResponse to an Originate of ours: whether the telephone that was to ring first was taken up.

    `uniqueid` is what we asked its channel to be called; `reason` is a number of include/asterisk/frame.h.
    """

    at: float
    uniqueid: str
    answered: bool
    reason: int


@dataclass(frozen=True, slots=True)
class ResultReported:
    """UserEvent `CallResult`: somebody says what a call came to. All of it is text of whoever sent it."""

    at: float
    uniqueid: str
    agent: str
    result: str
    note: str


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of queue_log; `data` are its further fields. One second of resolution."""

    at: float
    uniqueid: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A QueueEntry of a snapshot: who waits, and since when."""

    uniqueid: str
    queue: str
    position: int
    joined_at: float
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Living:
    """A CoreShowChannel of a snapshot: a channel that exists, with the application it runs."""

    uniqueid: str
    linkedid: str
    application: str
    bridged: bool


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """Who waited and what lived when we asked; what is not in it is over.

    `told` are the uniqueids of which live events speak that are newer than the question or not yet applied:
    of those the snapshot proves nothing, since it may have been taken before or after them.
    """

    at: float
    waiting: tuple[Waiting, ...]
    channels: tuple[Living, ...]
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The AMI connection ended; what follows is unknown until the next snapshot."""

    at: float


Event = (
    QueueReached
    | CallerJoined
    | CallerAbandoned
    | CallerLeft
    | QueueStatusSet
    | AgentCalled
    | AgentNotReached
    | MemberSeen
    | MemberGone
    | AgentConnected
    | AgentCompleted
    | BridgeEntered
    | HangupRequested
    | ShutdownRequested
    | HungUp
    | WaiterReplaced
    | NumberReached
    | NumberNotReached
    | OriginateAnswered
    | ResultReported
    | Logged
    | SnapshotTaken
    | LinkLost
)
