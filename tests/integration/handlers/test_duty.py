"""Queues from the pages and the pause after a talk, beside a PBX that does as it is asked; on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from daemon.calls.duty import WRAP_UP, Stand
from daemon.errors import ForbiddenError, NotFoundError
from daemon.handlers.duty import Duty, NotDoneError
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.presence import Presence
from daemon.handlers.results import choose_result
from daemon.handlers.seats import Switch
from daemon.handlers.world import PauseReason, World
from daemon.handlers.wrap_up import WrapUps, begin_wrap_up
from daemon.storage.engine import Store
from daemon.storage.tables import CallRow, WrapUpRow
from tests.builders import NOON, agent_id, answered_call, group_id, team_id
from tests.exchange import PAUSED_AT, Queues
from tests.integration.handlers.test_call_results import with_results
from tests.worlds import small_world

ANNA = "PJSIP/1000"


@dataclass
class Floor:
    store: Store
    world: World
    presence: Presence
    wrap_ups: WrapUps
    duty: Duty
    queues: Queues
    branch: Queues
    told: list[News]
    late: timedelta = timedelta()

    @property
    def now(self) -> datetime:
        return NOON + self.late

    def person(self, username: str) -> Person:
        agent = self.world.agent_by_username(username)
        assert agent is not None
        return Person("agent", username, agent.name, agent.team_id, agent)

    def stand(self, username: str = "anna") -> Stand:
        agent = self.world.agent_by_username(username)
        assert agent is not None
        return self.duty.of(agent).stand

    async def talked(self) -> CallRow:
        """Anna's talk is over, and she owes its result."""
        call = await answered_call(
            self.store, team_id(self.world, "acme"), agent_id(self.world, "anna"), ended_at=self.now
        )
        async with self.store.write() as session:
            await session.execute(update(CallRow).where(CallRow.id == call.id).values(reason="answered"))
        await self.ends(call)
        return call

    async def ends(self, call: CallRow) -> None:
        async with self.store.write() as session:
            await begin_wrap_up(session, self.world, await session.get_one(CallRow, call.id))

    async def endings(self) -> list[str]:
        async with self.store.read() as session:
            return list(await session.scalars(select(WrapUpRow.ended_how).order_by(WrapUpRow.id)))

    def restarted(self) -> WrapUps:
        """Another process, which knows what the database and the PBX say."""
        switch = Switch({"main": self.queues, "branch": self.branch})
        return WrapUps(self.store, lambda: self.world, self.presence, switch, self.told.append, lambda: self.now)


@pytest.fixture
async def floor(store: Store) -> Floor:
    """Anna may log in to support on two PBXs, and to sales, which stands on one."""
    small = with_results(await small_world(store))
    support = group_id(small, "acme", "support")
    acme = team_id(small, "acme")
    queues = {
        ("", "support"): replace(small.queues["", "support"], open_to=frozenset({support}), penalty=3),
        ("main", "sales"): replace(small.queues["", "sales"], pbx="main", open_to=frozenset({support})),
        ("main", "secret"): replace(small.queues["", "sales"], pbx="main", name="secret"),
    }
    world = replace(
        small,
        queues=queues,
        pbx_teams={"main": acme, "branch": acme},
        modules={id_: replace(each, wrap_up=timedelta(minutes=2)) for id_, each in small.modules.items()},
        pause_reasons=(PauseReason("lunch", {"en": "Lunch"}),),
    )
    told: list[News] = []
    presence = Presence(lambda: world, told.append)
    main, branch = Queues(presence), Queues(presence, "branch")
    switch = Switch({"main": main, "branch": branch})
    made: Floor
    wrap_ups = WrapUps(store, lambda: world, presence, switch, told.append, lambda: made.now)
    made = Floor(store, world, presence, wrap_ups, Duty(lambda: world, presence, switch, wrap_ups), main, branch, told)
    main.tell()
    branch.tell()
    return made


async def test_she_becomes_a_member_where_she_may_and_nowhere_else(floor: Floor) -> None:
    standing = await floor.duty.log_in(floor.person("anna"), None)
    assert standing.stand is Stand.READY
    assert [(chair.pbx, chair.queue, chair.seat is not None) for chair in standing.chairs] == [
        ("main", "support", True),
        ("branch", "support", True),
        ("main", "sales", True),
    ]
    added = {"Action": "QueueAdd", "Queue": "support", "Interface": ANNA, "Penalty": "3", "Paused": "false"}
    assert floor.queues.asked[0] == added
    for queue in ("secret", "nowhere", "support\r\nAction: Logoff"):
        with pytest.raises(NotFoundError):
            await floor.duty.log_in(floor.person("anna"), None, queue)
    standing = await floor.duty.log_out(floor.person("anna"), None, "SUPPORT", "branch")
    assert [chair.seat is not None for chair in standing.chairs] == [True, False, True]


