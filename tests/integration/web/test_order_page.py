"""Working on an order and making one, by plain forms, as a browser without scripts posts them; the sample's people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import pytest
from aiohttp import ClientResponse, FormData

from daemon.handlers.callers import StatusLine
from daemon.storage.tables import AttachmentRow, MissedItemRow
from tests.builders import agent_id, missed_call, team_id
from tests.integration.web.desk import AGI_SECRET, Client, csrf
from tests.integration.web.office import COMPLAINT, MISSED, ONLINE, Office

HOSTILE = "<script>alert(1)</script>\"'&\u202e\u200b"


async def posts(client: Client, path: str, form: Mapping[str, str] | None = None) -> ClientResponse:
    return await client.post(path, data={"csrf": await csrf(client), **(form or {})}, allow_redirects=False)


async def reads(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def does(client: Client, order: int, action: str, note: str = "", **more: str) -> ClientResponse:
    text = await reads(client, f"/work-orders/{order}")
    version = re.search(r'name="version" value="(\d+)"', text)
    form = {"action": action, "note": note, "version": version[1] if version else "1", **more}
    return await posts(client, f"/work-orders/{order}/actions", form)


def buttons(text: str) -> set[str]:
    return set(re.findall(r'name="action" value="(\w+)"', text))


def hidden(text: str) -> dict[str, str]:
    """What a form brings along unseen."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text)
    return {name: unescape(value) for name, value in found}


# --- actions ---------------------------------------------------------------------------------------------------------


async def test_an_order_goes_from_hand_to_hand_by_its_page(office: Office) -> None:
    order = await office.makes("chen")
    chen, emil = await office.browser("chen"), await office.browser("emil")
    assert buttons(await reads(chen, f"/work-orders/{order}")) >= {"pending", "done", "reply", "return_to_group"}
    answer = await does(chen, order, "pending")
    assert (answer.status, answer.headers["Location"]) == (303, f"/work-orders/{order}?notice=done")
    await does(chen, order, "done", "paid by card")
    row = await office.order(order)
    assert (row.group_id, row.node_index, row.owner_id) == (office.group("finance"), 1, None)
    text = await reads(emil, f"/work-orders/{order}")
    assert "paid by card" in text
    assert buttons(text) >= {"assign"}
    await does(emil, order, "assign", agent=str(agent_id(office.desk.world, "emil")))
    assert (await does(emil, order, "return_to_node", "which card?")).status == 303
    row = await office.order(order)
    assert (row.owner_id, row.node_status) == (agent_id(office.desk.world, "chen"), "return")


async def test_the_flow_is_drawn_with_where_it_stands(office: Office) -> None:
    order = await office.makes("chen")
    chen = await office.browser("chen")
    await does(chen, order, "done")
    text = await reads(chen, f"/work-orders/{order}")
    steps = re.findall(r'<li class="(passed|here|ahead)"( aria-current="step")?>', text)
    assert steps == [("passed", ""), ("here", ' aria-current="step"'), *[("ahead", "")] * 3]


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"action": "denied", "note": ""}, 422, "Say why it is not accepted."),
        ({"action": "reply", "note": " "}, 422, "Write what you reply."),
        ({"action": "assign", "note": "x", "agent": ""}, 422, "Choose the agent who gets it."),
        ({"action": "verified", "note": "kept text"}, 409, "kept text"),
        ({"action": "done", "note": "x" * 10_001}, 422, "This is too long."),
        ({"action": "pending", "note": "kept text", "version": "99"}, 409, "Somebody changed it meanwhile."),
        ({"action": "pending", "version": ""}, 400, ""),
        ({"action": "explode"}, 400, ""),
    ],
)
async def test_a_refusal_says_why_and_keeps_what_was_typed(
    office: Office, form: dict[str, str], status: int, said: str
) -> None:
    order = await office.makes("chen")
    dora = await office.browser("dora")
    answer = await posts(dora, f"/work-orders/{order}/actions", {"version": "1", **form})
    assert answer.status == status
    assert said in unescape(await answer.text())
    row = await office.order(order)
    assert (row.version, row.status) == (1, "new")


