"""Campaigns by plain forms: the next number, its result, progress, the list, filling and emptying it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select

from daemon.handlers.live import News
from daemon.orders.campaign import State
from daemon.storage.tables import CampaignEntryRow, CampaignResultRow, CustomerRow, WorkOrderRow
from daemon.web.pages.campaign_list import shares
from tests.builders import agent_id, answered_call, team_id
from tests.integration.web.desk import Client, Desk, csrf
from tests.worlds import CALLING, OFFICE, with_campaigns


@pytest.fixture
async def called(desk: Desk) -> Desk:
    """The desk with campaigns; in spring three numbers wait, of whom the first is Ada's."""
    desk.world = await with_campaigns(desk.store, desk.world)
    anna = await desk.logged_in("anna")
    await post(anna, "/campaigns/{spring}/fill", desk, who="numbers", numbers="030 1234567", note="She likes cake.")
    await post(anna, "/campaigns/{spring}/fill", desk, who="numbers", numbers="030 1234568\r\n030 1234569\r\n")
    ids = [each.id for each in await entries(desk)]
    await post(anna, "/campaigns/{spring}/next", desk)
    await post(anna, f"/campaign-entries/{ids[0]}/customer", desk, campaign=spring(desk), name="Ada <b>")
    await post(anna, f"/campaign-entries/{ids[0]}/leave", desk, campaign=spring(desk))
    return desk


def spring(desk: Desk) -> str:
    return str(next(each.id for each in desk.world.modules.values() if each.name == "spring"))


async def post(client: Client, path: str, desk: Desk, **form: str) -> ClientResponse:
    data = {"csrf": await csrf(client), **form}
    return await client.post(path.replace("{spring}", spring(desk)), data=data, allow_redirects=False)


async def reads(client: Client, path: str, desk: Desk) -> str:
    answer = await client.get(path.replace("{spring}", spring(desk)))
    assert answer.status == 200, (path, answer.status)
    return unescape(await answer.text())


async def entries(desk: Desk) -> list[CampaignEntryRow]:
    async with desk.store.read() as session:
        return list(await session.scalars(select(CampaignEntryRow).order_by(CampaignEntryRow.id)))


async def words(desk: Desk) -> list[CampaignResultRow]:
    async with desk.store.read() as session:
        return list(await session.scalars(select(CampaignResultRow).order_by(CampaignResultRow.entry_id)))


def place(answer: ClientResponse) -> str:
    assert answer.status == 303, answer.status
    return answer.headers["Location"]


# --- calling ------------------------------------------------------------------------------------------------------


async def test_the_list_says_what_waits_and_who_may_not_see_it_sees_nothing(called: Desk) -> None:
    text = await reads(await called.logged_in("anna"), "/campaigns", called)
    assert "Spring" in text
    assert "0 of 3" in text
    assert "Secret" not in text
    assert 'href="/campaigns"' in text
    olga = await called.logged_in("olga")
    assert "You work in no campaign." in await reads(olga, "/campaigns", called)
    assert 'data-go="o"' not in await reads(olga, "/missed-calls", called)
    for path in ("", "/call", "/progress", "/list", "/list/rows", "/fill", "/empty", "/progress/content"):
        assert (await olga.get(f"/campaigns/{spring(called)}{path}")).status == 404, path
    assert "Secret" in await reads(await called.logged_in("boss"), "/campaigns", called)


async def test_the_next_one_is_shown_with_all_that_is_known(called: Desk) -> None:
    acme, ben = team_id(called.world, "acme"), agent_id(called.world, "ben")
    await answered_call(called.store, acme, ben, number="030 1234567", ended_at=called.clock())
    anna = await called.logged_in("anna")
    assert place(await post(anna, "/campaigns/{spring}/next", called)) == f"/campaigns/{spring(called)}"
    text = await reads(anna, "/campaigns/{spring}", called)
    for said in ("Ada <b>", "+49 30 1234567", "She likes cake.", "Calls from this number", "Not reached", "13:10"):
        assert said in text, said
    assert 'href="tel:' in text
    assert "Ada <b>" in await reads(anna, "/campaigns/{spring}/call", called)


