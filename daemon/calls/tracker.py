"""The life of one call, as one table.

A call is born when a queue is first mentioned for its channel and ends when its channel ends.

    routing    in the dialplan: before, between and after queues
    waiting    in a queue
    left       his wait is over; an agent may have picked up, or the reason is still to come
    connected  a member picked up; they can't hear each other yet
    talking    bridged with a queue member
    ended      the channel is gone; nothing changes any more

Rules:
1. Asterisk is never wrong about order within a channel, but it repeats itself and leaves things out. What the table
   does not name for a state says nothing new there and is passed over.
2. An event older than the stint that it would change is a repetition: passed over.
3. Once the PBX has said that it stops (ShutdownRequested), nobody hangs up by himself any more: it cuts them off.
4. QueueCallerAbandon is evidence, never a verdict; QueueCallerLeave alone neither. AgentComplete is never waited for.
5. A caller talks once AgentConnect *and* the bridge were seen, and his far end had not hung up before.

Sources: apps/app_queue.c (queue_exec, try_calling, leave_queue), main/manager_bridges.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from daemon.calls.call import Call, Exit, State, Stint, replace
from daemon.calls.effects import CallerReached, CallJudged, CallKept, Effect
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
    QueueReached,
    QueueStatusSet,
    ShutdownRequested,
)
from daemon.calls.verdict import SAME_MOMENT, STATUS, judge, stint_exit

Result = tuple[Call, tuple[Effect, ...]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the PBX lets us see. Without class dialplan, QUEUESTATUS is unseen and verdicts are provisional."""

    sees_status: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """What an event does in a state: where it may lead, and how."""

    to: tuple[State, ...]
    act: Callable[[Call, Any, Rules], Call]


def track(call: Call, event: Event, rules: Rules = Rules()) -> Result:
    """The call after the event, and what follows from it. Never raises; what says nothing new changes nothing."""
    step = TRANSITIONS[call.state].get(type(event))
    if step is None:
        return call, ()
    after = step.act(call, event, rules)
    if after is call:
        return call, ()
    return after, _effects(call, after, event)


def _effects(before: Call, after: Call, event: Event) -> tuple[Effect, ...]:
    if after.state is State.ENDED:
        verdict = judge(after)
        return () if verdict is None else (CallJudged(after, verdict),)
    if before.state is after.state and before.stints == after.stints and before.taken == after.taken:
        return ()
    kept: tuple[Effect, ...] = (CallKept(after),) if after.stints else ()
    if after.state is State.TALKING and before.state is not State.TALKING:
        return (*kept, reached(after, event.at))
    return kept


def reached(call: Call, at: float) -> CallerReached:
    """The caller began to talk with the member of his last stint."""
    last = call.stints[-1]
    member = last.member
    return CallerReached(at, call.number, last.interface, member, member, call.uniqueid, "own_call", last.queue)


# --- helpers of the steps: the last stint, closed or opened ------------------------------------------------------


def settled(call: Call, rules: Rules, ended_at: float | None = None) -> Call:
    """The call with the exit of its last stint decided, if it was not."""
    if not call.stints or call.stints[-1].exit is not None:
        return call
    last = call.stints[-1]
    decided = stint_exit(last, taken=call.taken, ended_at=ended_at, hangup_at=call.hangup_at)
    return with_last(call, replace(last, exit=decided, provisional=not rules.sees_status))


def with_last(call: Call, stint: Stint, state: State | None = None) -> Call:
    """The call with its last stint replaced."""
    return replace(call, stints=(*call.stints[:-1], stint), state=state or call.state)


def closed(call: Call, at: float, exit_: Exit | None) -> Call:
    """The call with its open stint left at `at`, keeping an earlier time of leaving."""
    last = call.stints[-1]
    left_at = last.left_at if last.left_at is not None else max(at, last.joined_at)
    return with_last(call, replace(last, left_at=left_at, exit=exit_ or last.exit))


def opened(call: Call, queue: str, at: float) -> Call:
    """The call waiting in a queue."""
    return replace(call, state=State.WAITING, stints=(*call.stints, Stint(queue, at)), reached=None, taken=False)


