"""Every way in which a caller can leave a queue, played on a private Asterisk; each tells what is true of its callers.

A way out is a coroutine that takes a desk and returns the truth about each caller who came to a queue, as an
independent judge must find it. Several can be played at once, each at its own desk. ENDINGS also end the Asterisk, and
leave it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from daemon.demo.asterisk import AsteriskError
from daemon.demo.desks import Caller, Desk
from daemon.demo.phone import SipPhone

MISSED: Final = frozenset({"abandoned", "cut_off", "lost", "timeout", "empty", "full"})
HOSTILE_NAMES: Final = (
    "<script>alert('x')</script>",
    'O\'Brien "Zoë" \\ & Söhne, Ltd.',
    "Grüße 😀 ${QUEUE} {{ 7*7 }} %s",
    "long " * 40 + "end",
)
TRUNK_EXTENSION: Final = "again"
_KEY: Final = 0.25  # seconds between two keys
_A_WHILE: Final = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one caller: his number ("" when withheld), the queues he came to in order, and the verdict."""

    uniqueid: str
    caller: str
    queues: tuple[str, ...]
    reason: str

    @property
    def missed(self) -> bool:
        """By the policy that holds where none is configured."""
        return self.reason in MISSED


WayOut = Callable[[Desk], Awaitable[tuple[Truth, ...]]]


def _truth(caller: Caller, reason: str, *queues: str) -> tuple[Truth, ...]:
    return (Truth(caller.uniqueid, caller.number, queues, reason),)


# --- talked to an agent -----------------------------------------------------------------------------------------------


async def answered(desk: Desk) -> tuple[Truth, ...]:
    """An agent answers, they talk, the agent hangs up."""
    support = desk.queue("support")
    await desk.staff("support", talk=1)
    caller = await desk.call(support, name="Otto Normal")
    connect = await caller.connected()
    await caller.gone()
    await desk.wire.event("QueueMemberStatus", Queue=support, CallsTaken="1", since=connect)
    return _truth(caller, "answered", support)


async def answered_and_caller_hangs_up(desk: Desk) -> tuple[Truth, ...]:
    """An agent answers, they talk, the caller hangs up."""
    support = desk.queue("support")
    await desk.staff("support")
    caller = await desk.call(support)
    connect = await caller.connected()
    await caller.hang_up()
    await desk.wire.event("QueueMemberStatus", Queue=support, CallsTaken="1", since=connect)
    return _truth(caller, "answered", support)


async def answered_while_all_ring(desk: Desk) -> tuple[Truth, ...]:
    """Three telephones ring, one declines, one is answered."""
    support = desk.queue("support")
    await desk.staff("support", 0, ring=60)
    await desk.staff("support", 1, ring=1, talk=1)
    await desk.staff("support", 2, ring=0.1, talk="busy")
    caller = await desk.call(support)
    await caller.connected()
    await caller.gone()
    return _truth(caller, "answered", support)


async def timeout_then_answered(desk: Desk) -> tuple[Truth, ...]:
    """Nobody in support, but in sales."""
    support, sales = desk.queue("support"), desk.queue("sales")
    await desk.staff("sales", talk=1)
    caller = await desk.call(support, variables={"TIMEOUT": "1", "NEXT_QUEUE": sales})
    await caller.connected()
    await caller.gone()
    return _truth(caller, "answered", support, sales)


async def after_talk(desk: Desk) -> tuple[Truth, ...]:
    """The agent transfers him into another queue; there he gives up."""
    support, sales = desk.queue("support"), desk.queue("sales")
    await desk.staff("support")
    caller = await desk.call(support, variables={"NEXT_QUEUE": sales})
    connect = await caller.connected()
    await desk.wire.do("BlindTransfer", Channel=connect["DestChannel"], Context="queues", Exten=TRUNK_EXTENSION)
    await caller.joined(sales)
    await caller.hang_up()
    return _truth(caller, "after_talk", support, sales)


async def transferred_and_answered(desk: Desk) -> tuple[Truth, ...]:
    """The agent transfers him into another queue; there he is answered."""
    support, sales = desk.queue("support"), desk.queue("sales")
    await desk.staff("support", 0)
    await desk.staff("sales", 1, talk=1)
    caller = await desk.call(support, variables={"NEXT_QUEUE": sales})
    connect = await caller.connected()
    await desk.wire.do("BlindTransfer", Channel=connect["DestChannel"], Context="queues", Exten=TRUNK_EXTENSION)
    joined = await caller.joined(sales)
    await caller.connected(since=joined)
    await caller.gone()
    return _truth(caller, "answered", support, sales)