async def test_a_result_is_given_and_changed_and_the_next_one_comes(called: Desk) -> None:
    anna, told = await called.logged_in("anna"), list[News]()
    await post(anna, "/campaigns/{spring}/next", called)
    [first, *_] = await entries(called)
    with called.live.listen("test", lambda news: told.append(news) is None):
        answer = await post(
            anna, f"/campaign-entries/{first.id}/result", called, campaign=spring(called), result="no", note="not now"
        )
    page = place(answer)
    assert page == f"/campaigns/{spring(called)}?entry={first.id}"
    assert [(each.topic, each.ids) for each in told] == [("campaigns", (int(spring(called)),))]
    text = await reads(anna, page, called)
    assert "Change the result" in text
    assert "not now" in text
    await post(anna, f"/campaign-entries/{first.id}/result", called, campaign=spring(called), result="sale")
    text = await reads(anna, page, called)
    assert "Order #8-1" in text
    await post(anna, "/campaigns/{spring}/next", called)
    text = await reads(anna, "/campaigns/{spring}", called)
    assert "+49 30 1234568" in text
    assert "Name of a new customer" in text
    assert "Back to your call" in await reads(anna, page, called)
    assert "Sale" in await reads(await called.logged_in("boss"), page, called)


async def test_what_a_result_demands_is_asked_for_and_nothing_is_lost(called: Desk) -> None:
    anna = await called.logged_in("anna")
    await post(anna, "/campaigns/{spring}/next", called)
    [first, *_] = await entries(called)
    address, form = f"/campaign-entries/{first.id}/result", {"campaign": spring(called), "result": "later"}
    answer = await post(anna, address, called, **form, note="in a meeting")
    assert answer.status == 422
    text = unescape(await answer.text())
    assert 'value="2026-11-23T14:00"' in text
    assert ">in a meeting</textarea>" in text
    past = {"asking": "later", "callback_at": "2026-11-23T09:00", "callback_for": "anyone"}
    answer = await post(anna, address, called, **form, **past)
    assert "This time is over." in await answer.text()
    good = {**past, "callback_at": "2026-11-23T14:30"}
    assert place(await post(anna, address, called, **form, **good))
    [row, *_] = await entries(called)
    assert (row.state, row.next_at, row.for_agent_id) == ("tried", called.clock() + timedelta(minutes=90), None)
    await post(anna, "/campaigns/{spring}/next", called)
    answer = await post(anna, f"/campaign-entries/{row.id + 1}/result", called, campaign=spring(called), result="offer")
    assert answer.status == 422
    assert "This must be filled in." in await answer.text()
    answer = await post(anna, address, called, campaign=spring(called), result="sale", callback_at="nonsense")
    assert answer.status == 303  # a time that nobody asked for is not read
    bad = {"asking": "later", "callback_at": "nonsense"}
    assert (await post(anna, address, called, **form, **bad)).status == 400


async def test_the_link_fills_the_form_and_the_order_is_the_entrys_then(called: Desk) -> None:
    ben = await called.logged_in("ben")
    await post(ben, "/campaigns/{spring}/next", called)
    [first, *_] = await entries(called)
    form = {"campaign": spring(called), "result": "offer", "note": "for ten"}
    page = place(await post(ben, f"/campaign-entries/{first.id}/result", called, **form))
    text = await reads(ben, page, called)
    link = next(each for each in text.split('"') if each.startswith("/work-orders/new?"))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert (asked["title"], asked["description"], asked["template"]) == ("Offer · Ada <b>", "for ten", "7")
    answer = await ben.get(link)
    assert f'name="module" value="{spring(called)}"' in await answer.text()
    made = await post(ben, "/work-orders", called, **{**asked, "group": str(_support(called)), "priority": "3"})
    assert made.status == 303, await made.text()
    async with called.store.read() as session:
        [order] = await session.scalars(select(WorkOrderRow))
    assert (order.module_id, order.customer_id) == (int(spring(called)), first.customer_id)
    text = await reads(ben, page, called)
    assert order.serial in text
    assert "/work-orders/new?" not in text


def _support(desk: Desk) -> int:
    return next(each.id for each in desk.world.groups.values() if each.name == "support")


