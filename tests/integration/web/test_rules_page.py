"""Assign rules: who sees and changes them, what waits, who would be next, and what happens when two change one."""

from __future__ import annotations

import pytest
from aiohttp import web

from daemon.handlers.live import News
from daemon.storage.tables import AssignRuleRow
from daemon.web.parts import PARTS
from tests.builders import agent_id, group_id, team_id, work_order
from tests.integration.web.desk import Client, Desk, csrf

FORM = {"mode": "fewest_unfinished", "scope": "all", "version": "1", "cap": "5", "verify": "on"}


async def fill(desk: Desk, mode: str = "manual") -> str:
    """Rules of both templates in support, and one in sales; the address of the first."""
    support, sales = group_id(desk.world, "acme", "support"), group_id(desk.world, "acme", "sales")
    async with desk.store.write() as session:
        for template, group in ((7, support), (8, support), (7, sales)):
            session.add(AssignRuleRow(template_id=template, group_id=group, mode=mode, scope="online"))
    return f"/assign-rules/7/{support}"


async def rule(desk: Desk) -> tuple[object, ...]:
    async with desk.store.read() as session:
        row = await session.get_one(AssignRuleRow, (7, group_id(desk.world, "acme", "support")))
        return row.mode, row.scope, row.verify, row.last_agent_first, row.cap, row.version


async def save(client: Client, address: str, **form: str) -> tuple[int, str]:
    answer = await client.post(address, data={**FORM, "csrf": await csrf(client), **form}, allow_redirects=False)
    return answer.status, await answer.text()


async def test_the_admin_of_a_group_sees_its_rules_and_saves_one(desk: Desk) -> None:
    address = await fill(desk)
    client = await desk.logged_in("anna")
    text = await (await client.get("/assign-rules")).text()
    assert text.count("<form method") - text.count('action="/logout"') == 2
    assert "Orders wait until you assign them." in text
    told: list[News] = []

    def heard(news: News) -> bool:
        told.append(news)
        return True

    with desk.live.listen("test", heard):
        answer = await client.post(address, data={**FORM, "csrf": await csrf(client)})
    assert "Saved" in await answer.text()
    assert await rule(desk) == ("fewest_unfinished", "all", True, False, 5, 2)
    assert [news.topic for news in told] == ["rules"]


@pytest.mark.parametrize(("username", "status"), [("ben", 403), ("boss", 403), ("root", 403), ("olga", 404)])
async def test_nobody_else_changes_them(desk: Desk, username: str, status: int) -> None:
    address = await fill(desk)
    assert (await save(await desk.logged_in(username), address))[0] == status
    assert await rule(desk) == ("manual", "online", False, False, None, 1)


@pytest.mark.parametrize(
    ("username", "status", "seen"),
    [("ben", 403, False), ("olga", 403, False), ("boss", 200, True), ("root", 200, True)],
)
async def test_other_admins_read_them_and_agents_do_not(desk: Desk, username: str, status: int, seen: bool) -> None:
    await fill(desk)
    client, support = await desk.logged_in(username), group_id(desk.world, "acme", "support")
    answer = await client.get(f"/assign-rules?group={support}")
    text = await answer.text()
    assert answer.status == status
    assert ("Only the admin of Support changes these rules" in text) == seen
    assert 'action="/assign-rules/' not in text
    assert ('href="/assign-rules"' in await (await client.get("/missed-calls")).text()) == seen


async def test_a_rule_that_somebody_changed_meanwhile_is_not_overwritten_and_both_are_shown(desk: Desk) -> None:
    address = await fill(desk)
    client = await desk.logged_in("anna")
    assert (await save(client, address))[0] == 303
    status, text = await save(client, address, mode="agent_number_order", cap="9")
    assert status == 409
    assert "Now it is: Fewest unfinished; everybody of the group" in text
    assert 'value="agent_number_order" checked' in text
    assert 'name="version" value="2"' in text
    assert 'value="9"' in text
    assert await rule(desk) == ("fewest_unfinished", "all", True, False, 5, 2)
    assert (await save(client, address, mode="agent_number_order", version="2"))[0] == 303


@pytest.mark.parametrize("cap", ["0", "-1", "x", "10001", "1.5"])
async def test_a_limit_that_is_none_is_refused_and_kept_is_what_was_chosen(desk: Desk, cap: str) -> None:
    address = await fill(desk)
    status, text = await save(await desk.logged_in("anna"), address, cap=cap)
    assert status == 422
    assert "a number from 1 to 10,000" in text
    assert 'value="fewest_unfinished" checked' in text
    assert await rule(desk) == ("manual", "online", False, False, None, 1)


@pytest.mark.parametrize("form", [{"mode": "odd"}, {"scope": "odd"}, {"version": "x"}])
async def test_what_the_form_never_sends_changes_nothing(desk: Desk, form: dict[str, str]) -> None:
    address = await fill(desk)
    assert (await save(await desk.logged_in("anna"), address, **form))[0] == 400
    assert await rule(desk) == ("manual", "online", False, False, None, 1)


async def test_who_would_be_next_is_told_and_an_alarm_when_nobody_is_there(desk: Desk) -> None:
    await fill(desk, "fewest_unfinished")
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    client, anna = await desk.logged_in("anna"), agent_id(desk.world, "anna")
    app = desk.server.app
    assert isinstance(app, web.Application)
    presence = app[PARTS].presence
    quiet = await (await client.get("/assign-rules/cards")).text()
    assert "Next: nobody can take one now" in quiet
    assert "nobody is online" not in quiet
    await work_order(desk.store, acme, support)
    stuck = await (await client.get("/assign-rules/cards")).text()
    assert "1 order waits" in stuck
    assert "0 of 2 agents online" in stuck
    assert stuck.count("Orders wait, and nobody is online.") == 1
    with presence.page(anna):
        better = await (await client.get("/assign-rules/cards")).text()
    assert "Next: Anna" in better
    assert "nobody is online" not in better
