"""Calls from pages: the buttons, the strip that says how a call goes, and the API's two ways to ask for one."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape

import pytest

from tests.builders import group_id, missed_call, team_id, work_order
from tests.exchange import TRUNK, Exchange
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Client, Desk, csrf

NUMBER = "+493023125117"
FRAGMENT = {"HX-Request": "true"}
BASE = "/api/v1"


@pytest.fixture
def exchange(desk: Desk) -> Exchange:
    opened = Exchange()
    desk.trunks["main"] = (TRUNK, opened)
    return opened


async def dials(client: Client, headers: Mapping[str, str] | None = None, **form: str) -> tuple[int, str]:
    answer = await client.post(
        "/dial", data={"csrf": await csrf(client), **form}, headers=headers, allow_redirects=False
    )
    return answer.status, unescape(await answer.text())


async def test_calls_are_offered_where_a_pbx_may_dial_and_nowhere_else(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"), number=NUMBER)
    anna = await desk.logged_in("anna")
    assert 'action="/dial"' not in await (await anna.get("/missed-calls")).text()
    desk.trunks["main"] = (TRUNK, Exchange())
    assert 'action="/dial"' in await (await anna.get("/missed-calls")).text()
    assert 'action="/dial"' not in await (await (await desk.logged_in("boss")).get("/missed-calls")).text()


async def test_a_hidden_caller_cant_be_called_back(desk: Desk, exchange: Exchange) -> None:
    item = await missed_call(desk.store, team_id(desk.world, "acme"), number="")
    anna = await desk.logged_in("anna")
    assert 'action="/dial"' not in await (await anna.get("/missed-calls")).text()
    status, text = await dials(anna, item=str(item.id))
    assert (status, "no number" in text) == (409, True)


async def test_who_is_being_called_back_by_one_is_not_offered_to_another(desk: Desk, exchange: Exchange) -> None:
    item = await missed_call(desk.store, team_id(desk.world, "acme"), number=NUMBER)
    anna, chen = await desk.logged_in("anna"), await desk.logged_in("root")
    assert (await dials(anna, item=str(item.id), back="/missed-calls"))[0] == 303
    assert len(exchange.asked) == 1
    page = await (await anna.get("/missed-calls")).text()
    assert "Anna is calling back" in page
    assert "Your telephone rings" in page
    assert 'action="/dial"' not in page
    assert "Your telephone rings" not in await (await chen.get("/missed-calls")).text()


async def test_a_refusal_is_said_on_the_page_and_in_the_strip(desk: Desk, exchange: Exchange) -> None:
    anna = await desk.logged_in("anna")
    status, text = await dials(anna, number="+442079460001", back="/missed-calls")
    assert (status, "Calls to this number are not allowed." in text) == (409, True)
    assert 'href="/missed-calls"' in text
    status, text = await dials(anna, FRAGMENT, number="anybody")
    assert (status, "This is no number that can be dialled." in text) == (200, True)
    exchange.refusal = "no link to main"
    status, text = await dials(anna, FRAGMENT, number=NUMBER)
    assert "The PBX does not place the call." in text
    assert exchange.asked == []


async def test_the_strip_goes_from_page_to_page_until_it_is_put_away(desk: Desk, exchange: Exchange) -> None:
    anna = await desk.logged_in("anna")
    await dials(anna, number=NUMBER)
    assert "+49 30 23125117" in await (await anna.get("/work-orders")).text()
    agent = desk.world.agent_by_username("anna")
    assert agent is not None
    put_away = {"csrf": await csrf(anna)}
    await anna.post("/dialling/put-away", data=put_away)
    strip = await (await anna.get("/dialling", headers=FRAGMENT)).text()
    assert "Your telephone rings" in strip  # it lives: it can't be put away
    assert "put-away" not in strip


async def test_back_leads_to_pages_of_ours_alone(desk: Desk, exchange: Exchange) -> None:
    anna = await desk.logged_in("anna")
    form = {"csrf": await csrf(anna), "number": NUMBER, "back": "//elsewhere.example"}
    answer = await anna.post("/dial", data=form, allow_redirects=False)
    assert answer.headers["Location"] == "/"


async def test_a_call_needs_the_pages_token(desk: Desk, exchange: Exchange) -> None:
    anna = await desk.logged_in("anna")
    answer = await anna.post("/dial", data={"number": NUMBER}, allow_redirects=False)
    assert answer.status == 403
    assert exchange.asked == []


async def test_the_api_places_calls_and_tells_how_they_go(desk: Desk, exchange: Exchange) -> None:
    acme = team_id(desk.world, "acme")
    order = await work_order(desk.store, acme, group_id(desk.world, "acme", "support"))
    client = await bearer(desk, "crm", agent="1000")
    answer = await client.post(f"{BASE}/calls", json={"number": "030 23125117", "work_order": order.id})
    told = await answer.json()
    assert answer.status == 202, told
    assert (told["number"], told["phase"], told["outcome"]) == (NUMBER, "agent_rings", "")
    assert (told["work_order_id"], told["missed_call_id"]) == (order.id, None)
    listed = await (await client.get(f"{BASE}/outgoing-calls")).json()
    assert listed["items"] == [told]
    assert (await client.post(f"{BASE}/calls", json={"number": NUMBER})).status == 409


async def test_a_system_names_the_agent_who_calls_back(desk: Desk, exchange: Exchange) -> None:
    item = await missed_call(desk.store, team_id(desk.world, "acme"), number=NUMBER)
    anna, olga = desk.world.agent_by_username("anna"), desk.world.agent_by_username("olga")
    assert anna is not None
    assert olga is not None
    system, agent = await bearer(desk, "system"), await bearer(desk, "ben", agent="1001")
    path = f"{BASE}/missed-calls/{item.id}/call-back"
    assert (await system.post(path, json={})).status == 403
    assert (await system.post(path, json={"agent": olga.id})).status == 404
    assert (await agent.post(path, json={"agent": anna.id})).status == 403
    answer = await system.post(path, json={"agent": anna.id})
    assert (answer.status, (await answer.json())["agent_id"]) == (202, anna.id)
    assert [asked["Channel"] for asked in exchange.asked] == ["PJSIP/1000"]
    shown = await system.get(f"{BASE}/outgoing-calls?agent={anna.id}")
    assert (await shown.json())["items"][0]["missed_call_id"] == item.id
    assert (await agent.get(f"{BASE}/outgoing-calls?agent={anna.id}")).status == 403
