from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from daemon.handlers.live import News
from daemon.storage.missed_items import Closing
from daemon.storage.tables import MissedItemRow, WorkOrderRow
from tests.builders import NOON, closed, group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Desk, csrf

HOSTILE = "<script>alert(1)</script>\r\nBcc: x\x00\u202eevil{{ 7*7 }}{% raw %}"


async def test_a_missed_call_is_listed_with_all_that_is_known(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme, name="Ada", queues=("sales", "support"), wait=83)
    await missed_call(desk.store, acme, name="Ada", wait=61, item=item, at=NOON + timedelta(minutes=2))
    text = await (await (await desk.logged_in("anna")).get("/missed-calls")).text()
    for said in ("+49 30 1234567", "Ada", "Sales", "→", "Support", "Gave up", "1:01", "13:02", "first 13:00", "2×"):
        assert said in text, said
    assert "The caller hung up while waiting." in text
    assert 'action="/missed-calls/1/work-order"' in text


async def test_the_agents_language_is_spoken_throughout(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"), listing="short")
    answer = await (await desk.logged_in("ben")).get("/missed-calls", headers={"Accept-Language": "en"})
    text = await answer.text()
    assert 'lang="zh"' in text
    for said in ("未接来电", "来电者挂断", "未建工单：等待时间太短", "创建工单", "退出"):
        assert said in text, said
    assert "Gave up" not in text


async def test_what_callers_send_is_shown_as_text(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme, name=HOSTILE, number=HOSTILE[:80], queues=(HOSTILE[:100],))
    await work_order(
        desk.store, acme, group_id(desk.world, "acme", "support"), item=item, title=HOSTILE, description=HOSTILE
    )
    client = await desk.logged_in("anna")
    for path in ("/missed-calls", "/work-orders", "/work-orders/1", "/missed-calls/dismiss?id=1"):
        text = await (await client.get(path)).text()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "{{ 7*7 }}" in text
        assert not set(text) & set("\x00\u202e\r"), path


async def test_an_agent_makes_the_order_of_an_item_once(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    client = await desk.logged_in("anna")
    form = {"csrf": await csrf(client)}
    for _ in range(2):
        answer = await client.post("/missed-calls/1/work-order", data=form, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/work-orders/1")
    async with desk.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(WorkOrderRow)) == 1
    text = await (await client.get("/missed-calls")).text()
    assert '<a href="/work-orders/1">#7-1</a>' in text
    assert "Create order" not in text


async def test_where_the_queue_names_no_template_the_agent_chooses_one(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"), queues=("unheard-of",), listing="unknown_queue")
    client = await desk.logged_in("anna")
    text = await (await client.get("/missed-calls")).text()
    assert '<option value="8">Careful</option>' in text
    assert "No order: queue is in no configuration" in text
    form = {"csrf": await csrf(client), "template": "8"}
    answer = await client.post("/missed-calls/1/work-order", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/work-orders/1"


async def test_an_order_in_another_group_is_named_but_not_opened(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme)
    await work_order(desk.store, acme, group_id(desk.world, "acme", "sales"), item=item)
    client = await desk.logged_in("ben")
    text = await (await client.get("/missed-calls")).text()
    assert "#7-1" in text
    assert 'href="/work-orders/1"' not in text
    assert (await client.get("/work-orders/1")).status == 404
    form = {"csrf": await csrf(client)}
    answer = await client.post("/missed-calls/1/work-order", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/missed-calls?notice=has_order"


async def test_many_are_dismissed_at_once_for_a_reason(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    for n in range(3):
        await missed_call(desk.store, acme, number=f"030 123456{n}")
    client = await desk.logged_in("anna")
    asked = await (await client.get("/missed-calls/dismiss?id=1&id=3")).text()
    assert "Dismiss 2 missed calls" in asked
    assert "+49 30 1234561" not in asked
    form = [("csrf", await csrf(client)), ("id", "1"), ("id", "3"), ("reason", "Advertising"), ("other", "")]
    answer = await client.post("/missed-calls/dismiss", data=form)
    assert "Dismissed." in await answer.text()
    async with desk.store.read() as session:
        rows = (await session.scalars(select(MissedItemRow).order_by(MissedItemRow.id))).all()
    assert [(row.state, row.closed_by, row.closed_note) for row in rows] == [
        ("dismissed", "Anna", "Advertising"),
        ("open", "", ""),
        ("dismissed", "Anna", "Advertising"),
    ]
    text = await (await client.get("/missed-calls?tab=closed")).text()
    assert "Anna: Advertising" in text


async def test_without_a_reason_nothing_is_dismissed_and_the_question_is_asked_again(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    client = await desk.logged_in("anna")
    for reason in ("", "   ", "x" * 501):
        form = {"csrf": await csrf(client), "id": "1", "other": reason}
        answer = await client.post("/missed-calls/dismiss", data=form)
        assert answer.status == 422
        assert "Say why" in await answer.text()
    assert "Choose at least one" in await (await client.get("/missed-calls/dismiss")).text()


async def test_who_dismisses_what_somebody_closed_meanwhile_is_told_so(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    first = await missed_call(desk.store, acme)
    await missed_call(desk.store, acme, number="030 7654321")
    await closed(desk.store, first, Closing("reached", NOON, "Ben", "call_back"))
    client = await desk.logged_in("anna")
    form = [("csrf", await csrf(client)), ("id", "1"), ("id", "2"), ("reason", "x")]
    answer = await client.post("/missed-calls/dismiss", data=form)
    text = await answer.text()
    assert answer.status == 409
    assert "closed by somebody else meanwhile" in text
    assert 'name="id" value="2"' in text
    assert 'name="id" value="1"' not in text
    closed_ones = await (await client.get("/missed-calls?tab=closed")).text()
    assert "Ben · Called back" in closed_ones


@pytest.mark.parametrize("username", ["boss", "root"])
async def test_admins_see_and_change_nothing(desk: Desk, username: str) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    client = await desk.logged_in(username)
    text = await (await client.get("/missed-calls")).text()
    assert "+49 30 1234567" in text
    assert "Create order" not in text
    assert "Dismiss" not in text
    token = {"csrf": await csrf(client)}
    assert (await client.post("/missed-calls/1/work-order", data=token)).status == 403
    assert (await client.post("/missed-calls/dismiss", data={**token, "id": "1", "reason": "x"})).status == 403
    assert (await client.get("/missed-calls/dismiss?id=1")).status == 403


async def test_nothing_crosses_teams(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme, name="Ada")
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), item=item)
    client = await desk.logged_in("olga")
    for path in ("/missed-calls", "/missed-calls/rows", "/work-orders"):
        text = await (await client.get(path)).text()
        assert "Ada" not in text
        assert "1234567" not in text
        assert "#7-1" not in text
    assert (await client.get("/work-orders/1")).status == 404
    assert (await client.get("/missed-calls/dismiss?id=1")).status == 404
    token = {"csrf": await csrf(client)}
    assert (await client.post("/missed-calls/1/work-order", data=token)).status == 404
    assert (await client.post("/missed-calls/dismiss", data={**token, "id": "1", "reason": "x"})).status == 404


async def test_a_long_list_is_turned_over_page_by_page_without_gaps(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    for n in range(60):
        await missed_call(desk.store, acme, number=f"030 12345{n:02}", at=NOON - timedelta(minutes=n // 3))
    client = await desk.logged_in("anna")
    first = await (await client.get("/missed-calls")).text()
    assert first.count('id="missed-') - first.count('id="missed-count"') - first.count('id="missed-rows"') == 30
    address = first.split('<nav class="pages"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = await (await client.get(address)).text()
    shown = [n for n in range(1, 61) if f'id="missed-{n}"' in first or f'id="missed-{n}"' in second]
    assert len(shown) == 60
    assert "Older" not in second
    assert "Newest" in second


async def test_writes_are_told_to_open_pages(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    told: list[News] = []

    def heard(news: News) -> bool:
        told.append(news)
        return True

    with desk.live.listen("test", heard):
        client = await desk.logged_in("anna")
        await client.post("/missed-calls/1/work-order", data={"csrf": await csrf(client)})
        await client.post("/missed-calls/dismiss", data={"csrf": await csrf(client), "id": "1", "reason": "x"})
    assert [news.topic for news in told] == ["missed_calls", "work_orders", "missed_calls", "work_orders"]


async def test_who_loses_his_group_sees_its_orders_no_more(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    await work_order(desk.store, acme, support)
    client = await desk.logged_in("ben")
    assert (await client.get("/work-orders/1")).status == 200
    groups = {id_: replace(group, members=frozenset()) for id_, group in desk.world.groups.items()}
    agents = {id_: replace(agent, groups=frozenset()) for id_, agent in desk.world.agents.items()}
    desk.world = replace(desk.world, groups=groups, agents=agents)
    assert (await client.get("/work-orders/1")).status == 404