async def test_who_is_asked_for_twice_at_once_is_a_member_once(floor: Floor) -> None:
    anna = floor.person("anna")
    await asyncio.gather(*(floor.duty.log_in(anna, None, "sales") for _ in range(3)))
    assert len(floor.queues.asked) == 1
    floor.presence.members("main", frozenset())  # what Asterisk says of her did not come yet
    await floor.duty.log_in(anna, None, "sales")
    assert len(floor.queues.members) == 1


async def test_her_name_goes_to_the_pbx_as_configured_unless_it_would_break_its_database(floor: Floor) -> None:
    anna = agent_id(floor.world, "anna")
    for name, told in (("<b>Anna</b>", "<b>Anna</b>"), ("Anna;|x", None)):
        floor.world.agents[anna] = replace(floor.world.agents[anna], member_names=(name,))
        await floor.duty.log_in(floor.person("anna"), None, "sales")
        assert floor.queues.asked[-1].get("MemberName") == told
        await floor.duty.log_out(floor.person("anna"), None)


async def test_who_is_paused_everywhere_enters_another_queue_paused(floor: Floor) -> None:
    anna = floor.person("anna")
    await floor.duty.log_in(anna, None, "support", "main")
    await floor.duty.pause(anna, None, "lunch")
    standing = await floor.duty.log_in(anna, None, "sales")
    assert (standing.stand, standing.reason) == (Stand.PAUSED, "lunch")
    assert floor.queues.asked[-2]["Paused"] == "true"


async def test_a_static_member_pauses_and_resumes_but_does_not_leave(floor: Floor) -> None:
    floor.queues.seat(ANNA)
    anna = floor.person("anna")
    with pytest.raises(NotDoneError) as refused:
        await floor.duty.log_out(anna, None)
    assert refused.value.trouble == "static"
    standing = await floor.duty.pause(anna, None, "lunch")
    assert (standing.reason, standing.since) == ("lunch", datetime.fromtimestamp(PAUSED_AT, NOON.tzinfo))
    assert (await floor.duty.resume(anna, None)).stand is Stand.READY


async def test_what_can_not_be_done_is_said(floor: Floor) -> None:
    anna = floor.person("anna")
    with pytest.raises(NotDoneError) as refused:
        await floor.duty.pause(anna, None, "lunch")
    assert refused.value.trouble == "no_seat"
    for reason in (WRAP_UP, "golf", "lunch\r\nAction: Logoff", ""):
        with pytest.raises(NotDoneError) as refused:
            await floor.duty.pause(anna, None, reason)
        assert refused.value.trouble == "no_reason"
    floor.queues.fall_silent()
    floor.branch.fall_silent()
    for deed in (floor.duty.log_in(anna, None), floor.duty.pause(anna, None, "lunch"), floor.duty.resume(anna, None)):
        with pytest.raises(NotDoneError) as refused:
            await deed
        assert refused.value.trouble == "not_done"
    assert floor.queues.asked == []
    assert floor.duty.of(floor.world.agents[agent_id(floor.world, "anna")]).silent == ("branch", "main")


async def test_a_leader_manages_his_agents_and_logs_nobody_in(floor: Floor) -> None:
    floor.queues.seat("PJSIP/1001", dynamic=True)
    anna, ben, anna_id = floor.person("anna"), agent_id(floor.world, "ben"), agent_id(floor.world, "anna")
    assert (await floor.duty.pause(anna, ben, "lunch")).stand is Stand.PAUSED
    assert (await floor.duty.resume(anna, ben)).stand is Stand.READY
    assert (await floor.duty.log_out(anna, ben)).stand is Stand.OUT
    with pytest.raises(ForbiddenError):
        await floor.duty.log_in(anna, ben)
    with pytest.raises(ForbiddenError):
        await floor.duty.pause(floor.person("ben"), anna_id, "lunch")
    for stranger in (floor.person("olga"), Person("team_admin", "x", "X", floor.person("olga").team_id)):
        with pytest.raises(NotFoundError):
            await floor.duty.pause(stranger, anna_id, "lunch")
    with pytest.raises(ForbiddenError):
        await floor.duty.pause(Person("system_admin", "root", "Root", None), anna_id, "lunch")


# --- the pause after a talk ------------------------------------------------------------------------------------------


async def seated(floor: Floor) -> None:
    await floor.duty.log_in(floor.person("anna"), None)


async def test_after_a_talk_she_is_paused_on_every_pbx_until_the_result(floor: Floor) -> None:
    await seated(floor)
    call = await floor.talked()
    assert await floor.wrap_ups.round() <= 60
    assert floor.stand() is Stand.WRAP_UP
    assert floor.wrap_ups.until(agent_id(floor.world, "anna")) == NOON + timedelta(minutes=2)
    await choose_result(floor.store, floor.world, floor.person("anna"), call.id, "solved", "", None, None, NOON)
    await floor.wrap_ups.round()
    assert floor.stand() is Stand.READY
    await floor.ends(call)  # told again
    await floor.wrap_ups.round()
    assert (floor.stand(), await floor.endings()) == (Stand.READY, ["result"])


