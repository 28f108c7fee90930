"""The ways out of a queue, as the events that Asterisk sends, in its order."""

from __future__ import annotations

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
    Logged,
    QueueReached,
    QueueStatusSet,
    ShutdownRequested,
)

U = "1700000000.1"


def reach(at: float, queue: str = "support", u: str = U) -> Event:
    return QueueReached(at, u, u, queue, "0301234567", "Ada", "100")


def join(at: float, queue: str = "support", u: str = U, number: str = "0301234567") -> Event:
    return CallerJoined(at, u, u, queue, number, "Ada", "100", 1)


def abandon(at: float, queue: str = "support", u: str = U) -> Event:
    return CallerAbandoned(at, u, queue)


def leave(at: float, queue: str = "support", u: str = U) -> Event:
    return CallerLeft(at, u, queue)


def status(at: float, word: str, u: str = U) -> Event:
    return QueueStatusSet(at, u, u, word, "0301234567", "Ada", "100")


def connect(at: float, queue: str = "support", u: str = U) -> Event:
    return AgentConnected(at, u, queue, "PJSIP/1000", "Anna", "1700000000.9")


def bridge(at: float, u: str = U, *, holding: bool = False) -> Event:
    return BridgeEntered(at, u, holding)


def complete(at: float, queue: str = "support", u: str = U, reason: str = "agent") -> Event:
    return AgentCompleted(at, u, queue, "PJSIP/1000", reason, 5)


def request(at: float, u: str = U) -> Event:
    return HangupRequested(at, u)


def hangup(at: float, u: str = U) -> Event:
    return HungUp(at, u)


def log(at: float, event: str, *data: str, queue: str = "support", u: str = U) -> Logged:
    return Logged(at, u, queue, "Anna", event, data)


ANSWERED = [reach(1), join(1.1), leave(9), connect(9.5), bridge(9.6), complete(60), request(59.9), hangup(60.1)]
ABANDONED = [reach(1), join(1.1), request(20), abandon(20.01), leave(20.02), hangup(20.03)]
TIMED_OUT = [reach(1), join(1.1), abandon(31), leave(31.01), status(31.02, "TIMEOUT")]

WAYS_OUT: dict[str, tuple[list[Event], str]] = {
    "answered": (ANSWERED, "answered"),
    "hung up while waiting": (ABANDONED, "abandoned"),
    "hung up during the announcement, seconds late": (
        [reach(1), join(1.1), request(20), abandon(23), leave(23.01), hangup(23.02)],
        "abandoned",
    ),
    "hung up between leave and connect: a talk of nothing": (
        [reach(1), join(1.1), leave(20), request(20.1), connect(20.2), bridge(20.3), hangup(20.4)],
        "abandoned",
    ),
    "time-out, then the end": ([*TIMED_OUT, request(40), hangup(40.1)], "timeout"),
    "time-out, then voicemail to the end": ([*TIMED_OUT, hangup(90)], "timeout"),
    "time-out, then answered in the second queue": (
        [
            *TIMED_OUT,
            reach(32, "sales"),
            join(32.1, "sales"),
            leave(40, "sales"),
            connect(41, "sales"),
            bridge(41.1),
            hangup(70),
        ],
        "answered",
    ),
    "time-out, then given up in the second queue": (
        [
            *TIMED_OUT,
            reach(32, "sales"),
            join(32.1, "sales"),
            request(40),
            abandon(40, "sales"),
            leave(40.1, "sales"),
            hangup(40.2),
        ],
        "abandoned",
    ),
    "time-out, then somebody outside the queues took him": (
        [*TIMED_OUT, bridge(35), request(50), hangup(50.1)],
        "moved",
    ),
    "time-out, then music in a holding bridge": (
        [*TIMED_OUT, bridge(35, holding=True), request(50), hangup(50.1)],
        "timeout",
    ),
    "queue emptied": ([reach(1), join(1.1), abandon(9), leave(9.1), status(9.2, "LEAVEEMPTY"), hangup(9.3)], "empty"),
    "queue emptied, version without abandon": (
        [reach(1), join(1.1), leave(9.1), status(9.2, "LEAVEEMPTY"), hangup(9.3)],
        "empty",
    ),
    "left by key": ([reach(1), join(1.1), leave(9), hangup(15)], "key"),
    "withdrawn": ([reach(1), join(1.1), abandon(9), leave(9.1), status(9.2, "WITHDRAW"), hangup(9.3)], "withdrawn"),
    "refused, full": ([reach(1), status(1.1, "FULL"), hangup(1.2)], "full"),
    "refused, nobody there": ([reach(1), status(1.1, "JOINEMPTY"), hangup(1.2)], "empty"),
    "refused, no such queue": ([reach(1), status(1.1, "UNKNOWN"), hangup(1.2)], "empty"),
    "time-out, then a queue that does not exist": (
        [*TIMED_OUT, reach(32, "nosuch"), status(32.1, "UNKNOWN"), hangup(32.2)],
        "timeout",
    ),
    "redirected away": ([reach(1), join(1.1), abandon(9), leave(9.1), request(30), hangup(30.1)], "moved"),
    "pulled out by Bridge": ([reach(1), join(1.1), bridge(9), request(30), hangup(30.1)], "moved"),
    "hung up by the admin": ([reach(1), join(1.1), abandon(9), leave(9.01), hangup(9.02)], "cut_off"),
    "cut off as Asterisk stops, his far end with him": (
        [reach(1), join(1.1), ShutdownRequested(9, U), abandon(9.1), request(9.2), leave(9.3), hangup(9.4)],
        "cut_off",
    ),
    "absolute time-out without queue events": ([reach(1), join(1.1), hangup(9.02)], "cut_off"),
    "talked, put back, given up": (
        [
            *ANSWERED[:5],
            complete(20, reason="transfer"),
            reach(20.1, "sales"),
            join(20.2, "sales"),
            request(30),
            abandon(30.1, "sales"),
            leave(30.2, "sales"),
            hangup(30.3),
        ],
        "after_talk",
    ),
    "talked, put back, talked again": (
        [*ANSWERED[:5], join(20.2, "sales"), leave(25, "sales"), connect(25.1, "sales"), bridge(25.2), hangup(40)],
        "answered",
    ),
    "abandon told twice": (
        [reach(1), join(1.1), request(20), abandon(20), abandon(20.1), leave(20.2), hangup(20.3)],
        "abandoned",
    ),
    "hangup request just before the join": (
        [reach(1), request(1.05), join(1.1), abandon(1.2), leave(1.2), hangup(1.3)],
        "abandoned",
    ),
}
