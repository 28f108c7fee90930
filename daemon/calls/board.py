"""All living calls of one PBX: events in, effects out.

The board finds the call that an event speaks of, lets `tracker.track` change it, and deals with what concerns more
than one call: births, a waiting leg that changes its uniqueid, snapshots after a gap, rows of queue_log, and the
end of everything when the PBX restarts. It is pure: no clock, no I/O; it forgets ended calls by the events' time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from daemon.calls.call import Call, Exit, State, Stint, replace
from daemon.calls.effects import CallerReached, CallJudged, CallKept, Effect
from daemon.calls.events import (
    AgentConnected,
    CallerAbandoned,
    CallerJoined,
    Event,
    LinkLost,
    Living,
    Logged,
    MemberGone,
    MemberSeen,
    NumberReached,
    QueueReached,
    QueueStatusSet,
    SnapshotTaken,
    WaiterReplaced,
    Waiting,
)
from daemon.calls.tracker import Rules, closed, opened, reached, track, with_last
from daemon.calls.verdict import AFTER_TALK, judge

REMEMBERED: Final = 900.0  # seconds for which an ended call is known, so that late news of it is recognised
RESOLUTION: Final = 1.5  # seconds by which two records of one moment may differ (queue_log keeps whole seconds)

_TERMINAL: Final = {
    "ABANDON": Exit.ABANDONED,
    "EXITWITHTIMEOUT": Exit.TIMEOUT,
    "EXITEMPTY": Exit.EMPTY,
    "EXITWITHKEY": Exit.KEY,
    "WITHDRAW": Exit.WITHDRAWN,
}
_TALK_OVER: Final = frozenset({"COMPLETECALLER", "COMPLETEAGENT", "TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER"})
_IN_QUEUE: Final = frozenset({State.WAITING, State.LEFT, State.CONNECTED})


class Board:
    """The calls of one PBX that are alive, and those that ended a short while ago."""

    def __init__(self, rules: Rules = Rules()) -> None:  # noqa: B008 - a frozen value
        self.rules = rules
        self.calls: dict[str, Call] = {}
        self.ended: dict[str, Call] = {}
        self._talked: dict[str, float] = {}  # Linkedid of who talked to an agent -> when

    def restore(self, calls: Iterable[Call]) -> None:
        """Take up calls that were alive when an earlier process kept them."""
        for call in calls:
            self._put(call)

    def feed(self, event: Event) -> tuple[Effect, ...]:
        """What follows from an event. Never raises on what Asterisk may send in any order."""
        special = _SPECIAL.get(type(event))
        if special is not None:
            return special(self, event)
        uniqueid: str = event.uniqueid  # type: ignore[union-attr]  # every other event has one
        call = self.calls.get(uniqueid)
        if call is None:
            birth = _BIRTHS.get(type(event))
            if birth is None or uniqueid in self.ended:
                return ()
            call = birth(event)
        after, effects = track(call, event, self.rules)
        self._put(after)
        return tuple(map(self._seen_whole, effects)) if after.state is State.ENDED else effects

    def _seen_whole(self, effect: Effect) -> Effect:
        """An agent's leg that waits in another queue, while the caller whom he talked to waits behind it, is no caller.

        Such a leg (attended transfer by feature code) shares only the Linkedid with the call that was answered.
        """
        if not isinstance(effect, CallJudged) or effect.call.linkedid not in self._talked:
            return effect
        if effect.verdict.reason in {Exit.ANSWERED, AFTER_TALK}:
            return effect
        verdict = dataclasses.replace(effect.verdict, reason=AFTER_TALK)
        return dataclasses.replace(effect, verdict=verdict)

    def witness(self, row: Logged, *, trusted: bool, torn: bool = False) -> tuple[Effect, ...]:
        """Fold a row of queue_log.

        `trusted`: it lies in a gap, so that it may tell of calls and ends that AMI did not. Otherwise AMI is the
        judge: the row may only confirm a provisional verdict, or end a stint on which AMI stays silent.
        `torn`: rows before it may be missing, so an end without a beginning is believed. Else such an end is the
        surrogate's of somebody who was taken by Bridge: it was never a caller.
        """
        if row.event == "QUEUESTART":
            return self._pbx_started(row.at) if trusted else ()
        ended = self.ended.get(row.uniqueid)
        if ended is not None:
            return self._revise(ended, row)
        call = self.calls.get(row.uniqueid)
        if call is None:
            return self._unknown(row, torn=torn) if trusted else ()
        if row.event == "ENTERQUEUE" and not trusted:
            return ()  # AMI told of it, by its own clock
        return self._keep(call, _fold(call, row))

    def end(self, at: float) -> tuple[Effect, ...]:
        """End all calls, since nothing will ever tell more: who waits is lost, who talked was answered."""
        return tuple(effect for call in list(self.calls.values()) for effect in self._over(call, at, Exit.LOST))

    def gone(self) -> tuple[Effect, ...]:
        """End those who gave up by queue_log's word alone, where nobody may ask who lives."""
        effects: list[Effect] = []
        for call in list(self.calls.values()):
            last = call.stints[-1] if call.stints else None
            if call.state is State.ROUTING and last and last.provisional and last.exit is Exit.ABANDONED:
                effects += self._over(call, _last_known(call, call.began_at), Exit.LOST)
        return tuple(effects)

    def disagrees(self, row: Logged) -> bool:
        """Whether queue_log tells of the end of a call that this board never knew."""
        return row.event in _TERMINAL and row.uniqueid not in self.calls and row.uniqueid not in self.ended

    # --- one call -------------------------------------------------------------------------------------------------

    def _put(self, call: Call) -> None:
        if call.state is State.TALKING and call.linkedid:
            self._talked[call.linkedid] = call.stints[-1].answered_at or call.began_at
        if call.state is not State.ENDED:
            self.calls[call.uniqueid] = call
            return
        self.calls.pop(call.uniqueid, None)
        self.ended[call.uniqueid] = call
        horizon = (call.ended_at or 0.0) - REMEMBERED
        for uniqueid, old in list(islice(self.ended.items(), 2)):  # two out for one in: it can't grow for ever
            if (old.ended_at or 0.0) < horizon:
                del self.ended[uniqueid]
                self._talked.pop(old.linkedid, None)

    def _keep(self, before: Call, after: Call) -> tuple[Effect, ...]:
        if after is before:
            return ()
        self._put(after)
        if not after.stints:
            return ()
        if after.state is State.TALKING and before.state is not State.TALKING:
            return CallKept(after), reached(after, after.stints[-1].answered_at or after.stints[-1].left_at or 0.0)
        return (CallKept(after),)

    def _over(self, call: Call, at: float, exit_: Exit) -> tuple[Effect, ...]:
        """End a call whose end nobody told; its open stint gets this exit."""
        if call.state in _IN_QUEUE and call.stints[-1].exit is None:
            call = closed(call, at, exit_)
        after = replace(call, state=State.ENDED, ended_at=at)
        self._put(after)
        verdict = judge(after)
        return () if verdict is None else (CallJudged(after, verdict),)

    # --- queue_log ------------------------------------------------------------------------------------------------

    def _unknown(self, row: Logged, *, torn: bool) -> tuple[Effect, ...]:
        if row.event == "ENTERQUEUE":
            number = row.data[1] if len(row.data) > 1 else ""
            call = opened(_born(row, number), row.queue, row.at)
        elif row.event in _TERMINAL:
            joined_at = row.at - _waited(row)
            stolen = self._waiter(row.queue, joined_at) if row.event == "ABANDON" else None
            if stolen is not None:  # AMI Bridge: the row names a surrogate channel, he himself was taken
                return self._keep(stolen, _stolen(stolen, row.at))
            if not torn:
                return ()
            call = _fold(opened(_born(row, ""), row.queue, joined_at), row)
        else:
            return ()
        self._put(call)
        return (CallKept(call),)

    def _waiter(self, queue: str, joined_at: float) -> Call | None:
        return next(
            (
                call
                for call in self.calls.values()
                if call.state is State.WAITING
                and call.stints[-1].queue.casefold() == queue.casefold()
                and abs(call.stints[-1].joined_at - joined_at) <= RESOLUTION
            ),
            None,
        )

    def _revise(self, call: Call, row: Logged) -> tuple[Effect, ...]:
        exit_ = _TERMINAL.get(row.event)
        last = call.stints[-1] if call.stints else None
        if last is None or not last.provisional or exit_ is None or not _same_stint(last, row):
            return ()
        if exit_ is Exit.ABANDONED:  # its ABANDON includes moved and cut_off: no better than what we have
            exit_ = last.exit
        after = replace(call, stints=(*call.stints[:-1], replace(last, exit=exit_, provisional=False)))
        self.ended[call.uniqueid] = after
        verdict = judge(after)
        return () if verdict is None else (CallJudged(after, verdict, revised=True),)

    def _pbx_started(self, at: float) -> tuple[Effect, ...]:
        dead = [call for call in self.calls.values() if call.began_at < at]
        return tuple(effect for call in dead for effect in self._over(call, at, Exit.LOST))

    # --- snapshots ------------------------------------------------------------------------------------------------

    def _snapshot(self, shot: SnapshotTaken) -> tuple[Effect, ...]:
        alive = {channel.uniqueid: channel for channel in shot.channels}
        effects: list[Effect] = []
        waiting = {entry.uniqueid: entry for entry in shot.waiting}
        for call in list(self.calls.values()):
            if call.uniqueid in shot.told:
                continue
            effects += self._compare(call, waiting.get(call.uniqueid), alive.get(call.uniqueid), shot.at)
        for entry in shot.waiting:
            if entry.uniqueid not in self.calls and entry.uniqueid not in self.ended:
                effects += self._found(entry, alive.get(entry.uniqueid))
        return tuple(effects)

    def _compare(self, call: Call, entry: Waiting | None, channel: Living | None, at: float) -> tuple[Effect, ...]:
        if entry is not None:
            return self._keep(call, _still_waiting(call, entry))
        if channel is None:
            moved = call.state is State.LEFT and not call.stints[-1].abandon_seen
            return self._over(call, _last_known(call, at), Exit.MOVED if moved else Exit.LOST)
        if call.state is State.LEFT:
            return ()  # what comes next will tell
        if call.state not in _IN_QUEUE:
            return self._keep(call, _abandoned_and_alive(call))
        if channel.application.casefold() == "queue":
            exit_ = Exit.ANSWERED if channel.bridged else None
            state = State.TALKING if channel.bridged else State.LEFT
            return self._keep(call, replace(closed(call, at, exit_), state=state))
        exit_ = Exit.MOVED if channel.bridged else Exit.LOST
        return self._keep(call, replace(closed(call, at, exit_), state=State.ROUTING, taken=channel.bridged))

    def _found(self, entry: Waiting, channel: Living | None) -> tuple[Effect, ...]:
        linkedid = channel.linkedid if channel else entry.uniqueid
        born = Call(entry.uniqueid, linkedid, entry.number, entry.name, "", entry.joined_at)
        call = opened(born, entry.queue, entry.joined_at)
        self._put(call)
        return (CallKept(call),)

    # --- more than one call -----------------------------------------------------------------------------------------

    def _replaced(self, event: WaiterReplaced) -> tuple[Effect, ...]:
        waiter = self.calls.get(event.waiting_uniqueid)
        if waiter is None or waiter.state not in _IN_QUEUE or event.uniqueid in self.ended:
            return ()
        taken_over = waiter.stints[-1]
        heir = self.calls.get(event.uniqueid) or Call(
            event.uniqueid, event.linkedid, event.number, event.name, waiter.extension, event.at
        )
        heir = replace(heir, state=waiter.state, stints=(*heir.stints, taken_over), taken=False)
        giver = replace(closed(waiter, event.at, Exit.MOVED), state=State.ROUTING, taken=True)
        self._put(heir)
        self._put(giver)
        return CallKept(giver), CallKept(heir)

    def _number_reached(self, event: NumberReached) -> tuple[Effect, ...]:
        own = self.calls.get(event.uniqueid)
        if not event.number or (own is not None and own.stints):
            return ()  # the leg of a queue to its member, not a call back
        return (CallerReached(event.at, event.number, event.interface, "", event.caller, event.uniqueid, "call_back"),)