def _stale(call: Call, at: float) -> bool:
    return bool(call.stints) and at < call.stints[-1].joined_at


# --- the steps -----------------------------------------------------------------------------------------------------


def _reach(call: Call, event: QueueReached, rules: Rules) -> Call:
    if _stale(call, event.at) or (call.stints and event.at <= (call.stints[-1].left_at or event.at) - SAME_MOMENT):
        return call
    if call.state is State.ROUTING and call.stints and call.reached is None and event.at <= call.status_at:
        return call
    return replace(settled(call, rules), state=State.ROUTING, reached=event.queue)


def _join(call: Call, event: CallerJoined, rules: Rules) -> Call:
    if call.stints and event.at <= call.stints[-1].joined_at:
        return call
    return opened(settled(call, rules), event.queue, event.at)


def _join_again(call: Call, event: CallerJoined, rules: Rules) -> Call:
    last = call.stints[-1]
    if event.at <= last.joined_at or last.queue.casefold() == event.queue.casefold():
        return call  # the snapshot or queue_log told us already
    return opened(closed(call, event.at, Exit.LOST), event.queue, event.at)


def _abandon(call: Call, event: CallerAbandoned, rules: Rules) -> Call:
    if _stale(call, event.at) or call.stints[-1].abandon_seen:
        return call
    return with_last(call, replace(call.stints[-1], abandon_seen=True))


def _abandon_unjoined(call: Call, event: CallerAbandoned, rules: Rules) -> Call:
    last = call.stints[-1] if call.stints else None
    if last and event.at <= (last.left_at or event.at) + SAME_MOMENT:
        return call
    return with_last(opened(call, event.queue, event.at), Stint(event.queue, event.at, abandon_seen=True))


def _leave(call: Call, event: CallerLeft, rules: Rules) -> Call:
    if _stale(call, event.at):
        return call
    last = replace(call.stints[-1], left_at=event.at, hangup_first=call.hangup_at is not None)
    return with_last(call, last, State.LEFT)


def _status(call: Call, event: QueueStatusSet, rules: Rules) -> Call:
    exit_ = STATUS.get(event.status.upper())
    if exit_ is None or event.at <= call.status_at or _stale(call, event.at):
        return call
    return replace(closed(call, event.at, exit_), state=State.ROUTING, status_at=event.at)


def _refuse(call: Call, event: QueueStatusSet, rules: Rules) -> Call:
    status = event.status.upper()
    exit_ = STATUS.get(status)
    last_left = call.stints[-1].left_at if call.stints else None
    if status == "UNKNOWN" and call.stints:
        return replace(call, reached=None)  # a slip of the dialplan, no stay: the queue before it decides
    if exit_ is None or event.at <= call.status_at or (last_left is not None and event.at <= last_left):
        return call
    refusal = Stint(call.reached or "", event.at, event.at, exit_)
    return replace(call, stints=(*call.stints, refusal), reached=None, taken=False, status_at=event.at)


def _connect(call: Call, event: AgentConnected, rules: Rules) -> Call:
    if _stale(call, event.at):
        return call
    last = call.stints[-1]
    left_at = last.left_at if last.left_at is not None else event.at
    stint = replace(last, left_at=left_at, interface=event.interface, member=event.member, answered_at=event.at)
    connected = with_last(call, stint, State.CONNECTED)
    return _talk(replace(connected, taken=False)) if call.taken else connected


def _connect_unjoined(call: Call, event: AgentConnected, rules: Rules) -> Call:
    last = call.stints[-1] if call.stints else None
    if last and event.at <= (last.answered_at or last.left_at or event.at) + SAME_MOMENT:
        return call
    return _connect(opened(call, event.queue, event.at), event, rules)


def _bridge(call: Call, event: BridgeEntered, rules: Rules) -> Call:
    if event.holding or _stale(call, event.at) or call.hangup_at is not None:
        return call
    return _talk(call)


def _talk(call: Call) -> Call:
    return with_last(call, replace(call.stints[-1], exit=Exit.ANSWERED), State.TALKING)


def _taken(call: Call, event: BridgeEntered, rules: Rules) -> Call:
    if event.holding or call.taken or _stale(call, event.at):
        return call
    if call.stints and call.stints[-1].exit is Exit.ANSWERED:
        return call
    return replace(call, taken=True)