async def test_who_moves_an_order_out_of_his_sight_is_told_on_the_list(office: Office) -> None:
    order = await office.makes("anna", MISSED, group_id=office.group("support"))
    ben = await office.browser("ben")
    await does(await office.browser("anna"), order, "assign", agent=str(agent_id(office.desk.world, "ben")))
    answer = await does(ben, order, "done")
    assert answer.status == 303


async def test_nobody_acts_on_what_he_may_not_see(office: Office) -> None:
    order = await office.makes("chen")
    olga = await office.browser("olga")
    for path in ("", "/content", "/edit"):
        assert (await olga.get(f"/work-orders/{order}{path}")).status == 404
    for path in ("/actions", "/edit"):
        answer = await posts(olga, f"/work-orders/{order}{path}", {"action": "reply", "note": "x", "version": "1"})
        assert answer.status == 404
    assert (await olga.get("/work-orders/new?missed=1")).status == 404


# --- edit ------------------------------------------------------------------------------------------------------------


async def test_contents_are_changed_and_what_is_wrong_is_said_at_the_field(office: Office) -> None:
    order = await office.makes("dora")
    dora = await office.browser("dora")
    form = hidden(await reads(dora, f"/work-orders/{order}/edit"))
    wrong = {**form, "title": "New title", "f.deliverOn": "soon", "f.payment": "barter", "priority": "1", "cc": "x"}
    answer = await posts(dora, f"/work-orders/{order}/edit", wrong)
    text = unescape(await answer.text())
    assert answer.status == 422
    assert "separated by semicolons" in text
    assert 'value="New title"' in text
    answer = await posts(dora, f"/work-orders/{order}/edit", {**wrong, "cc": ""})
    text = unescape(await answer.text())
    assert answer.status == 422
    assert "This is no date" in text
    assert "This is none of the choices." in text
    right = {**wrong, "cc": "a@example.com", "f.deliverOn": "2026-12-24", "f.payment": "card"}
    assert (await posts(dora, f"/work-orders/{order}/edit", right)).status == 303
    row = await office.order(order)
    assert (row.title, row.priority, row.cc) == ("New title", 1, "a@example.com")
    text = await reads(dora, f"/work-orders/{order}")
    assert "2026-12-24" in text


async def test_who_writes_sees_what_others_did_meanwhile_and_nobody_elses_order(office: Office) -> None:
    order = await office.makes("dora")
    dora, chen = await office.browser("dora"), await office.browser("chen")
    form = hidden(await reads(dora, f"/work-orders/{order}/edit"))
    seen = f"/work-orders/{order}/meanwhile?since={form['version']}"
    assert (await reads(dora, seen)).strip() == ""
    answer = await posts(
        chen, f"/work-orders/{order}/actions", {"action": "reply", "note": "<b>red</b>", "version": "1"}
    )
    assert answer.status == 303
    told = await reads(dora, seen)
    assert "Changed meanwhile by 陈晨" in told
    assert "&lt;b&gt;red&lt;/b&gt;" in told
    olga = await office.browser("olga")
    assert (await olga.get(seen)).status == 404


async def test_what_two_changed_at_once_is_shown_and_chosen_and_nothing_is_lost(office: Office) -> None:
    order = await office.makes("chen")
    chen, dora = await office.browser("chen"), await office.browser("dora")
    hers, his = [hidden(await reads(each, f"/work-orders/{order}/edit")) for each in (dora, chen)]
    first = {**hers, "title": "Hers", "priority": "3", "f.orderNumber": "B-1"}
    assert (await posts(dora, f"/work-orders/{order}/edit", first)).status == 303
    second = {**his, "title": "His", "priority": "3", "f.orderNumber": "", "f.address": "Hauptstraße 5"}
    answer = await posts(chen, f"/work-orders/{order}/edit", second)
    text = unescape(await answer.text())
    assert answer.status == 409
    assert re.findall(r"<(?:del|ins|mark)>([^<]*)<", text) == ["Two headsets", "Hers", "His"]
    assert "Hauptstraße 5" in text
    again = {**hidden(text), "title": "His", "priority": "3", "f.orderNumber": "B-1", "f.address": "Hauptstraße 5"}
    assert (await posts(chen, f"/work-orders/{order}/edit", {**again, "theirs.title": "1"})).status == 303
    row = await office.order(order)
    assert row.title == "Hers"
    text = await reads(chen, f"/work-orders/{order}")
    assert "B-1" in text
    assert "Hauptstraße 5" in text