async def test_who_has_left_or_is_too_late_is_told_why(called: Desk) -> None:
    anna, ben = await called.logged_in("anna"), await called.logged_in("ben")
    await post(anna, "/campaigns/{spring}/next", called)
    [first, *_] = await entries(called)
    form = {"campaign": spring(called), "result": "no"}
    answer = await post(ben, f"/campaign-entries/{first.id}/result", called, **form)
    assert answer.status == 409
    assert "其他座席" in await answer.text()
    answer = await post(anna, f"/campaign-entries/{first.id}/leave", called, campaign=spring(called))
    assert place(answer) == f"/campaigns/{spring(called)}?notice=left"
    assert "somebody else may call it" in await reads(anna, f"/campaigns/{spring(called)}?notice=left", called)
    assert (await post(anna, f"/campaign-entries/{first.id}/leave", called, campaign=spring(called))).status == 409
    assert await words(called) == []


async def test_nobody_waits_or_it_is_closed(called: Desk) -> None:
    anna, id_ = await called.logged_in("anna"), int(spring(called))
    called.world.modules[id_] = replace(called.world.modules[id_], calling=replace(CALLING, hours=OFFICE))
    called.clock.pass_by(hours=12)
    anna = await called.logged_in("anna")
    assert place(await post(anna, "/campaigns/{spring}/next", called)).endswith("notice=closed")
    text = await reads(anna, "/campaigns/{spring}", called)
    assert "does not call at this time" in text
    assert f'action="/campaigns/{id_}/next"' not in text
    called.world.modules[id_] = replace(called.world.modules[id_], calling=CALLING)
    for _ in range(3):
        await post(anna, "/campaigns/{spring}/next", called)
        row = next(each for each in await entries(called) if each.state == "taken")
        await post(anna, f"/campaign-entries/{row.id}/result", called, campaign=str(id_), result="no")
    assert place(await post(anna, "/campaigns/{spring}/next", called)).endswith("notice=nobody")
    text = await reads(anna, "/campaigns/{spring}?notice=nobody", called)
    assert "Nobody is to be called now." in text
    assert "Your last calls" in text


@pytest.mark.parametrize("entry", ["999999", "0"])
async def test_an_entry_that_is_not_there_is_not_found(called: Desk, entry: str) -> None:
    anna = await called.logged_in("anna")
    expected = 404 if entry != "0" else 200
    assert (await anna.get(f"/campaigns/{spring(called)}?entry={entry}")).status == expected
    assert (await anna.get(f"/campaigns/{spring(called)}?entry=x")).status == 400
    answer = await post(anna, f"/campaign-entries/{entry}/result", called, campaign=spring(called), result="no")
    assert answer.status == 404


# --- the list -----------------------------------------------------------------------------------------------------


async def test_progress_counts_by_state_agent_and_result(called: Desk) -> None:
    anna = await called.logged_in("anna")
    for result in ("sale", "not_reached"):
        await post(anna, "/campaigns/{spring}/next", called)
        row = next(each for each in await entries(called) if each.state == "taken")
        await post(anna, f"/campaign-entries/{row.id}/result", called, campaign=spring(called), result=result)
    for who in ("anna", "boss"):
        text = await reads(await called.logged_in(who), "/campaigns/{spring}/progress", called)
        assert "1 of 3 finished" in text
        assert "33 %" in text
        assert "Anna" in text
        assert "Sale" in text
    assert "1 of 3 finished" in await reads(anna, "/campaigns/{spring}/progress/content", called)


def test_the_bar_is_as_wide_as_what_is_in_the_list() -> None:
    found = shares({State.DONE: 1, State.WAITING: 3, State.WITHDRAWN: 9})
    assert [(each.state, each.x, each.width) for each in found if each.count] == [
        (State.DONE, 0.0, 25.0),
        (State.WAITING, 25.0, 75.0),
    ]
    assert sum(each.width for each in shares({})) == 0


async def test_a_group_admin_changes_entries_and_others_only_look(called: Desk) -> None:
    anna, ben = await called.logged_in("anna"), await called.logged_in("ben")
    ids = [str(each.id) for each in await entries(called)]
    who = str(agent_id(called.world, "ben"))
    form = {"state": "waiting", "do": "give", "agent": who, "id": ids[1]}
    assert "many=1" in place(await post(anna, "/campaigns/{spring}/list", called, **form))
    form = {"state": "waiting", "do": "withdraw", "id": ids[2]}
    assert (await post(ben, "/campaigns/{spring}/list", called, **form)).status == 403
    back = place(await post(anna, "/campaigns/{spring}/list", called, **form))
    assert "1 entry was changed." in await reads(anna, back, called)
    assert [(each.state, each.for_agent_id) for each in await entries(called)] == [
        ("waiting", None),
        ("waiting", int(who)),
        ("withdrawn", None),
    ]
    text = await reads(ben, "/campaigns/{spring}/list", called)
    assert "Ada <b>" in text
    assert 'id="selection"' not in text
    assert "none_chosen" in place(await post(anna, "/campaigns/{spring}/list", called, state="waiting", do="withdraw"))
    assert (await post(anna, "/campaigns/{spring}/list", called, state="waiting", do="burn", id=ids[0])).status == 400
    assert (await post(anna, "/campaigns/{spring}/list", called, state="x", do="give", id=ids[0])).status == 400


