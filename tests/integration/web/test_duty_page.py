"""The menu of the queues on every page, and who of a group is there: by plain forms, by htmx, by the API."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest
from aiohttp import web

from daemon.handlers.world import PauseReason
from daemon.web.parts import PARTS
from tests.builders import agent_id, group_id
from tests.exchange import Queues
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Client, Desk, csrf

FRAGMENT = {"HX-Request": "true"}
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def queues(desk: Desk) -> Queues:
    """Agents of support may log in to both queues of `main`, which does as it is asked."""
    app = desk.server.app
    assert isinstance(app, web.Application)
    support = group_id(desk.world, "acme", "support")
    world = replace(
        desk.world,
        queues={
            key: replace(each, pbx="main", open_to=frozenset({support}), label=f"{each.label} & Co")
            for key, each in desk.world.queues.items()
        },
        pause_reasons=(PauseReason("lunch", {"en": f"Lunch {NASTY}", "zh": "午餐"}),),
    )
    desk.world = world
    opened = Queues(app[PARTS].presence)
    desk.lines["main"] = opened
    opened.tell()
    return opened


async def does(client: Client, deed: str, htmx: bool = False, **form: str) -> tuple[int, str]:
    form = {"csrf": await csrf(client), "back": "/work-orders", **form}
    headers = FRAGMENT if htmx else None
    answer = await client.post(f"/duty/{deed}", data=form, headers=headers, allow_redirects=False)
    return answer.status, unescape(await answer.text())


async def sees(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200
    return await answer.text()


async def test_the_menu_is_on_every_page_of_who_may_log_in_and_of_nobody_else(desk: Desk, queues: Queues) -> None:
    anna, boss = await desk.logged_in("anna"), await desk.logged_in("boss")
    for path in ("/missed-calls", "/work-orders", "/board", "/status"):
        page = await sees(anna, path)
        assert page.count('id="duty"') == 1
        assert "Support &amp; Co" in page
        assert 'id="duty"' not in await sees(boss, path)
    assert (await boss.get("/duty", headers=FRAGMENT)).status == 403


async def test_by_plain_forms_she_logs_in_pauses_and_leaves(desk: Desk, queues: Queues) -> None:
    anna = await desk.logged_in("anna")
    assert (await does(anna, "log-in", queue="support", pbx="main"))[0] == 303
    assert [key[0] for key in queues.members] == ["support"]
    assert (await does(anna, "log-in"))[0] == 303
    assert (await does(anna, "pause", reason="lunch"))[0] == 303
    page = await sees(anna, "/work-orders")
    assert "Lunch &lt;img" in page
    assert NASTY not in page
    assert (await does(anna, "resume"))[0] == 303
    assert not any(member.paused for member in queues.members.values())
    assert (await does(anna, "log-out"))[0] == 303
    assert queues.members == {}


async def test_a_refusal_is_said_where_it_was_asked_for(desk: Desk, queues: Queues) -> None:
    anna = await desk.logged_in("anna")
    queues.seat("PJSIP/1000")
    status, text = await does(anna, "log-out")
    assert (status, "can pause, but not log out" in text, 'href="/work-orders"' in text) == (409, True, True)
    status, text = await does(anna, "pause", htmx=True, reason="golf")
    assert (status, "no such reason" in text, "<html" in text) == (200, True, False)
    queues.fall_silent()
    status, text = await does(anna, "log-in", htmx=True)
    assert (status, "did not do it" in text, "not connected" in text) == (200, True, True)
    assert queues.asked == []


async def test_a_leader_sees_and_pauses_his_agents_they_see_each_other(desk: Desk, queues: Queues) -> None:
    anna, ben = await desk.logged_in("anna"), await desk.logged_in("ben")
    queues.seat("PJSIP/1001", dynamic=True)
    ben_id = str(agent_id(desk.world, "ben"))
    status, text = await does(anna, "pause", htmx=True, agent=ben_id, reason="lunch")
    assert (status, "<html" in text) == (200, False)
    assert queues.members["support", "PJSIP/1001"].reason == "lunch"
    assert f'name="agent" value="{ben_id}"' in await sees(anna, "/agents")
    of_ben = await sees(ben, "/agents")
    assert "Anna" in of_ben
    assert f'name="agent" value="{agent_id(desk.world, "anna")}"' not in of_ben
    assert (await does(ben, "pause", agent=str(agent_id(desk.world, "anna")), reason="lunch"))[0] == 403
    assert (await does(anna, "log-out", agent=ben_id))[0] == 303
    for stranger in (str(agent_id(desk.world, "olga")), "987654321"):
        assert (await does(anna, "pause", agent=stranger, reason="lunch"))[0] == 404


@pytest.mark.parametrize("agent", ["x", "-1", "1; DROP TABLE agent", "9" * 40])
async def test_nonsense_for_an_agent_is_refused(desk: Desk, queues: Queues, agent: str) -> None:
    anna = await desk.logged_in("anna")
    assert (await does(anna, "pause", agent=agent, reason="lunch"))[0] == 400
    assert queues.asked == []


async def test_the_api_says_who_is_there_and_changes_it(desk: Desk, queues: Queues) -> None:
    system = await bearer(desk, "crm")
    ben = agent_id(desk.world, "ben")
    answer = await system.post(f"/api/v1/agents/{ben}/log-in", json={"queue": "support"})
    assert answer.status == 200, await answer.text()
    answer = await system.post(f"/api/v1/agents/{ben}/pause", json={"reason": "lunch"})
    told = (await answer.json())["presence"]
    assert (told["stand"], told["reason"], told["online"]) == ("paused", "lunch", False)
    [queue] = told["queues"]
    assert (queue["pbx"], queue["queue"], queue["dynamic"], queue["paused"]) == ("main", "support", True, True)
    answer = await system.get("/api/v1/agents")
    assert [each["presence"]["stand"] for each in (await answer.json())["items"]] == ["out", "paused"]
    answer = await system.post(f"/api/v1/agents/{ben}/pause", json={"reason": "golf"})
    assert answer.status == 409
    answer = await system.post(f"/api/v1/agents/{ben}/log-in", json={"queue": "nowhere"})
    assert answer.status == 404
    queues.fall_silent()
    answer = await system.post(f"/api/v1/agents/{ben}/resume")
    assert answer.status == 409