async def test_mine_instead_of_theirs(office: Office) -> None:
    order = await office.makes("chen")
    chen, dora = await office.browser("chen"), await office.browser("dora")
    his = hidden(await reads(chen, f"/work-orders/{order}/edit"))
    hers = hidden(await reads(dora, f"/work-orders/{order}/edit"))
    await posts(dora, f"/work-orders/{order}/edit", {**hers, "title": "Hers"})
    answer = await posts(chen, f"/work-orders/{order}/edit", {**his, "title": "His"})
    again = hidden(await answer.text())
    assert (await posts(chen, f"/work-orders/{order}/edit", {**again, "title": "His"})).status == 303
    assert (await office.order(order)).title == "His"


# --- files -----------------------------------------------------------------------------------------------------------


async def upload(client: Client, order: int, *, token: str | None, name: str = "plan.pdf", field: str = "") -> int:
    form = FormData()
    if token is not None:
        form.add_field("csrf", token)
    form.add_field("field", field)
    form.add_field("file", b"%PDF-1.4 plan", filename=name, content_type="application/pdf")
    return (await client.post(f"/work-orders/{order}/attachments", data=form, allow_redirects=False)).status


async def attached(office: Office) -> list[tuple[str, str]]:
    async with office.desk.store.read() as session:
        rows = [await session.get(AttachmentRow, id_) for id_ in range(1, 4)]
    return [(row.name, row.field) for row in rows if row]


async def test_a_file_is_attached_by_a_plain_form_and_given_out_again(office: Office) -> None:
    order = await office.makes("chen")
    chen = await office.browser("chen")
    assert await upload(chen, order, token=await csrf(chen)) == 303
    assert await upload(chen, order, token=await csrf(chen), field="invoice", name="bill.pdf") == 303
    assert await attached(office) == [("plan.pdf", ""), ("bill.pdf", "invoice")]
    text = await reads(chen, f"/work-orders/{order}")
    assert "plan.pdf" in text
    answer = await chen.get("/api/v1/attachments/1")
    assert await answer.read() == b"%PDF-1.4 plan"


@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_without_the_token_no_file_is_taken(office: Office, token: str | None) -> None:
    order = await office.makes("chen")
    assert await upload(await office.browser("chen"), order, token=token) == 403
    assert await attached(office) == []


async def test_a_script_is_refused_as_a_file(office: Office) -> None:
    order = await office.makes("chen")
    chen = await office.browser("chen")
    assert await upload(chen, order, token=await csrf(chen), name="evil.html") == 415
    assert await attached(office) == []


# --- making one ------------------------------------------------------------------------------------------------------


async def test_the_form_asks_for_the_template_and_then_for_its_fields(office: Office) -> None:
    chen = await office.browser("chen")
    text = await reads(chen, "/work-orders/new?customer=5")
    assert f"/work-orders/new?template={ONLINE}&amp;customer=5" in text
    text = await reads(chen, f"/work-orders/new?template={ONLINE}")
    assert "订单号" in text
    assert 'name="f.payment"' in text
    assert 'name="group"' not in text


async def test_an_order_is_made_with_all_that_the_form_has(office: Office) -> None:
    customer = await office.customer("Meyer")
    chen = await office.browser("chen")
    form = hidden(await reads(chen, f"/work-orders/new?template={ONLINE}"))
    form |= {
        "title": HOSTILE,
        "f.orderNumber": "B-2",
        "f.address": "a\r\nb",
        "customer": str(customer),
        "priority": "2",
    }
    answer = await posts(chen, "/work-orders", {**form, "description": "line\r\nline"})
    assert answer.status == 303
    row = await office.order(1)
    assert answer.headers["Location"] == "/work-orders/1?notice=made"
    assert (row.title, row.customer_id, row.priority, row.description) == (HOSTILE, customer, 2, "line\nline")
    text = await reads(chen, "/work-orders/1?notice=made")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_pressed_twice_it_makes_one_order(office: Office) -> None:
    chen = await office.browser("chen")
    form = hidden(await reads(chen, f"/work-orders/new?template={ONLINE}"))
    form |= {"title": "Once", "f.orderNumber": "B-2", "priority": "3"}
    places = [(await posts(chen, "/work-orders", form)).headers["Location"] for _ in range(2)]
    assert places == ["/work-orders/1?notice=made"] * 2


