"""The popup is on the right screen and goes in time, whatever telephones do: blind transfers, pick-ups, devices."""

from __future__ import annotations

import asyncio
import re

import pytest

from daemon.demo.desks import Caller, Desk
from tests.acceptance.rig import CALLS, DEADLINE, Outpost

pytestmark = pytest.mark.asterisk

LATER = 60.0  # seconds: longer than any of these calls
STAGE = re.compile(r'id="popup-dock"[^>]*data-stage="(\w+)"')

Screens = dict[str, list[str]]


async def screens(house: Outpost) -> Screens:
    """What Anna and Ben have before them."""
    return {who: STAGE.findall(await house.page("/popup/panel", who)) for who in ("anna", "ben")}


async def shown(house: Outpost, **expected: str) -> None:
    """Wait until it is on these screens, and on no other."""
    wanted: Screens = {who: [expected[who]] if who in expected else [] for who in ("anna", "ben")}
    deadline = asyncio.get_running_loop().time() + DEADLINE
    while (found := await screens(house)) != wanted:
        assert asyncio.get_running_loop().time() < deadline, f"{found} instead of {wanted}"
        await asyncio.sleep(0.2)


async def verdict(house: Outpost, caller: Caller, reason: str) -> None:
    await house.until(CALLS, [(caller.uniqueid, reason)])


async def waits(desk: Desk, kind: str = "support", **how: str) -> Caller:
    caller = await desk.call(desk.queue(kind), variables=how)
    await caller.joined(desk.queue(kind))
    return caller


async def test_all_phones_of_a_queue_ring_and_one_answers(house: Outpost, desk: Desk) -> None:
    await house.start()
    await desk.staff("support", 0, ring=LATER)
    await desk.staff("support", 1, ring=6)
    caller = await waits(desk)
    await shown(house, anna="ringing", ben="ringing")
    await caller.connected()
    await shown(house, ben="talking")
    await caller.hang_up()
    await shown(house, ben="after")
    await verdict(house, caller, "answered")


async def test_one_agent_in_two_queues_sees_each_call_once(house: Outpost, desk: Desk) -> None:
    await house.start()
    await desk.staff("support", 0, ring=LATER)
    await desk.staff("sales", 0, ring=LATER)
    caller = await waits(desk, "sales")
    await shown(house, anna="ringing")
    await caller.hang_up()
    await shown(house)
    await verdict(house, caller, "abandoned")


async def test_a_blind_transfer_into_another_queue_is_on_the_screen_of_who_answers_there(
    house: Outpost, desk: Desk
) -> None:
    await house.start()
    await desk.staff("support", 0)
    await desk.staff("sales", 1, ring=6)
    caller = await waits(desk, NEXT_QUEUE=desk.queue("sales"))
    connect = await caller.connected()
    await shown(house, anna="talking")
    await desk.wire.do("BlindTransfer", Channel=connect["DestChannel"], Context="queues", Exten="again")
    joined = await caller.joined(desk.queue("sales"))
    await caller.connected(since=joined)
    await shown(house, ben="talking")
    await caller.hang_up()
    await shown(house, ben="after")
    await verdict(house, caller, "answered")


async def test_two_devices_of_one_agent_are_one_popup(house: Outpost, desk: Desk) -> None:
    house.change("[Local/1000@agents/n]", "[Local/1000@agents/n, Local/1009@agents/n]", "teams.yaml")
    await house.start()
    await desk.staff("support", 0, ring=LATER)
    await desk.staff("support", 9, ring=6)
    caller = await waits(desk)
    await shown(house, anna="ringing")
    await caller.connected()
    await shown(house, anna="talking")
    await caller.hang_up()
    await shown(house, anna="after")
    await verdict(house, caller, "answered")


async def test_a_member_of_freepbx_is_the_agent_behind_it(house: Outpost, desk: Desk) -> None:
    """Its members are Local/x@from-queue/n; the telephone is only told as the StateInterface."""
    await house.start()
    support = desk.queue("support")
    await desk.behave(0, ring=6)
    await desk.wire.do(
        "QueueAdd",
        Queue=support,
        Interface="Local/1000@from-queue/n",
        StateInterface="Local/1000@agents/n",
        MemberName="Anna Berg",
    )
    try:
        caller = await waits(desk)
        await shown(house, anna="ringing")
        await caller.connected()
        await shown(house, anna="talking")
        await caller.hang_up()
        await shown(house, anna="after")
        await verdict(house, caller, "answered")
    finally:
        await desk.wire.do("QueueRemove", Queue=support, Interface="Local/1000@from-queue/n")


async def test_who_picks_up_for_a_colleague_has_the_popup(house: Outpost, desk: Desk) -> None:
    await house.start()
    await desk.staff("support", 0, ring=LATER)
    await desk.behave(1, ring=0.1)
    caller = await waits(desk)
    called = await caller.rung()
    await shown(house, anna="ringing")
    await desk.wire.do(
        "Originate", Channel="Local/1001@agents/n", Application="PickupChan", Data=called["DestChannel"], Async="true"
    )
    await caller.connected()
    await shown(house, ben="talking")
    await caller.hang_up()
    await shown(house, ben="after")
    await verdict(house, caller, "answered")


async def test_after_a_blind_transfer_to_a_colleague_the_result_is_owed_by_who_answered(
    house: Outpost, desk: Desk
) -> None:
    await house.start()
    await desk.staff("support", 0)
    await desk.behave(1, ring=1)
    caller = await waits(desk)
    connect = await caller.connected()
    await shown(house, anna="talking")
    await desk.wire.do("BlindTransfer", Channel=connect["DestChannel"], Context="from-queue", Exten="1001")
    await desk.wire.event("BlindTransfer", TransfereeUniqueid=caller.uniqueid)
    await shown(house, anna="after")
    await caller.hang_up()
    await verdict(house, caller, "answered")