# --- gave up ----------------------------------------------------------------------------------------------------------


async def abandoned_while_waiting(desk: Desk) -> tuple[Truth, ...]:
    """Nobody is there; he hangs up."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await caller.hang_up()
    return _truth(caller, "abandoned", support)


async def abandoned_while_ringing(desk: Desk) -> tuple[Truth, ...]:
    """An agent's telephone rings; he hangs up."""
    support = desk.queue("support")
    await desk.staff("support", ring=60)
    caller = await desk.call(support)
    await caller.rung()
    await caller.hang_up()
    return _truth(caller, "abandoned", support)


async def abandoned_after_no_answer(desk: Desk) -> tuple[Truth, ...]:
    """The only agent declines; he hangs up."""
    support = desk.queue("support")
    await desk.staff("support", ring=0.1, talk="busy")
    caller = await desk.call(support)
    await desk.wire.event("AgentRingNoAnswer", Uniqueid=caller.uniqueid)
    await caller.hang_up()
    return _truth(caller, "abandoned", support)


async def abandoned_during_announcement(desk: Desk) -> tuple[Truth, ...]:
    """An agent picked up and hears an announcement; the caller hangs up before they are put through."""
    return await _abandoned_after_pick_up(desk, "announced")


async def abandoned_during_memberdelay(desk: Desk) -> tuple[Truth, ...]:
    """An agent picked up and waits for memberdelay; the caller hangs up before they are put through."""
    return await _abandoned_after_pick_up(desk, "slow")


async def _abandoned_after_pick_up(desk: Desk, kind: str) -> tuple[Truth, ...]:
    queue = desk.queue(kind)
    await desk.staff(kind)
    caller = await desk.call(queue)
    called = await caller.rung()
    await desk.wire.event("DialEnd", DestUniqueid=called["DestUniqueid"], DialStatus="ANSWER")
    await caller.hang_up()
    await desk.wire.event("QueueCallerLeave", Uniqueid=caller.uniqueid)
    return _truth(caller, "abandoned", queue)


async def timeout_then_abandoned(desk: Desk) -> tuple[Truth, ...]:
    """Nobody in support in time; he gives up in sales."""
    support, sales = desk.queue("support"), desk.queue("sales")
    caller = await desk.call(support, variables={"TIMEOUT": "1", "NEXT_QUEUE": sales})
    await caller.joined(sales)
    await caller.hang_up()
    return _truth(caller, "abandoned", support, sales)


async def abandoned_over_sip(desk: Desk) -> tuple[Truth, ...]:
    """A caller with a SIP telephone, one channel and no other half, gives up."""
    support = desk.queue("support")
    async with SipPhone.at(desk.pbx, desk.fresh_number()) as phone:
        await phone.call(support)
        joined = await desk.wire.event("QueueCallerJoin", Queue=support, CallerIDNum=phone.user)
        await phone.hang_up()
        await desk.wire.event("Hangup", Uniqueid=joined["Uniqueid"])
    return (Truth(joined["Uniqueid"], phone.user, (support,), "abandoned"),)


async def abandoned_in_the_place_of_another(desk: Desk) -> tuple[Truth, ...]:
    """He talks to an agent on a direct line, who calls a queue for him and transfers him into it; there he gives up.

    The agent's leg waited first and is a call of its own; then the place in the queue changes its Uniqueid.
    """
    support = desk.queue("support")
    async with SipPhone.at(desk.pbx, desk.agent(0)) as phone:
        brought = {"AGENT": phone.user, "PHONE_PORT": str(phone.port)}
        number = desk.fresh_number()
        caller = await desk.dial("agent@queues", number, {"CALLER_NUMBER": number, **brought})
        await desk.wire.event("BridgeEnter", Uniqueid=caller.uniqueid)
        await phone.call(support)
        waiting = await desk.wire.event("QueueCallerJoin", Queue=support, CallerIDNum=phone.user)
        await phone.transfer()
        await desk.wire.event("AttendedTransfer", TransfereeUniqueid=caller.uniqueid, DestApp="Queue")
        await desk.wire.event("Newexten", Uniqueid=caller.uniqueid, Application="Queue")
        await caller.hang_up()
    return (Truth(waiting["Uniqueid"], phone.user, (support,), "moved"), *_truth(caller, "abandoned", support))