async def test_what_is_missing_is_said_and_what_was_typed_is_kept(office: Office) -> None:
    chen = await office.browser("chen")
    form = hidden(await reads(chen, f"/work-orders/new?template={ONLINE}"))
    answer = await posts(chen, "/work-orders", {**form, "title": " ", "f.address": HOSTILE, "priority": "3"})
    text = await answer.text()
    assert answer.status == 422
    assert text.count('aria-invalid="true"') == 1
    assert "&lt;script&gt;alert(1)" in text
    answer = await posts(chen, "/work-orders", {**form, "title": "x", "f.address": "kept", "priority": "3"})
    text = await answer.text()
    assert answer.status == 422
    assert 'id="fault-f.orderNumber"' in text
    assert "kept" in text


async def test_a_missed_call_becomes_an_order_with_details_once(office: Office) -> None:
    item = await missed_call(office.desk.store, team_id(office.desk.world, "acme"), name="Ada")
    customer = await office.customer("Ada Lovelace", "030 1234567")
    anna = await office.browser("anna")
    text = await reads(anna, f"/work-orders/new?template={MISSED}&missed={item.id}")
    assert f'value="{customer}" checked' in text
    form = hidden(text) | {"title": "Ada", "group": str(office.group("support")), "customer": str(customer)}
    assert (await posts(anna, "/work-orders", form)).headers["Location"] == "/work-orders/1?notice=made"
    assert ((await office.order(1)).missed_item_id, (await office.order(1)).customer_id) == (item.id, customer)
    other = hidden(await reads(anna, f"/work-orders/new?template={MISSED}&missed={item.id}")) | {"title": "Again"}
    answer = await posts(anna, "/work-orders", {**other, "group": str(office.group("support"))})
    assert answer.status == 409
    assert "#1-1" in await answer.text()
    async with office.desk.store.read() as session:
        assert (await session.get_one(MissedItemRow, item.id)).state == "open"


async def test_customers_are_found_by_name_and_by_number_of_ones_own_team(office: Office) -> None:
    await office.customer("Adler & Söhne")
    anna, olga = await office.browser("anna"), await office.browser("olga")
    for text in ("adl", "030 23125117", "+493023125117"):
        assert "Adler &amp; Söhne" in await reads(anna, f"/customers/find?find={text.replace('+', '%2B')}")
        assert "Adler" not in await reads(olga, f"/customers/find?find={text.replace('+', '%2B')}")
    assert "Adler" not in await reads(anna, "/customers/find?find=a")


async def test_admins_make_no_orders(office: Office) -> None:
    boss = await office.browser("boss")
    assert (await boss.get(f"/work-orders/new?template={ONLINE}")).status == 403
    form = {"template": str(ONLINE), "title": "x", "receipt": "y"}
    assert (await posts(boss, "/work-orders", form)).status == 403


async def test_the_pin_for_the_telephone_is_on_the_page_and_in_the_api_and_opens_this_order(office: Office) -> None:
    order = await office.order(await office.makes("anna", COMPLAINT))
    desk = office.desk
    anna = await office.browser("anna")
    async with anna.get(f"/api/v1/work-orders/{order.id}") as answer:
        pin = (await answer.json())["pin"]
    async with anna.get(f"/work-orders/{order.id}") as answer:
        assert f"{order.template_id}*{order.sequence}#, then PIN {pin}" in await answer.text()
    line = StatusLine(desk.store, lambda: desk.world, AGI_SECRET, desk.clock)
    typed = (order.template_id, order.sequence)
    assert await line.look("main", "", typed, pin) == "new"
    assert await line.look("main", "", typed, "0" + pin) == "unknown"
