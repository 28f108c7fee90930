"""The popup in a browser: it opens and closes by itself, keeps what is typed, works by keys, and disturbs nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from daemon.handlers.live import News
from daemon.storage.engine import Store
from daemon.storage.tables import CallResultRow, CallRow, CustomerNumberRow, CustomerRow
from tests.builders import NOON, a_ring, agent_id, answered_call, group_id, missed_call, team_id, work_order
from tests.integration.handlers.test_call_results import RESULTS, with_results
from tests.integration.web.browsing import IN_A_BROWSER, LOOKS, PHONE, barrier_free, browser, is_live, opened
from tests.integration.web.desk import Desk, open_desk
from tests.worlds import small_world

__all__ = ["browser"]

pytestmark = IN_A_BROWSER

LISTEN = """
document.hasFocus = () => false;
window.Notification = class extends EventTarget {
  static permission = "granted";
  constructor(title, options) {
    super();
    const told = JSON.parse(localStorage.getItem("told") ?? "[]");
    localStorage.setItem("told", JSON.stringify([...told, `${title}: ${options.body}`]));
  }
};
"""
SHIFTS = """
window.shifted = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) for (const { node } of entry.sources) {
    const element = node?.closest ? node : node?.parentElement;
    if (element && !element.closest("#popup, #connection")) window.shifted.push(element.outerHTML);
  }
}).observe({ type: "layout-shift", buffered: true });
"""  # what moves within the popup, or while the page comes to life, is no matter here


@pytest.fixture
async def desk(desk_store: Store) -> AsyncIterator[Desk]:
    """The small world with results at its desk."""
    async with open_desk(desk_store, world=with_results(await small_world(desk_store))) as opened_desk:
        yield opened_desk


def tell(desk: Desk, *usernames: str) -> None:
    """What the program says after a ring, an answer or an end."""
    ids = tuple(agent_id(desk.world, username) for username in usernames)
    desk.live.publish(News(team_id(desk.world, "acme"), "popup", (), (), ids))


async def ring(desk: Desk, *usernames: str, **more: Any) -> CallRow:
    """A call that rings at these agents' phones."""
    acme = team_id(desk.world, "acme")
    call = await answered_call(desk.store, acme, None, **more)
    await turn(desk, call, state="waiting")
    for username in usernames:
        agent = agent_id(desk.world, username)
        desk.rings.append(a_ring(agent, acme, call.uniqueid, call.number, call.name))
    tell(desk, *usernames)
    return call


async def answer(desk: Desk, call: CallRow, username: str) -> None:
    """He picks up; the others' phones fall silent."""
    rang = {each.agent_id for each in desk.rings if each.uniqueid == call.uniqueid}
    desk.rings[:] = [each for each in desk.rings if each.uniqueid != call.uniqueid]
    await turn(desk, call, state="talking", agent_id=agent_id(desk.world, username))
    names = [agent.username for agent in desk.world.agents.values() if agent.id in rang]
    tell(desk, *names, username)


async def hang_up(desk: Desk, call: CallRow, username: str) -> None:
    await turn(desk, call, state="ended", ended_at=desk.clock(), reason="answered")
    tell(desk, username)


async def turn(desk: Desk, call: CallRow, **values: Any) -> None:
    async with desk.store.write() as session:
        row = await session.get_one(CallRow, call.id)
        for name, value in values.items():
            setattr(row, name, value)


async def chosen(desk: Desk) -> list[tuple[str, str]]:
    async with desk.store.read() as session:
        rows = await session.scalars(select(CallResultRow).order_by(CallResultRow.id))
        return [(row.result, row.note) for row in rows]


async def stage(page: Page, expected: str) -> None:
    await expect(page.locator("#popup-dock")).to_have_attribute("data-stage", expected)


async def gone(page: Page) -> None:
    await expect(page.locator("#popup-dock")).to_have_count(0)