async def test_it_ends_with_its_time_whatever_is_owed(floor: Floor) -> None:
    await seated(floor)
    await floor.talked()
    await floor.wrap_ups.round()
    floor.late = timedelta(minutes=2)
    await floor.wrap_ups.round()
    assert (floor.stand(), await floor.endings()) == (Stand.READY, ["time"])


async def test_two_talks_after_each_other_are_both_wrapped_up(floor: Floor) -> None:
    await seated(floor)
    first = await floor.talked()
    floor.late = timedelta(minutes=1)
    await floor.talked()
    await floor.wrap_ups.round()
    await choose_result(floor.store, floor.world, floor.person("anna"), first.id, "solved", "", None, None, NOON)
    await floor.wrap_ups.round()
    assert floor.stand() is Stand.WRAP_UP
    await floor.duty.resume(floor.person("anna"), None)
    await floor.wrap_ups.round()
    assert (floor.stand(), await floor.endings()) == (Stand.READY, ["result", "agent"])


async def test_her_own_pause_is_neither_hidden_nor_ended(floor: Floor) -> None:
    await seated(floor)
    await floor.duty.pause(floor.person("anna"), None, "lunch")
    await floor.talked()
    before = len(floor.queues.asked)
    await floor.wrap_ups.round()
    floor.late = timedelta(minutes=3)
    await floor.wrap_ups.round()
    assert (floor.stand(), len(floor.queues.asked)) == (Stand.PAUSED, before)


async def test_who_was_resumed_on_the_telephone_stays_so(floor: Floor) -> None:
    await seated(floor)
    await floor.talked()
    await floor.wrap_ups.round()
    await floor.wrap_ups.round()  # it has seen that she is paused
    floor.queues.seat(ANNA, dynamic=True)
    await floor.wrap_ups.round()
    assert (floor.stand(), await floor.endings()) == (Stand.READY, ["phone"])


async def test_a_process_that_died_leaves_nobody_paused(floor: Floor) -> None:
    await seated(floor)
    await floor.talked()
    await floor.wrap_ups.round()
    await floor.restarted().round()
    assert floor.stand() is Stand.WRAP_UP
    floor.late = timedelta(hours=1)
    await floor.restarted().round()
    assert floor.stand() is Stand.READY


async def test_a_pause_of_ours_that_no_row_wants_is_ended(floor: Floor) -> None:
    floor.queues.seat(ANNA, paused=True, reason=WRAP_UP)
    await floor.wrap_ups.round()
    assert floor.stand() is Stand.READY


async def test_what_a_lost_link_refused_is_done_when_it_is_back_if_it_is_still_wanted(floor: Floor) -> None:
    await seated(floor)
    floor.branch.fall_silent()
    await floor.talked()
    await floor.wrap_ups.round()
    assert [seat.pbx for seat in floor.presence.seats(agent_id(floor.world, "anna"))] == ["main", "main"]
    floor.branch.refusal = ""
    floor.branch.tell()
    await floor.wrap_ups.round()
    assert floor.stand() is Stand.WRAP_UP
    floor.queues.fall_silent()
    floor.late = timedelta(hours=1)
    await floor.wrap_ups.round()
    assert await floor.endings() == ["time"]
    floor.queues.refusal = ""
    floor.queues.tell()
    await floor.wrap_ups.round()
    assert floor.stand() is Stand.READY


async def test_no_wrap_up_where_nothing_is_owed(floor: Floor) -> None:
    await seated(floor)
    modules = {id_: replace(each, wrap_up=None) for id_, each in floor.world.modules.items()}
    call = await answered_call(floor.store, team_id(floor.world, "acme"), agent_id(floor.world, "anna"), ended_at=NOON)
    async with floor.store.write() as session:
        row = await session.get_one(CallRow, call.id)
        row.reason = "answered"
        await begin_wrap_up(session, replace(floor.world, modules=modules), row)
        row.reason = "abandoned"
        await begin_wrap_up(session, floor.world, row)
    assert await floor.endings() == []


async def test_news_of_a_seat_go_to_its_agent_and_to_the_page_of_his_groups(floor: Floor) -> None:
    floor.told.clear()
    floor.queues.seat(ANNA)
    anna = agent_id(floor.world, "anna")
    support = group_id(floor.world, "acme", "support")
    assert [(news.topic, news.agent_ids, news.group_ids) for news in floor.told] == [
        ("presence", (anna,), ()),
        ("agents", (anna,), (support,)),
    ]
    floor.told.clear()
    floor.queues.tell()
    assert floor.told == []
