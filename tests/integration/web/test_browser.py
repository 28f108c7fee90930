"""What only a browser can say: live rows, the dialog, the keyboard, and axe on every page, light and dark."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from playwright.async_api import Browser, expect

from daemon.handlers.live import News
from daemon.orders.history import Actor, Entry
from daemon.storage.missed_items import Closing
from daemon.storage.tables import WorkOrderRow
from daemon.web.status import LinkStatus, Status
from tests.builders import NOON, closed, gap, group_id, missed_call, stepped, team_id, work_order
from tests.integration.web.browsing import DESKTOP, IN_A_BROWSER, LOOKS, PHONE, barrier_free, browser, is_live, opened
from tests.integration.web.desk import Desk

__all__ = ["DESKTOP", "PHONE", "barrier_free", "browser", "is_live", "opened"]

pytestmark = IN_A_BROWSER

PAGES = (
    "/missed-calls",
    "/missed-calls?tab=closed",
    "/missed-calls/dismiss?id=2",
    "/work-orders",
    "/work-orders/1",
    "/status",
    "/preferences",
)


async def fill(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme, name="Meyer & Sons", queues=("sales", "support"))
    await missed_call(desk.store, acme, number="0171 5551234", name="<b>Jana</b>", listing="short")
    await missed_call(desk.store, acme, number="anonymous", listing="hidden", queues=("billing",))
    done = await missed_call(desk.store, acme, number="040 777888")
    await closed(desk.store, done, Closing("dismissed", NOON, "Ben", "dismissed", "Wrong number"))
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), item=item, description="two\nlines")
    await gap(desk.store, "main", NOON - timedelta(hours=1), 75)
    links = (LinkStatus("main", "up", NOON), LinkStatus("branch", "down", NOON, "", "refused", ("No QUEUESTATUS",)))
    desk.status, desk.world.pbx_teams["branch"] = Status(links, NOON, "0.1.0"), acme


async def test_a_missed_call_appears_without_a_reload(desk: Desk, browser: Browser) -> None:
    acme = team_id(desk.world, "acme")
    async with opened(desk, browser) as page:
        await page.evaluate("window.neverReloaded = true")
        await expect(page.locator("p.empty")).to_be_visible()
        item = await missed_call(desk.store, acme, name="Ada")
        desk.live.publish(News(acme, "missed_calls", (item.id,)))
        await expect(page.locator("#missed-1")).to_contain_text("+49 30 1234567")
        await expect(page.locator("#missed-count")).to_contain_text("1")
        assert await page.evaluate("window.neverReloaded")


async def test_what_is_chosen_stays_chosen_when_rows_are_refreshed(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    acme = team_id(desk.world, "acme")
    async with opened(desk, browser) as page:
        await page.check("#missed-2 input[type=checkbox]")
        await page.focus("#missed-2 .button[hx-target]")
        await missed_call(desk.store, acme, number="030 9999999", at=NOON + timedelta(minutes=1))
        desk.live.publish(News(acme, "missed_calls"))
        await expect(page.locator("#missed-5")).to_be_visible()
        await expect(page.locator("#missed-2 input[type=checkbox]")).to_be_checked()
        await expect(page.locator("#missed-2 .button[hx-target]")).to_be_focused()
        await expect(page.locator("[data-needs-selection]")).to_have_attribute("data-chosen", "1")


async def test_news_that_came_while_the_connection_was_away_are_made_up_for(desk: Desk, browser: Browser) -> None:
    acme = team_id(desk.world, "acme")
    async with opened(desk, browser) as page:
        for inbox in tuple(desk.live._inboxes):
            inbox.close()  # the connection breaks
        await missed_call(desk.store, acme)
        desk.live.publish(News(acme, "missed_calls"))
        await expect(page.locator("#missed-1")).to_be_visible()
        await is_live(page)


async def test_an_open_order_follows_its_news(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    acme = team_id(desk.world, "acme")
    async with opened(desk, browser) as page:
        await page.goto("/work-orders/1")
        await is_live(page)
        async with desk.store.read() as session:
            row = await session.get_one(WorkOrderRow, 1)
        await stepped(desk.store, row, Entry(NOON, Actor("agent", "Ben"), "reply", note="He calls back."))
        desk.live.publish(News(acme, "work_orders", (1,), (row.group_id,)))
        await expect(page.locator(".timeline li").first).to_contain_text("He calls back.")


async def test_one_is_dismissed_in_a_dialog_by_keyboard_alone(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser) as page:
        await page.focus("#missed-2 .button[hx-target]")
        await page.keyboard.press("Enter")
        await expect(page.locator("dialog[open] h2")).to_have_text("Dismiss this missed call")
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog[open]")).to_have_count(0)
        await expect(page.locator("#missed-2 .button[hx-target]")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.locator("dialog[open] input[type=radio]").first.focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator(".notice")).to_have_text("Dismissed.")
        await expect(page.locator("#missed-2")).to_have_count(0)


async def test_many_are_dismissed_and_an_order_is_made_on_a_phone(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser, size=PHONE) as page:
        await page.check("#missed-2 input[type=checkbox]")
        await page.check("#missed-1 input[type=checkbox]")
        await page.click("[data-needs-selection]")
        await expect(page.locator("dialog[open] .chosen li")).to_have_count(2)
        await page.fill("#other", "called them all")
        await page.click("dialog[open] button[type=submit]")
        await expect(page.locator("#missed-1")).to_have_count(0)
        await page.click("#missed-3 button[type=submit]")
        await expect(page.locator("h1")).to_contain_text("#7-2")


async def test_everything_works_without_scripts(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser, scripts=False) as page:
        await page.check("#missed-2 input[type=checkbox]")
        await page.click("[data-needs-selection]")
        await page.click("main button[type=submit]")
        await expect(page.locator("p.notice[role=status]")).to_have_text("Dismissed.")
        await page.click("#missed-3 button[type=submit]")
        await expect(page.locator("h1")).to_contain_text("#7-2")
        await page.click(".who button")
        await expect(page.locator("#password")).to_be_visible()


async def test_when_the_session_ends_the_page_asks_for_the_log_in(desk: Desk, browser: Browser) -> None:
    async with opened(desk, browser, expected="401") as page:
        await page.context.clear_cookies()
        desk.live.publish(News(team_id(desk.world, "acme"), "missed_calls"))
        await expect(page.locator("#password")).to_be_visible()
        said = page.url
    assert said.endswith("/login")


@LOOKS
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    desk: Desk, browser: Browser, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    await fill(desk)
    async with opened(desk, browser, scheme=scheme, size=size) as page:
        for path in PAGES:
            await page.goto(path)
            await is_live(page)
            await barrier_free(page, path)
        await page.goto("/missed-calls")
        await page.click("#missed-2 .actions [hx-target]")
        await expect(page.locator("dialog[open] h2")).to_be_visible()
        await barrier_free(page, "dialog")
        await page.keyboard.press("Escape")
        await page.click(".who button")
        await expect(page.locator("#password")).to_be_visible()
        await barrier_free(page, "/login")