async def test_it_opens_on_both_screens_and_closes_on_the_others(desk: Desk, browser: Browser) -> None:
    async with opened(desk, browser, "anna") as anna, opened(desk, browser, "ben") as ben:
        for page in (anna, ben):
            await page.evaluate("window.neverReloaded = true")
        call = await ring(desk, "anna", "ben", name="Ada")
        for page in (anna, ben):
            await stage(page, "ringing")
            await expect(page.locator("#popup-title")).to_have_text("+49 30 1234567")
        await answer(desk, call, "ben")
        await gone(anna)
        await stage(ben, "talking")
        await ben.reload()
        await stage(ben, "talking")
        await is_live(ben)
        await hang_up(desk, call, "ben")
        await stage(ben, "after")
        await ben.click(".buttons button >> nth=0")
        await gone(ben)
        assert await anna.evaluate("window.neverReloaded")
    assert await chosen(desk) == [("solved", "")]


async def test_by_keys_a_complaint_is_one_digit_its_note_and_one_more_key_to_the_order(
    desk: Desk, browser: Browser
) -> None:
    await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna"))
    async with opened(desk, browser, "anna", expected="404") as page:
        await page.reload()
        await is_live(page)
        await page.keyboard.press("2")
        await expect(page.locator("#popup textarea")).to_be_focused()
        await page.keyboard.type("It is 3 days late, 12 of them")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#popup-order")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/work-orders/new?template=7&call=1&result=complaint")
    assert await chosen(desk) == [("complaint", "It is 3 days late, 12 of them")]


async def test_single_keys_that_were_switched_off_do_nothing(desk: Desk, browser: Browser) -> None:
    async with opened(desk, browser, "anna") as page:
        address = str(desk.server.make_url("/"))
        await page.context.add_cookies([{"name": "workorderd_shortcuts", "value": "off", "url": address}])
        await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna"))
        await page.goto("/status")
        await is_live(page)
        await page.keyboard.press("1")
        await page.keyboard.press("p")
        await page.reload()  # whatever a key has sent is done
        await expect(page.locator("#popup-title")).not_to_be_focused()
    assert await chosen(desk) == []


async def test_an_automatic_order_is_there_with_one_key(desk: Desk, browser: Browser) -> None:
    await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna"))
    async with opened(desk, browser, "anna") as page:
        await page.reload()
        await is_live(page)
        await page.keyboard.press("3")
        await expect(page.locator("#popup-order")).to_contain_text("#8-1")
        await page.keyboard.press("o")
        await page.wait_for_url("**/work-orders/1")


async def test_a_call_back_offers_a_time_and_enter_takes_it(desk: Desk, browser: Browser) -> None:
    await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna"))
    async with opened(desk, browser, "anna") as page:
        await page.reload()
        await is_live(page)
        await page.keyboard.press("5")
        await expect(page.locator('#popup input[type="datetime-local"]')).to_be_focused()
        await page.check('#popup input[value="anyone"]')
        await page.click("#popup-save")
        await expect(page.locator("#popup .chosen")).to_contain_text("call back 14:00, anyone")


async def test_what_is_typed_and_focused_outlives_news_a_reload_and_another_page(desk: Desk, browser: Browser) -> None:
    acme = team_id(desk.world, "acme")
    call = await answered_call(desk.store, acme, agent_id(desk.world, "anna"))
    async with opened(desk, browser, "anna") as page:
        await page.reload()
        await is_live(page)
        note = page.locator("#popup textarea")
        await note.click()
        await page.keyboard.type("He wants 1 thing")
        await missed_call(desk.store, acme, at=NOON)  # the popup's counter changes
        await hang_up(desk, call, "anna")
        await expect(page.locator("#popup .missed")).to_contain_text("1×")
        await stage(page, "after")
        await expect(note).to_have_value("He wants 1 thing")
        await expect(note).to_be_focused()
        await page.goto("/status")
        await expect(note).to_have_value("He wants 1 thing")
        await page.click(".buttons button >> nth=0")
        await gone(page)
    assert await chosen(desk) == [("solved", "He wants 1 thing")]