async def hidden_number(desk: Desk) -> tuple[Truth, ...]:
    """He withholds his number, as one without a number at all does, and gives up."""
    support = desk.queue("support")
    caller = await desk.call(support, number="", hidden=True)
    await caller.joined(support)
    await caller.hang_up()
    return _truth(caller, "abandoned", support)


async def hostile_names(desk: Desk) -> tuple[Truth, ...]:
    """Callers with names that are meant to break something give up."""
    support = desk.queue("support")
    truths: tuple[Truth, ...] = ()
    for name in HOSTILE_NAMES:
        caller = await desk.call(support, name=name)
        await caller.joined(support)
        await caller.hang_up()
        truths += _truth(caller, "abandoned", support)
    return truths


# --- the queue let go -------------------------------------------------------------------------------------------------


async def timeout(desk: Desk) -> tuple[Truth, ...]:
    """Nobody answers in time; the dialplan hangs up."""
    support = desk.queue("support")
    caller = await desk.call(support, variables={"TIMEOUT": "1"})
    await caller.gone()
    return _truth(caller, "timeout", support)


async def emptied(desk: Desk) -> tuple[Truth, ...]:
    """The last agent leaves; the queue lets the caller go."""
    strict = desk.queue("strict")
    interface = await desk.staff("strict", ring=0.1, talk="busy")
    caller = await desk.call(strict)
    await desk.wire.event("AgentRingNoAnswer", Uniqueid=caller.uniqueid)
    await desk.dismiss(strict, interface)
    await caller.gone()
    return _truth(caller, "empty", strict)


async def left_by_key(desk: Desk) -> tuple[Truth, ...]:
    """He presses 1 while he waits, as the announcement offered."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await caller.press("1")
    await caller.gone()
    return _truth(caller, "key", support)


async def withdrawn(desk: Desk) -> tuple[Truth, ...]:
    """The queue is told to let him go (QueueWithdrawCaller: Asterisk 16.25, 18.11 and later)."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await desk.wire.do("QueueWithdrawCaller", Queue=support, Caller=caller.channel)
    await caller.gone()
    return _truth(caller, "withdrawn", support)


# --- refused ----------------------------------------------------------------------------------------------------------


async def refused_full(desk: Desk) -> tuple[Truth, ...]:
    """One waits already and no more may; the first gives up later."""
    full = desk.queue("full")
    first = await desk.call(full)
    await first.joined(full)
    second = await desk.call(full)
    await second.gone()
    await first.hang_up()
    return _truth(second, "full", full) + _truth(first, "abandoned", full)


async def refused_empty(desk: Desk) -> tuple[Truth, ...]:
    """No agent, so nobody may wait."""
    strict = desk.queue("strict")
    caller = await desk.call(strict)
    await caller.gone()
    return _truth(caller, "empty", strict)


async def refused_unknown(desk: Desk) -> tuple[Truth, ...]:
    """The dialplan names a queue that does not exist."""
    unknown = desk.queue("typo")
    caller = await desk.call(unknown)
    await caller.gone()
    return _truth(caller, "empty", unknown)


# --- taken or thrown out ----------------------------------------------------------------------------------------------


async def redirected(desk: Desk) -> tuple[Truth, ...]:
    """Somebody takes him out of the queue to another extension."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await desk.wire.do("Redirect", Channel=caller.channel, Context="parlour", Exten="s", Priority="1")
    await desk.wire.event("Newexten", Uniqueid=caller.uniqueid, Context="parlour", Application="Wait")
    await caller.hang_up()
    return _truth(caller, "moved", support)


async def bridged(desk: Desk) -> tuple[Truth, ...]:
    """Somebody takes him out of the queue into a talk with a colleague."""
    support = desk.queue("support")
    colleague = await desk.dial("s@parlour", "", {})
    caller = await desk.call(support)
    await caller.joined(support)
    await desk.wire.do("Bridge", Channel1=caller.channel, Channel2=colleague.phone)
    await desk.wire.event("BridgeEnter", Uniqueid=caller.uniqueid)
    await desk.wire.event("BridgeEnter", Uniqueid=colleague.phone_uniqueid)
    await caller.hang_up()
    with contextlib.suppress(AsteriskError):  # the end of the talk may have ended him already
        await desk.wire.do("Hangup", Channel=colleague.channel)
    await colleague.gone()
    return _truth(caller, "moved", support)


async def hung_up_by_admin(desk: Desk) -> tuple[Truth, ...]:
    """An administrator ends his channel."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await desk.wire.do("Hangup", Channel=caller.channel)
    await caller.gone()
    return _truth(caller, "cut_off", support)