async def test_a_number_is_found_in_whatever_state(called: Desk) -> None:
    anna = await called.logged_in("anna")
    text = await reads(anna, "/campaigns/{spring}/list?state=done&number=030%201234567", called)
    assert "Ada <b>" in text
    assert "This number is not in the list." in await reads(anna, "/campaigns/{spring}/list?number=junk", called)
    assert (await anna.get(f"/campaigns/{spring(called)}/list?state=lost")).status == 400


async def test_long_lists_go_on_on_another_page(called: Desk) -> None:
    anna = await called.logged_in("anna")
    numbers = "\n".join(f"040 12345{n:02}" for n in range(60))
    await post(anna, "/campaigns/{spring}/fill", called, who="numbers", numbers=numbers)
    text = await reads(anna, "/campaigns/{spring}/list", called)
    following = next(each for each in text.split('"') if "after=" in each and "rows" not in each)
    rest = await reads(anna, following, called)
    assert text.count("data-row") + rest.count("data-row") == 63
    assert "First page" in rest


async def test_a_list_is_emptied_after_a_question(called: Desk) -> None:
    anna, ben = await called.logged_in("anna"), await called.logged_in("ben")
    assert "3 entries that are still to be called" in await reads(anna, "/campaigns/{spring}/empty", called)
    assert (await ben.get(f"/campaigns/{spring(called)}/empty")).status == 403
    assert (await post(ben, "/campaigns/{spring}/empty", called)).status == 403
    assert "many=3" in place(await post(anna, "/campaigns/{spring}/empty", called))
    assert {each.state for each in await entries(called)} == {"withdrawn"}


async def test_customers_and_columns_are_added_and_what_is_wrong_is_named(called: Desk) -> None:
    anna, ben = await called.logged_in("anna"), await called.logged_in("ben")
    answer = await post(anna, "/campaigns/{spring}/fill", called, who="customers", name="ada")
    assert "added=0&known=1" in place(answer)
    assert "1 was there already" in await reads(anna, place(answer), called)
    column = '"030 7654321";\r\nno <i>number\r\n\r\n030 1234567'
    answer = await post(anna, "/campaigns/{spring}/fill", called, who="numbers", numbers=column)
    text = unescape(await answer.text())
    assert "1 was added, 1 was there already, 1 can't be called." in text
    assert "no <i>number" in text
    assert (await post(anna, "/campaigns/{spring}/fill", called, who="numbers")).status == 422
    olga = str(agent_id(called.world, "olga"))
    for wrong in ({"agent": olga}, {"note": "x" * 2001}):
        answer = await post(anna, "/campaigns/{spring}/fill", called, who="numbers", numbers="040 1", **wrong)
        assert answer.status == 422, wrong
    assert (await post(anna, "/campaigns/{spring}/fill", called, who="customers", since="never")).status == 400
    since = place(await post(anna, "/campaigns/{spring}/fill", called, who="customers", since="2026-11-24"))
    assert "added=0&known=0" in since
    assert (await ben.get(f"/campaigns/{spring(called)}/fill")).status == 403
    assert (await post(ben, "/campaigns/{spring}/fill", called, who="numbers", numbers="040 1")).status == 403


async def test_a_name_that_is_none_is_refused(called: Desk) -> None:
    anna = await called.logged_in("anna")
    [_, second, _] = await entries(called)
    for name in (" ", "a\tb"):
        answer = await post(anna, f"/campaign-entries/{second.id}/customer", called, campaign=spring(called), name=name)
        assert answer.status == 422
    async with called.store.read() as session:
        assert len((await session.scalars(select(CustomerRow))).all()) == 1
