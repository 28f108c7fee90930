"""The popup as the server draws it: which calls, for whom, what he can do with forms alone, and by signed links."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from yarl import URL

from daemon.settings.models import Http
from daemon.storage.engine import Store
from daemon.storage.tables import (
    CallResultRow,
    CallRow,
    CustomerNumberRow,
    CustomerRow,
    PopupRow,
    WorkOrderRow,
)
from tests.builders import NOON, a_ring, agent_id, answered_call, group_id, missed_call, team_id, work_order
from tests.integration.handlers.test_call_results import with_results
from tests.integration.web.desk import Client, Desk, csrf, open_desk
from tests.worlds import small_world

SECRET = "a secret that is long enough to sign with"
PAGE = {"Accept": "text/html"}
PART = {"HX-Request": "true"}


@pytest.fixture
async def desk(desk_store: Store) -> AsyncIterator[Desk]:
    """The small world with results at its desk; links are signed, and a CRM may frame the popup."""
    http = Http(popup_secret=SecretStr(SECRET), frame_ancestors=("https://crm.example",))
    async with open_desk(desk_store, http, with_results(await small_world(desk_store))) as opened:
        yield opened


async def talk(desk: Desk, username: str = "ben", **more: Any) -> CallRow:
    return await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, username), **more)


async def panel(client: Client, **query: str) -> str:
    answer = await client.get("/popup/panel", params=query, headers=PART)
    assert answer.status == 200
    return await answer.text()


async def post(client: Client, path: str, status: int = 303, *, part: bool = False, **form: str) -> str:
    answer = await client.post(
        path, data={"csrf": await csrf(client), **form}, allow_redirects=False, headers=PART if part else {}
    )
    assert answer.status == status, await answer.text()
    return answer.headers.get("Location", "") or await answer.text()


async def known(desk: Desk, name: str, team: str = "acme") -> int:
    of_team = team_id(desk.world, team)
    async with desk.store.write() as session:
        row = CustomerRow(team_id=of_team, kind="individual", name=name, created_at=NOON)
        session.add(row)
        await session.flush()
        number = CustomerNumberRow(
            team_id=of_team, customer_id=row.id, raw="030 1234567", e164="+49301234567", tail="01234567"
        )
        session.add(number)
        return row.id


async def test_a_page_shows_the_agents_calls_from_its_first_moment(desk: Desk) -> None:
    await talk(desk, name="Ada")
    for username, shown in (("ben", True), ("anna", False), ("boss", False)):
        client = await desk.logged_in(username)
        text = await (await client.get("/status", headers=PAGE)).text()
        assert ('id="popup-dock"' in text) == shown, username
        assert ('id="popup"' in text) == (username != "boss")


async def test_a_call_rings_on_all_phones_and_belongs_to_who_answered(desk: Desk) -> None:
    acme, anna, ben = (team_id(desk.world, "acme"), agent_id(desk.world, "anna"), agent_id(desk.world, "ben"))
    call = await talk(desk)
    async with desk.store.write() as session:
        row = await session.get_one(CallRow, call.id)
        row.state, row.agent_id = "waiting", None
    desk.rings += [a_ring(each, acme, call.uniqueid) for each in (anna, ben)]
    first, second = await desk.logged_in("anna"), await desk.logged_in("ben")
    for client in (first, second):
        assert 'data-stage="ringing"' in await panel(client)
    desk.rings.clear()
    async with desk.store.write() as session:
        row = await session.get_one(CallRow, call.id)
        row.state, row.agent_id = "talking", ben
    assert "popup-dock" not in await panel(first)
    assert 'data-stage="talking"' in await panel(second)


async def test_a_ring_is_shown_before_its_call_is_stored(desk: Desk) -> None:
    desk.rings.append(a_ring(agent_id(desk.world, "ben"), team_id(desk.world, "acme"), number="anonymous"))
    text = await panel(await desk.logged_in("ben"))
    assert 'data-call="ring-main-1.1"' in text
    assert "隐藏号码" in text


async def test_what_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    call = await talk(desk)
    client = await desk.logged_in("ben")
    key = re.search(r'name="key" value="(\w+)"', await panel(client))
    assert key
    same = await client.get("/popup/panel", params={"key": key[1]}, headers=PART)
    assert (same.status, await same.read()) == (204, b"")
    await post(client, f"/popup/{call.id}/result", result="solved")
    assert "Solved" in await panel(client, key=key[1])


async def test_a_call_stays_until_a_result_is_chosen_or_it_is_put_away(desk: Desk) -> None:
    first = await talk(desk, ended_at=NOON)
    second = await talk(desk, number="040 777888", at=NOON + timedelta(minutes=1), ended_at=NOON + timedelta(minutes=2))
    client = await desk.logged_in("ben")
    assert f'data-call="call-{second.id}"' in await panel(client)
    await post(client, f"/popup/{second.id}/result", result="solved")
    assert f'data-call="call-{first.id}"' in await panel(client)
    await post(client, f"/popup/{first.id}/put-away")
    assert "popup-dock" not in await panel(client)


async def test_a_call_without_results_in_the_configuration_closes_with_its_end(desk: Desk) -> None:
    call = await talk(desk, queue="unknown")
    client = await desk.logged_in("ben")
    assert "popup-dock" in await panel(client)
    async with desk.store.write() as session:
        row = await session.get_one(CallRow, call.id)
        row.state, row.ended_at, row.reason = "ended", NOON, "answered"
    assert "popup-dock" not in await panel(client)


async def test_the_link_stays_until_the_order_is_made(desk: Desk) -> None:
    call, customer = await talk(desk, ended_at=NOON), await known(desk, "Ada")
    client = await desk.logged_in("ben")
    await post(client, f"/popup/{call.id}/result", result="complaint", note="late")
    wanted = f"/work-orders/new?template=7&amp;call={call.id}&amp;result=complaint&amp;customer={customer}"
    assert wanted in await panel(client)
    support = group_id(desk.world, "acme", "support")
    order = await work_order(desk.store, call.team_id or 0, support, creator=agent_id(desk.world, "ben"))
    async with desk.store.write() as session:
        (await session.get_one(WorkOrderRow, order.id)).call_id = call.id
    assert "popup-dock" not in await panel(client)


async def test_an_automatic_order_is_shown_with_its_serial_for_ten_minutes(desk: Desk) -> None:
    call = await talk(desk, ended_at=NOON)
    client = await desk.logged_in("ben")
    text = await post(client, f"/popup/{call.id}/result", 200, part=True, result="order")
    assert '<a id="popup-order" class="button main" href="/work-orders/1"' in text
    assert "#8-1" in text
    desk.clock.pass_by(minutes=11)
    assert "popup-dock" not in await panel(client)


async def test_without_scripts_a_form_leads_back_to_where_he_was(desk: Desk) -> None:
    call = await talk(desk)
    client = await desk.logged_in("ben")
    assert await post(client, f"/popup/{call.id}/result", result="solved", onward="/status?x=1") == "/status?x=1"
    assert await post(client, f"/popup/{call.id}/result", result="solved", onward="https://evil.example/") == "/"


async def test_what_a_result_demands_is_asked_for_and_what_was_typed_is_kept(desk: Desk) -> None:
    call = await talk(desk, "anna")
    client = await desk.logged_in("anna")
    text = await post(client, f"/popup/{call.id}/result", 422, result="later", note="<i>soon</i>")
    assert "&lt;i&gt;soon&lt;/i&gt;" in text
    assert 'type="datetime-local" name="callback_at" value="2026-11-23T14:00"' in text  # Berlin, an hour ahead
    text = await post(client, f"/popup/{call.id}/result", 200, part=True, result="complaint")
    assert 'aria-describedby="popup-note-fault"' in text
    async with desk.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(CallResultRow)) == 0


async def test_a_call_back_is_read_in_the_readers_time_zone(desk: Desk) -> None:
    call = await talk(desk)
    client, when = await desk.logged_in("ben"), "2026-11-24T09:30"
    path = f"/popup/{call.id}/result"
    await post(client, path, result="later", asking="later", callback_at=when, callback_for="anyone")
    async with desk.store.read() as session:
        row = (await session.scalars(select(CallResultRow))).one()
    assert (row.callback_at, row.callback_for) == (NOON + timedelta(hours=20, minutes=30), "anyone")


@pytest.mark.parametrize("when", ["tomorrow", "2026-13-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59"])
async def test_a_time_that_is_none_is_refused(desk: Desk, when: str) -> None:
    call = await talk(desk)
    client = await desk.logged_in("ben")
    form = {"result": "later", "asking": "later", "callback_at": when, "csrf": await csrf(client)}
    answer = await client.post(f"/popup/{call.id}/result", data=form, allow_redirects=False)
    assert answer.status in {400, 422}


async def test_the_one_who_calls_is_chosen_of_two_or_added(desk: Desk) -> None:
    call = await talk(desk)
    client = await desk.logged_in("ben")
    text = await post(
        client, f"/popup/{call.id}/new-customer", 200, part=True, name="Ada & <b>Sons</b>", kind="enterprise"
    )
    assert "<strong>Ada &amp; &lt;b&gt;Sons&lt;/b&gt;</strong>" in text
    second = await known(desk, "Zora")
    text = await post(client, f"/popup/{call.id}/customer", 200, part=True, customer=str(second))
    assert "<strong>Zora</strong>" in text
    async with desk.store.read() as session:
        numbers = (await session.scalars(select(CustomerNumberRow.e164))).all()
        assert (await session.scalars(select(PopupRow.customer_id))).one() == second
    assert numbers == ["+49301234567"] * 2


async def test_a_customer_without_a_name_is_refused(desk: Desk) -> None:
    call = await talk(desk)
    text = await post(await desk.logged_in("anna"), f"/popup/{call.id}/new-customer", 422, name=" ", kind="individual")
    assert "This must be filled in." in text


async def test_what_is_known_of_a_caller_is_shown(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    await missed_call(desk.store, acme, at=NOON - timedelta(hours=1))
    past = await talk(desk, "anna", at=NOON - timedelta(days=1), ended_at=NOON - timedelta(days=1))
    await post(await desk.logged_in("anna"), f"/popup/{past.id}/result", result="solved", note="all is well")
    customer = await known(desk, "Ada")
    order = await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), title="Broken <parcel>")
    async with desk.store.write() as session:
        (await session.get_one(WorkOrderRow, order.id)).customer_id = customer
    await talk(desk, "anna")
    text = await panel(await desk.logged_in("anna"))
    for expected in ("1×", "Anna: Solved – all is well", "Broken &lt;parcel&gt;", "<strong>Ada</strong>", "Gave up"):
        assert expected in text, expected


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "a\r\nb", "\u202egnp.exe", '" onload="x'])
async def test_what_a_caller_sends_is_text(desk: Desk, name: str) -> None:
    await talk(desk, name=name, number="0<b>1")
    desk.rings.append(a_ring(agent_id(desk.world, "ben"), team_id(desk.world, "acme"), number=name, name=name))
    client = await desk.logged_in("ben")
    for text in (await panel(client), await (await client.get("/status", headers=PAGE)).text()):
        assert "<script>alert" not in text
        assert "<b>" not in text
        assert " onload=" not in text.replace("&#34; onload=", "")
        assert "49" not in re.findall(r'<p class="name">(.*?)</p>', text)
        assert "\u202e" not in text


async def test_nothing_crosses_teams(desk: Desk) -> None:
    call, customer = await talk(desk), await known(desk, "Ada")
    olga, ben = await desk.logged_in("olga"), await desk.logged_in("ben")
    theirs = await known(desk, "Zora", "other")
    for path in (f"/popup?call={call.id}", f"/popup?pbx=main&uniqueid={call.uniqueid}"):
        assert (await olga.get(path)).status == 404
        assert (await ben.get(path)).status == 200
    text = await (await olga.get("/popup?number=030 1234567")).text()
    assert ("Zora" in text, "Ada" in text) == (True, False)
    await post(olga, f"/popup/{call.id}/result", 404, result="solved")
    await post(olga, f"/popup/{call.id}/put-away", 404)
    await post(olga, f"/popup/{call.id}/customer", 404, customer=str(customer))
    await post(olga, f"/popup/{call.id}/new-customer", 404, name="X", kind="individual")
    await post(ben, f"/popup/{call.id}/customer", 404, customer=str(theirs))
    await post(ben, "/popup/4711/put-away", 404)


async def test_results_are_offered_to_those_who_may_give_them(desk: Desk) -> None:
    module_id, sales = desk.world.queues["", "support"].module_id, group_id(desk.world, "acme", "sales")
    call = await talk(desk)
    await missed_call(desk.store, team_id(desk.world, "acme"))
    anna, ben = await desk.logged_in("anna"), await desk.logged_in("ben")
    assert 'class="results"' in await (await anna.get(f"/popup?call={call.id}")).text()
    assert 'class="results"' not in await (await anna.get(f"/popup?call={call.id + 1}")).text()
    elsewhere = replace(desk.world.modules[module_id], group_ids=(sales,))
    desk.world = replace(desk.world, modules={module_id: elsewhere})
    assert 'class="results"' not in await (await anna.get(f"/popup?call={call.id}")).text()
    assert 'class="results"' in await (await ben.get(f"/popup?call={call.id}")).text()


async def test_admins_look_and_do_nothing(desk: Desk) -> None:
    call = await talk(desk)
    for username in ("boss", "root"):
        client = await desk.logged_in(username)
        text = await (await client.get(f"/popup?call={call.id}")).text()
        assert "+49 30 1234567" in text
        assert "/result" not in text
        await post(client, f"/popup/{call.id}/put-away", 403)


@pytest.mark.parametrize("query", ["call=x", "call=-1", "number=a%00b", "number=" + "1" * 81])
async def test_addresses_that_can_not_be_are_refused(desk: Desk, query: str) -> None:
    assert (await (await desk.logged_in("ben")).get(f"/popup?{query}")).status == 400


async def test_a_call_that_is_not_known_yet_is_shown_by_its_number(desk: Desk) -> None:
    client = await desk.logged_in("ben")
    assert (await client.get("/popup?pbx=main&uniqueid=9.9")).status == 404
    text = await (await client.get("/popup?pbx=main&uniqueid=9.9&number=030 1234567")).text()
    assert "+49 30 1234567" in text


# --- signed links --------------------------------------------------------------------------------------------------


def link(
    desk: Desk, agent: str = "ben", number: str = "030 1234567", seconds: int = 60, **other: str
) -> dict[str, str]:
    """As the manual tells other systems to do it."""
    expires = str(int(desk.clock().timestamp()) + seconds)
    message = f"popup\n{agent}\n{expires}\n{number}"
    signature = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    return {"number": number, "agent": agent, "expires": expires, "signature": signature}


async def test_a_signed_link_shows_the_agents_team_to_read_only(desk: Desk) -> None:
    await known(desk, "Ada")
    await known(desk, "Zora", "other")
    answer = await desk.visitor().get("/popup", params=link(desk))
    text = await answer.text()
    assert answer.status == 200
    assert ("Ada" in text, "Zora" in text) == (True, False)
    assert "<form" not in text
    assert "csrf" not in text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "other",
    [
        {"number": "030 7654321"},
        {"agent": "anna"},
        {"expires": "9999999999"},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "\u00fc"},
        {"expires": "x"},
        {"expires": ""},
        {"expires": "9" * 400},
    ],
)
async def test_a_link_that_was_changed_opens_nothing(desk: Desk, other: dict[str, str]) -> None:
    answer = await desk.visitor().get("/popup", params={**link(desk), **other})
    assert answer.status == 403
    assert "1234567" not in await answer.text()


async def test_the_example_of_the_manual_makes_a_link_that_holds(desk: Desk) -> None:
    manual = Path(__file__).parents[3] / "docs" / "integrator.md"
    examples = re.findall(r"```python\n(.*?)```", manual.read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (each for each in examples if "def popup_link" in each)
    told: dict[str, Any] = {}
    exec(example, told)
    desk.clock.at = datetime.now(UTC)
    address = told["popup_link"]("", SECRET, "ben", "+49 30 1234567")
    assert (await desk.visitor().get(URL(address, encoded=True))).status == 200


async def test_a_link_lives_shortly_and_only_for_an_agent(desk: Desk) -> None:
    short = link(desk)
    for wrong in (link(desk, seconds=-1), link(desk, seconds=16 * 60), link(desk, agent="boss"), link(desk, agent="x")):
        assert (await desk.visitor().get("/popup", params=wrong)).status == 403
    desk.clock.pass_by(seconds=61)
    assert (await desk.visitor().get("/popup", params=short)).status == 403


async def test_without_a_secret_no_link_holds(desk_store: Store) -> None:
    async with open_desk(desk_store) as desk:
        assert (await desk.visitor().get("/popup", params=link(desk))).status == 403
        signed_with_nothing = hmac.new(b"", b"", hashlib.sha256).hexdigest()
        wrong = {**link(desk), "signature": signed_with_nothing}
        assert (await desk.visitor().get("/popup", params=wrong)).status == 403


async def test_who_is_not_logged_in_and_has_no_link_is_asked_to_log_in(desk: Desk) -> None:
    answer = await desk.visitor().get("/popup?number=1", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fpopup%3Fnumber%3D1")


async def test_only_the_popup_may_be_framed_and_only_by_the_named_site(desk: Desk) -> None:
    client = await desk.logged_in("ben")
    popup, other = await client.get("/popup"), await client.get("/status")
    assert "frame-ancestors 'self' https://crm.example" in popup.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in popup.headers
    assert "frame-ancestors 'none'" in other.headers["Content-Security-Policy"]
    assert other.headers["X-Frame-Options"] == "DENY"


async def test_by_default_nobody_may_frame_it(desk_store: Store) -> None:
    async with open_desk(desk_store) as desk:
        answer = await (await desk.logged_in("ben")).get("/popup")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"


async def test_the_api_tells_results_with_every_choice(desk: Desk) -> None:
    call = await talk(desk)
    client = await desk.logged_in("ben")
    headers = {"X-CSRF-Token": await csrf(client)}
    body = {"result": "later", "callback_at": "2026-11-24T09:00:00Z", "note": "asks for Ben"}
    for changed in (True, False):
        answer = await client.post(f"/api/v1/calls/{call.id}/result", json=body, headers=headers)
        assert (await answer.json())["changed"] is changed
    wrong = await client.post(f"/api/v1/calls/{call.id}/result", json={"result": "complaint"}, headers=headers)
    told = await wrong.json()
    assert (wrong.status, told["errors"][0]["where"], told["errors"][0]["rule"]) == (422, "/note", "required")
    told = await (await client.get(f"/api/v1/calls/{call.id}")).json()
    (result,) = told["results"]
    assert (result["result"], result["callback_for"], result["note"]) == ("later", "me", "asks for Ben")
    assert [(each["by"], each["result"]) for each in result["choices"]] == [("Ben", "later")]