async def absolute_timeout(desk: Desk) -> tuple[Truth, ...]:
    """The longest time that the dialplan allows a call is over."""
    support = desk.queue("support")
    caller = await desk.call(support, variables={"ABSOLUTE": "1.5"})
    await caller.joined(support)
    await caller.gone()
    return _truth(caller, "cut_off", support)


WAYS_OUT: Final[tuple[WayOut, ...]] = (
    answered,
    answered_and_caller_hangs_up,
    answered_while_all_ring,
    timeout_then_answered,
    after_talk,
    transferred_and_answered,
    abandoned_while_waiting,
    abandoned_while_ringing,
    abandoned_after_no_answer,
    abandoned_during_announcement,
    abandoned_during_memberdelay,
    timeout_then_abandoned,
    abandoned_over_sip,
    abandoned_in_the_place_of_another,
    hidden_number,
    hostile_names,
    timeout,
    emptied,
    left_by_key,
    withdrawn,
    refused_full,
    refused_empty,
    refused_unknown,
    redirected,
    bridged,
    hung_up_by_admin,
    absolute_timeout,
)


# --- the PBX ends -----------------------------------------------------------------------------------------------------


async def stopped(desk: Desk) -> tuple[Truth, ...]:
    """An administrator stops Asterisk while he waits."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await desk.heard(caller)
    await desk.pbx.stop()
    return _truth(caller, "cut_off", support)


async def killed(desk: Desk) -> tuple[Truth, ...]:
    """Asterisk dies while he waits."""
    support = desk.queue("support")
    caller = await desk.call(support)
    await caller.joined(support)
    await desk.heard(caller)
    await desk.pbx.kill()
    return _truth(caller, "lost", support)


# --- what only Linkedid joins -----------------------------------------------------------------------------------------


async def consultation(desk: Desk) -> tuple[Truth, ...]:
    """The agent dials the sales queue by feature code while the caller holds, and leaves them; the caller gives up.

    Two channels, one person: the one that talked ends its talk only now; the one that waits in sales is the agent's
    consultation, with the agent's number (on 22 the caller's by the time it abandons). Both share a Linkedid.
    """
    support, sales = desk.queue("support"), desk.queue("sales")
    await desk.staff("support")
    caller = await desk.call(support, variables={"OPTIONS": "t", "__TRANSFER_CONTEXT": "queues"})
    connect = await caller.connected()
    await _dial_by_key(desk, connect["DestChannel"], "*2")
    await desk.wire.event("MusicOnHoldStart", Uniqueid=caller.uniqueid, since=connect)
    await _dial_by_key(desk, connect["DestChannel"], f"7{desk.number:02d}")
    waiting = await desk.wire.event("QueueCallerJoin", Queue=sales)
    await desk.wire.event("BridgeEnter", Uniqueid=connect["DestUniqueid"], since=connect)
    await desk.wire.do("Hangup", Channel=connect["DestChannel"])
    await desk.wire.event("AttendedTransfer", TransfereeUniqueid=caller.uniqueid)
    await asyncio.sleep(_A_WHILE)
    await caller.hang_up()
    await desk.wire.event("Hangup", Uniqueid=waiting["Uniqueid"])
    consulted = Truth(waiting["Uniqueid"], caller.number, (sales,), "after_talk")
    return (consulted, *_truth(caller, "answered", support))


async def _dial_by_key(desk: Desk, phone: str, keys: str) -> None:
    """Keys pressed on a Local telephone: they come from its far half."""
    for key in keys:
        await desk.wire.do("PlayDTMF", Channel=phone.removesuffix("1") + "2", Digit=key)
        await asyncio.sleep(_KEY)


ENDINGS: Final[tuple[WayOut, ...]] = (stopped, killed)