def _born(event: Any, number: str | None = None) -> Call:
    return Call(
        event.uniqueid,
        getattr(event, "linkedid", "") or event.uniqueid,
        event.number if number is None else number,
        getattr(event, "name", ""),
        getattr(event, "extension", ""),
        event.at,
    )


def _waited(row: Logged) -> float:
    """Seconds waited, by the row's own data: ABANDON and EXIT* end with the wait time (main/logger.c, app_queue.c)."""
    position = {"ABANDON": 2, "EXITWITHTIMEOUT": 2, "EXITEMPTY": 2, "EXITWITHKEY": 3, "WITHDRAW": 2}
    index = position[row.event]
    text = row.data[index] if len(row.data) > index else ""
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _last_known(call: Call, at: float) -> float:
    """When a call that is gone by now has ended, as far as known: who gave up did so when he left his last queue."""
    last = call.stints[-1] if call.stints else None
    if call.state is not State.ROUTING or last is None or last.exit is Exit.ANSWERED or last.left_at is None:
        return at
    return max(call.began_at, min(at, last.left_at))


def _same_stint(stint: Stint, row: Logged) -> bool:
    if stint.queue.casefold() != row.queue.casefold():
        return False
    end = stint.left_at if stint.left_at is not None else row.at
    return stint.joined_at - RESOLUTION <= row.at <= end + RESOLUTION