async def test_it_takes_the_focus_from_nobody_and_p_goes_there(desk: Desk, browser: Browser) -> None:
    item = await missed_call(desk.store, team_id(desk.world, "acme"), number="040 777888")
    async with opened(desk, browser, "anna") as page:
        await page.goto(f"/missed-calls/dismiss?id={item.id}")
        await is_live(page)
        await page.focus("#other")
        call = await ring(desk, "anna")
        await stage(page, "ringing")
        await answer(desk, call, "anna")
        await stage(page, "talking")
        await expect(page.locator("#other")).to_be_focused()
        await page.keyboard.type("p1o")
        await expect(page.locator("#other")).to_have_value("p1o")
        await page.locator("#other").blur()
        await page.keyboard.press("p")
        await expect(page.locator("#popup-title")).to_be_focused()
    assert await chosen(desk) == []


async def test_a_second_call_waits_in_a_tab_while_the_first_one_is_written_up(desk: Desk, browser: Browser) -> None:
    acme = team_id(desk.world, "acme")
    await answered_call(desk.store, acme, agent_id(desk.world, "anna"), ended_at=NOON, name="First")
    async with opened(desk, browser, "anna") as page:
        await page.reload()
        await is_live(page)
        await page.fill("#popup textarea", "half a no")
        call = await ring(desk, "anna", number="040 777888", name="Second", at=NOON + timedelta(minutes=1))
        await expect(page.locator(".desk-calls a.ringing")).to_have_text("Second")
        await expect(page.locator("#popup textarea")).to_have_value("half a no")
        await page.click(".desk-calls a.ringing")
        await expect(page.locator("#popup-title")).to_have_text("+49 40 777888")
        await answer(desk, call, "anna")
        await stage(page, "talking")
        await page.click(".desk-calls a.after")
        await expect(page.locator("#popup textarea")).to_have_value("half a no")


async def test_offline_says_so_and_back_again_shows_how_it_stands(desk: Desk, browser: Browser) -> None:
    async with opened(desk, browser, "anna", expected="ERR_INTERNET_DISCONNECTED") as page:
        call = await ring(desk, "anna", "ben")
        await stage(page, "ringing")
        await page.context.set_offline(offline=True)
        for inbox in tuple(desk.live._inboxes):
            inbox.close()  # the connection breaks
        await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        await stage(page, "ringing")
        await answer(desk, call, "ben")
        await page.context.set_offline(offline=False)
        await is_live(page)
        await gone(page)


async def test_a_hidden_tab_hears_it_and_one_of_two_tabs_tells(desk: Desk, browser: Browser) -> None:
    async with opened(desk, browser, "anna") as page:
        await page.context.add_init_script(LISTEN)
        await page.goto("/status")
        await is_live(page)
        front = await page.context.new_page()
        await front.goto("/work-orders")
        await is_live(front)
        await front.bring_to_front()
        await ring(desk, "anna", name="<b>Ada</b>")
        await stage(page, "ringing")
        await stage(front, "ringing")
        told = 'JSON.parse(localStorage.getItem("told") ?? "[]")'
        await front.wait_for_function(f"{told}.length > 0")
        await page.evaluate("navigator.locks.request('popup-rung', () => null)")  # whoever waited has had his turn
        assert await page.evaluate(told) == ["+49 30 1234567: Call from +49 30 1234567 <b>Ada</b>, queue Support."]


async def test_it_moves_nothing_of_the_page(desk: Desk, browser: Browser) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"), number="040 777888")
    async with opened(desk, browser, "anna") as page:
        await page.context.add_init_script(SHIFTS)
        await page.reload()
        await is_live(page)
        before = await page.locator("#missed-1").bounding_box()
        call = await ring(desk, "anna")
        await stage(page, "ringing")
        await answer(desk, call, "anna")
        await stage(page, "talking")
        assert await page.locator("#missed-1").bounding_box() == before
        assert await page.evaluate("window.shifted") == []