def _pulled(call: Call, event: BridgeEntered, rules: Rules) -> Call:
    if event.holding or _stale(call, event.at):
        return call
    return replace(closed(call, event.at, Exit.MOVED), state=State.ROUTING, taken=True)


def _complete(call: Call, event: AgentCompleted, rules: Rules) -> Call:
    last = call.stints[-1]
    if event.interface and last.interface and event.interface != last.interface:
        return call
    if event.queue and event.queue.casefold() != last.queue.casefold():
        return call
    if event.at < (last.answered_at or event.at):
        return call
    return replace(call, state=State.ROUTING)


def _request(call: Call, event: HangupRequested, rules: Rules) -> Call:
    return call if call.hangup_at is not None or call.stopped else replace(call, hangup_at=event.at)


def _stop(call: Call, event: ShutdownRequested, rules: Rules) -> Call:
    return call if call.stopped else replace(call, stopped=True)


def _end(call: Call, event: HungUp, rules: Rules) -> Call:
    return replace(settled(call, rules, ended_at=event.at), state=State.ENDED, ended_at=event.at)


def _end_waiting(call: Call, event: HungUp, rules: Rules) -> Call:
    exit_ = Exit.CUT_OFF if call.hangup_at is None else Exit.ABANDONED
    return replace(closed(call, event.at, exit_), state=State.ENDED, ended_at=event.at)


_R, _W, _L, _C, _T, _E = (
    State.ROUTING,
    State.WAITING,
    State.LEFT,
    State.CONNECTED,
    State.TALKING,
    State.ENDED,
)
_HANGUP_REQUESTED: Final = {state: Step((state,), _request) for state in State}
_STOPPED: Final = {state: Step((state,), _stop) for state in State}

TRANSITIONS: Final[Mapping[State, Mapping[type[Event], Step]]] = {
    _R: {
        QueueReached: Step((_R,), _reach),
        CallerJoined: Step((_W,), _join),
        QueueStatusSet: Step((_R,), _refuse),
        CallerAbandoned: Step((_W,), _abandon_unjoined),
        AgentConnected: Step((_C,), _connect_unjoined),
        BridgeEntered: Step((_R,), _taken),
        HangupRequested: _HANGUP_REQUESTED[_R],
        ShutdownRequested: _STOPPED[_R],
        HungUp: Step((_E,), _end),
    },
    _W: {
        CallerJoined: Step((_W,), _join_again),
        CallerAbandoned: Step((_W,), _abandon),
        CallerLeft: Step((_L,), _leave),
        QueueStatusSet: Step((_R,), _status),
        AgentConnected: Step((_C,), _connect),
        BridgeEntered: Step((_R,), _pulled),
        HangupRequested: _HANGUP_REQUESTED[_W],
        ShutdownRequested: _STOPPED[_W],
        HungUp: Step((_E,), _end_waiting),
    },
    _L: {
        QueueReached: Step((_R,), _reach),
        CallerJoined: Step((_W,), _join),
        QueueStatusSet: Step((_R,), _status),
        AgentConnected: Step((_C, _T), _connect),
        BridgeEntered: Step((_L,), _taken),
        HangupRequested: _HANGUP_REQUESTED[_L],
        ShutdownRequested: _STOPPED[_L],
        HungUp: Step((_E,), _end),
    },
    _C: {
        QueueReached: Step((_R,), _reach),
        CallerJoined: Step((_W,), _join),
        QueueStatusSet: Step((_R,), _status),
        BridgeEntered: Step((_T,), _bridge),
        HangupRequested: _HANGUP_REQUESTED[_C],
        ShutdownRequested: _STOPPED[_C],
        HungUp: Step((_E,), _end_waiting),
    },
    _T: {
        QueueReached: Step((_R,), _reach),
        CallerJoined: Step((_W,), _join),
        AgentCompleted: Step((_R,), _complete),
        HangupRequested: _HANGUP_REQUESTED[_T],
        ShutdownRequested: _STOPPED[_T],
        HungUp: Step((_E,), _end),
    },
    _E: {},
}