def _stolen(call: Call, at: float) -> Call:
    shut = closed(call, at, Exit.MOVED)
    return replace(with_last(shut, replace(shut.stints[-1], provisional=True)), state=State.ROUTING)


def _fold(call: Call, row: Logged) -> Call:
    """The living call after a row of queue_log; the same call when the row says nothing new."""
    if row.event == "ENTERQUEUE":
        return _entered(call, row)
    if not call.stints or call.stints[-1].queue.casefold() != row.queue.casefold():
        return call
    last = call.stints[-1]
    if row.at < last.joined_at - RESOLUTION or _told_of_earlier_stint(call, row):
        return call
    if row.event == "ABANDON" and call.state in {State.LEFT, State.CONNECTED}:
        return call  # AMI told that he left, and knows better how: this row is written of a Redirect, too
    if row.event in _TERMINAL and (last.exit is None or (last.provisional and last.exit is Exit.MOVED)):
        at = max(row.at, last.joined_at)
        provisional = row.event == "ABANDON"
        shut = closed(call, at, _TERMINAL[row.event])
        return replace(
            shut,
            state=State.ROUTING,
            stints=(*shut.stints[:-1], replace(shut.stints[-1], provisional=provisional)),
        )
    if row.event == "CONNECT" and last.exit is None:
        stint = replace(closed(call, row.at, Exit.ANSWERED).stints[-1], member=row.agent, answered_at=row.at)
        return replace(call, state=State.TALKING, stints=(*call.stints[:-1], stint))
    if row.event in _TALK_OVER and call.state is State.TALKING:
        return replace(call, state=State.ROUTING)
    return call


