"""The board in a browser: live, on walls of any size, on phones, without scripts, by axe."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from daemon.handlers.live import News
from daemon.storage.missed_items import Closing
from daemon.storage.tables import CallRow, StintRow, WorkOrderRow
from tests.builders import NOON, agent_id, answered_call, closed, group_id, missed_call, team_id, work_order
from tests.integration.web.browsing import (
    IN_A_BROWSER,
    LOOKS,
    PHONE,
    WALL,
    Scheme,
    barrier_free,
    browser,
    fits,
    is_live,
    opened,
)
from tests.integration.web.desk import Desk

__all__ = ["browser"]
pytestmark = IN_A_BROWSER

TOO_LARGE = """
[...document.querySelectorAll(".wall dl, .wall dt, .wall dd:not(.note)")]
  .filter((each) => each.scrollWidth > each.clientWidth
    || (each.localName === "dl" && each.scrollHeight > each.clientHeight))
  .map((each) => each.textContent.trim().slice(0, 40))
"""
"""What does not fit in its place; the notes are cut with an ellipsis."""


async def waits(desk: Desk, seconds: int, queue: str = "support") -> None:
    acme, at = team_id(desk.world, "acme"), NOON - timedelta(seconds=seconds)
    call = CallRow(pbx="main", uniqueid=f"8.{seconds}", linkedid="", number="030", name="", extension="", queue=queue)
    call.team_id, call.state, call.began_at = acme, "waiting", at
    async with desk.store.write() as session:
        session.add(call)
        await session.flush()
        stay = {"queue": queue, "joined_at": at, "interface": "", "member": ""}
        session.add(StintRow(call_id=call.id, n=0, provisional=False, **stay))


async def fill(desk: Desk) -> None:
    """A bit of everything that a board shows."""
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    for n in range(6):
        at = NOON - timedelta(minutes=40 * n)
        await answered_call(desk.store, acme, agent_id(desk.world, "anna"), at=at, ended_at=NOON)
        item = await missed_call(desk.store, acme, number=f"030 123456{n}", at=at)
        if n < 3:
            state = ("reached", "dismissed", "order_done")[n]
            await closed(desk.store, item, Closing(state, NOON, "Anna", state, "why"))
    for n, status in enumerate(("new", "pending", "return", "verify") * 3):
        order = await work_order(desk.store, acme, support, title=f"Call back number {n}, who waits for it")
        async with desk.store.write() as session:
            row = await session.get_one(WorkOrderRow, order.id)
            row.node_status, row.due_at = status, NOON - timedelta(hours=n + 1)
    await waits(desk, 95)
    await waits(desk, 20, "sales")


async def test_waiting_times_go_on_by_the_servers_clock(desk: Desk, browser: Browser) -> None:
    await waits(desk, 95)
    async with opened(desk, browser) as page:
        for path in ("/board", "/board?wall=1"):
            await page.goto(path)
            since = page.locator("[data-since]").first
            await expect(since).to_have_text("1:37")  # the browser's own clock is days off


async def test_other_news_of_the_page_do_not_turn_its_clock_back(desk: Desk, browser: Browser) -> None:
    await waits(desk, 95)
    async with opened(desk, browser) as page:
        await page.goto("/board")
        since = page.locator("[data-since]").first
        await expect(since).to_have_text("1:38")
        await page.evaluate("htmx.ajax('GET', '/missed-calls/count', {target: '#missed-count', swap: 'innerHTML'})")
        assert await since.text_content() in {f"1:{seconds}" for seconds in range(38, 60)}


async def test_news_change_the_figures_and_leave_what_is_open_and_focused(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser) as page:
        await page.goto("/board")
        await is_live(page)
        await page.focus("#by-hour-table summary")
        await page.keyboard.press("Enter")
        await expect(page.locator("#by-hour-table table")).to_be_visible()
        await page.fill("#day", "2026-11-11")
        await page.focus("#by-hour-table summary")
        await waits(desk, 44)
        desk.live.publish(News(team_id(desk.world, "acme"), "calls", (9,)))
        await expect(page.locator(".figures .now dd").first).to_have_text("3")
        await expect(page.locator("#by-hour-table table")).to_be_visible()
        await expect(page.locator("#by-hour-table summary")).to_be_focused()
        await expect(page.locator("#day")).to_have_value("2026-11-11")


async def test_the_board_is_reached_and_days_are_chosen_by_keyboard(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser) as page:
        await page.keyboard.press("g")
        await page.keyboard.press("b")
        await expect(page.locator("h1")).to_have_text("Board")
        await page.focus("text=Day before")
        await page.keyboard.press("Enter")
        await expect(page.locator("#day")).to_have_value("2026-11-22")
        await expect(page.locator("#who-waits")).to_have_count(0)
        await page.focus("text=Today")
        await page.keyboard.press("Enter")
        await expect(page.locator("#who-waits")).to_be_visible()


async def test_the_board_is_whole_without_scripts(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser, scripts=False) as page:
        await page.goto("/board")
        await expect(page.locator("[data-since]").first).to_have_text("1:35")
        await expect(page.locator("svg.hours rect")).not_to_have_count(0)
        await page.fill("#day", "2026-11-01")
        await page.click("text=Show")
        await expect(page.locator(".figures dd").first).to_have_text("0")
        await page.click("text=For a wall")
        await expect(page.locator(".wall dl")).to_have_count(6)


@LOOKS
async def test_axe_finds_no_barrier_on_a_board_full_or_empty(
    desk: Desk, browser: Browser, scheme: Scheme, size: tuple[int, int]
) -> None:
    async with opened(desk, browser, scheme=scheme, size=size) as page:
        for full in (False, True):
            if full:
                await fill(desk)
            for path in ("/board", "/board?wall=1", "/board?day=2026-11-22"):
                await page.goto(path)
                await is_live(page)
                await barrier_free(page, f"{path} {full}")
        await page.goto("/board")
        await page.click("#by-hour-table summary")
        await barrier_free(page, "table")


@pytest.mark.parametrize("size", [(1920, 1080), WALL, (1280, 1024), (1080, 1920), PHONE], ids=lambda size: f"{size[0]}")
async def test_a_wall_never_scrolls_and_nothing_on_it_is_cut(
    desk: Desk, browser: Browser, size: tuple[int, int]
) -> None:
    await fill(desk)
    await waits(desk, 36_000)
    for n in range(8):
        await waits(desk, 500 + n, f"a queue with a rather long name {n}")
    async with opened(desk, browser, size=size) as page:
        await page.goto("/board?wall=1")
        await is_live(page)
        await expect(page.locator(".wall dd.long")).to_contain_text("10:00:")
        for direction in ("ltr", "rtl"):
            await page.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)
            await fits(page, direction)
            assert await page.evaluate("[document.documentElement.scrollHeight, innerHeight]") == [size[1]] * 2
            assert await page.evaluate(TOO_LARGE) == []
            await expect(page.get_by_role("navigation")).to_be_hidden()


async def figure_height(page: Page) -> float:
    """Of the figures on a wall, as a share of the screen's height."""
    height: float = await page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.wall dd')).fontSize) / innerHeight"
    )
    return height


async def test_figures_on_a_wall_are_large_and_dark_whatever_the_screen(desk: Desk, browser: Browser) -> None:
    for size in ((1920, 1080), WALL):
        async with opened(desk, browser, size=size, scheme="light") as page:
            await page.goto("/board?wall=1")
            assert await figure_height(page) > 0.15
            assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(10, 14, 18)"


async def test_a_wall_that_is_cut_off_says_so_and_comes_back_by_itself(desk: Desk, browser: Browser) -> None:
    await fill(desk)
    async with opened(desk, browser, expected="ERR_INTERNET_DISCONNECTED") as page:
        await page.goto("/board?wall=1")
        await is_live(page)
        await expect(page.get_by_text("Offline")).to_be_hidden()
        await page.context.set_offline(offline=True)
        for inbox in tuple(desk.live._inboxes):
            inbox.close()  # the connection breaks
        await expect(page.get_by_text("Offline")).to_be_visible()
        await waits(desk, 44)
        desk.live.publish(News(team_id(desk.world, "acme"), "calls", (9,)))
        await page.context.set_offline(offline=False)
        await expect(page.locator(".wall dd").first).to_have_text("3")
        await expect(page.get_by_text("Offline")).to_be_hidden()
