from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import ClientResponse

from daemon.handlers.live import News
from daemon.web.live import Inbox, Live, LiveEvent
from tests.builders import group_id, team_id
from tests.integration.web.desk import Client, Desk, csrf

PATIENCE = 5.0


class Stream:
    """A browser's end of GET /live."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> dict[str, str]:
        """The next event, field by field; comments are skipped, and what his own coming makes news of."""
        while (event := await self._event())["event"] in {"presence", "agents"}:
            pass
        return event

    async def _event(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := await self.answer.content.readline():
                text = line.decode().rstrip("\r\n")
                if not text and fields:
                    return fields
                name, _, value = text.partition(": ")
                if name:
                    fields[name] = value
        return {"event": "end"}


@asynccontextmanager
async def listening(client: Client, last_id: str | None = None) -> AsyncIterator[Stream]:
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    async with client.get("/live", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Stream(answer)


async def names(stream: Stream, count: int) -> list[str]:
    return [(await stream.next())["event"] for _ in range(count)]


async def test_news_of_his_team_reach_an_agent_and_no_others(desk: Desk) -> None:
    acme, other = team_id(desk.world, "acme"), team_id(desk.world, "other")
    async with listening(await desk.logged_in("anna")) as stream:
        assert (await stream.next())["event"] == "hello"
        desk.live.publish(News(other, "missed_calls", (1,)))
        desk.live.publish(News(acme, "missed_calls", (2, 3)))
        place = desk.live.position
        assert await stream.next() == {"id": place, "event": "missed_calls", "data": '{"ids": [2, 3]}'}


async def test_news_of_a_group_reach_its_agents_and_the_admins(desk: Desk) -> None:
    acme, sales = team_id(desk.world, "acme"), group_id(desk.world, "acme", "sales")
    support = group_id(desk.world, "acme", "support")
    async with (
        listening(await desk.logged_in("ben")) as agent,
        listening(await desk.logged_in("boss")) as admin,
        listening(await desk.logged_in("root")) as system,
    ):
        assert await names(agent, 1) == await names(admin, 1) == await names(system, 1) == ["hello"]
        desk.live.publish(News(acme, "work_orders", (1,), (sales,)))
        desk.live.publish(News(acme, "work_orders", (2,), (support,)))
        assert (await agent.next())["data"] == '{"ids": [2]}'
        assert (await admin.next())["data"] == (await system.next())["data"] == '{"ids": [1]}'


async def test_a_browser_that_comes_back_gets_what_it_missed(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    client = await desk.logged_in("anna")
    for n in range(3):
        desk.live.publish(News(acme, "missed_calls", (n,)))
    async with listening(client, "test-1") as stream:
        events = [await stream.next() for _ in range(3)]
        place = desk.live.position
    assert [(each["id"], each["event"]) for each in events] == [
        ("test-2", "missed_calls"),
        ("test-3", "missed_calls"),
        (place, "hello"),
    ]


async def test_a_browser_of_another_process_or_long_ago_asks_for_everything(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    for last_id in ("older-7", "test-x", "junk", "-", "\u00fc"):
        async with listening(client, last_id) as stream:
            assert await names(stream, 2) == ["refresh", "hello"], last_id


async def test_a_page_is_rendered_with_the_place_from_which_it_must_listen(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    desk.live.publish(News(team_id(desk.world, "acme"), "calls"))
    text = await (await client.get("/missed-calls")).text()
    assert 'data-position="test-1"' in text


async def test_logging_out_ends_the_streams_of_this_session_only(desk: Desk) -> None:
    leaving, staying = await desk.logged_in("anna"), await desk.logged_in("anna")
    async with listening(leaving) as left, listening(staying) as stayed:
        assert await names(left, 1) == await names(stayed, 1) == ["hello"]
        await leaving.post("/logout", data={"csrf": await csrf(leaving)}, allow_redirects=False)
        assert await names(left, 1) == ["end"]
        desk.live.publish(News(team_id(desk.world, "acme"), "calls"))
        assert await names(stayed, 1) == ["calls"]


async def test_who_left_the_configuration_hears_nothing_more(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    async with listening(await desk.logged_in("anna")) as stream:
        await stream.next()
        gone = {id_: agent for id_, agent in desk.world.agents.items() if agent.username != "anna"}
        before, desk.world = desk.world, replace(desk.world, agents=gone)
        desk.live.publish(News(acme, "calls", (1,)))
        desk.world = before
        desk.live.publish(News(acme, "calls", (2,)))
        assert (await stream.next())["data"] == '{"ids": [2]}'


async def test_stopping_ends_every_stream(desk: Desk) -> None:
    async with listening(await desk.logged_in("anna")) as stream:
        await stream.next()
        desk.live.close()
        assert await names(stream, 1) == ["end"]
    async with listening(await desk.logged_in("anna")) as late:
        assert await names(late, 1) == ["end"]
    assert desk.live.listeners == 0


async def test_a_stream_ends_with_its_session(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    desk.clock.pass_by(hours=12, seconds=-0.05)
    async with listening(client) as stream:
        assert await names(stream, 2) == ["hello", "end"]


async def drained(inbox: Inbox, last_id: str) -> list[LiveEvent]:
    """Everything up to the event of this id."""
    events = []
    async with asyncio.timeout(PATIENCE):
        async for event in inbox:
            events.append(event)
            if event.id == last_id:
                break
    return events


async def test_a_slow_listener_is_told_to_refresh_and_holds_nobody_up() -> None:
    live = Live("e", inbox=3)
    with live.listen("k", lambda _: True) as inbox:
        for n in range(100):
            live.publish(News(1, "calls", (n,)))
        events = await drained(inbox, live.position)
    assert events[0].name == "refresh"
    assert len(events) <= 3


async def test_the_ring_reaches_back_exactly_as_far_as_it_says() -> None:
    live = Live("e", ring=3)
    for n in range(1, 6):
        live.publish(News(1, "calls", (n,)))
    for last_id, first in (("e-2", "e-3"), ("e-1", "e-5")):
        with live.listen("k", lambda _: True, last_id) as inbox:
            event = (await drained(inbox, "e-5"))[0]
            assert (event.id, event.name) == (first, "calls" if first == "e-3" else "refresh")