def _told_of_earlier_stint(call: Call, row: Logged) -> bool:
    """Whether this end is known: of a stay in the same queue, into which the dialplan put him back at once."""
    return row.event in _TERMINAL and any(
        stint.exit is not None
        and stint.left_at is not None
        and stint.queue.casefold() == row.queue.casefold()
        and abs(stint.left_at - row.at) <= RESOLUTION
        for stint in call.stints[:-1]
    )


def _entered(call: Call, row: Logged) -> Call:
    known = any(
        stint.queue.casefold() == row.queue.casefold() and abs(stint.joined_at - row.at) <= RESOLUTION
        for stint in call.stints
    )
    if known or (call.stints and row.at < call.stints[-1].joined_at):
        return call
    if call.state in _IN_QUEUE:
        call = closed(call, row.at, call.stints[-1].exit or Exit.LOST)
    return opened(call, row.queue, row.at)


def _abandoned_and_alive(call: Call) -> Call:
    """Who lives after queue_log's ABANDON did not hang up: somebody took him."""
    last = call.stints[-1] if call.stints else None
    if call.state is not State.ROUTING or last is None or last.exit is not Exit.ABANDONED or not last.provisional:
        return call
    return replace(call, stints=(*call.stints[:-1], replace(last, exit=Exit.MOVED)))


def _still_waiting(call: Call, entry: Waiting) -> Call:
    last = call.stints[-1] if call.stints else None
    if call.state is State.WAITING and last is not None and last.queue.casefold() == entry.queue.casefold():
        return call
    if call.state in _IN_QUEUE:
        call = closed(call, entry.joined_at, call.stints[-1].exit or Exit.LOST)
    return opened(call, entry.queue, entry.joined_at)


_BIRTHS: Final[dict[type, Callable[[Any], Call]]] = {
    QueueReached: _born,
    CallerJoined: _born,
    QueueStatusSet: _born,
    CallerAbandoned: _born,
    AgentConnected: _born,
}
_SPECIAL: Final[dict[type, Callable[[Board, Any], tuple[Effect, ...]]]] = {
    SnapshotTaken: Board._snapshot,
    WaiterReplaced: Board._replaced,
    NumberReached: Board._number_reached,
    Logged: lambda board, row: board.witness(row, trusted=False),
    LinkLost: lambda _board, _event: (),
    MemberSeen: lambda _board, _event: (),
    MemberGone: lambda _board, _event: (),
}