async def test_on_a_phone_it_is_a_sheet_that_folds(desk: Desk, browser: Browser) -> None:
    await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna"))
    async with opened(desk, browser, "anna", size=PHONE) as page:
        await page.reload()
        await is_live(page)
        await expect(page.locator("#popup textarea")).to_be_visible()
        await page.click("#popup .fold")
        await expect(page.locator("#popup textarea")).to_be_hidden()
        await expect(page.locator("#popup-title")).to_be_visible()
        tell(desk, "anna")
        await page.click("#popup .fold")
        await page.click(".away button")
        await gone(page)


async def test_everything_is_done_without_scripts(desk: Desk, browser: Browser) -> None:
    await answered_call(desk.store, team_id(desk.world, "acme"), agent_id(desk.world, "anna"), ended_at=NOON)
    async with opened(desk, browser, "anna", scripts=False, expected="422") as page:
        await page.goto("/status")
        await page.fill('#popup input[name="name"]', "Ada")
        await page.click(".new-customer button")
        await expect(page.locator("#popup .customer")).to_have_text("Ada")
        await page.click(".buttons button >> nth=4")
        await page.fill('#popup input[name="callback_at"]', "2026-11-24T08:00")
        await page.click("#popup-save")
        await page.goto("/popup?call=1")
        await expect(page.locator("#popup .chosen")).to_contain_text("call back Nov 24 08:00")
        await page.click("summary")
        await page.click(".buttons button >> nth=1")
        await expect(page.locator("#popup .fault")).to_have_text("This must be filled in.")
        await page.fill("#popup textarea", "late")
        await page.click("#popup-save")
        await expect(page.locator("#popup-order")).to_contain_text("Create order: Missed call")
        await page.goto("/status")
        await page.click(".away button")
        await gone(page)
        assert page.url.endswith("/status")


@LOOKS
async def test_axe_finds_no_barrier_in_any_state(
    desk: Desk, browser: Browser, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    long = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
    desk.world = with_results(
        desk.world, *(replace(each, labels={"en": f"{each.identity} {long}"}) for each in RESULTS)
    )
    async with desk.store.write() as session:
        for name in ("Ada", long):
            customer = CustomerRow(team_id=acme, kind="individual", name=name, note=long, created_at=NOON)
            session.add(customer)
            await session.flush()
            session.add(
                CustomerNumberRow(
                    team_id=acme, customer_id=customer.id, raw="030 1234567", e164="+49301234567", tail="01234567"
                )
            )
    item = await missed_call(desk.store, acme, name=long)
    await work_order(desk.store, acme, support, item=item, title=long)
    async with opened(desk, browser, "anna", scheme=scheme, size=size) as page:
        call = await ring(desk, "anna", name=long)
        await stage(page, "ringing")
        await barrier_free(page, "ringing")
        await answer(desk, call, "anna")
        await stage(page, "talking")
        await barrier_free(page, "talking")
        await page.click(".buttons button >> nth=1")
        await expect(page.locator("#popup .fault")).to_be_visible()
        await barrier_free(page, "a note is asked for")
        await page.click(".buttons button >> nth=4")
        await expect(page.locator("#popup .callback")).to_be_visible()
        await barrier_free(page, "a time is asked for")
        await page.fill("#popup textarea", long)
        await page.click(".buttons button >> nth=1")
        await expect(page.locator("#popup-order")).to_be_visible()
        await barrier_free(page, "an order is to be made")
        await answered_call(desk.store, acme, agent_id(desk.world, "anna"), number="0171 1", name=long)
        await page.reload()
        await expect(page.locator(".desk-calls a")).to_have_count(2)
        await barrier_free(page, "two calls")
        for path in ("/popup", f"/popup?call={call.id}", "/popup?number=030%201234567", "/popup?number=anonymous"):
            await page.goto(path)
            await is_live(page)
            await barrier_free(page, path)
