"""The popup at the real process and a real Asterisk: two agents in browsers, on a queue that rings all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from daemon.demo.desks import Desk
from daemon.web.assets import read_assets
from tests.acceptance.rig import Outpost, somebody_waits

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.browser,
    pytest.mark.skipif(bool(read_assets().missing), reason="run bin/assets"),
]

PATIENCE = 20_000  # milliseconds
SOON, LATER = 8.0, 60.0  # seconds until somebody picks up; browsers of a busy machine must have seen it ring


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        await opened.close()


@asynccontextmanager
async def sits(house: Outpost, browser: Browser, username: str) -> AsyncIterator[Page]:
    """Somebody at his desk, logged in, his page live."""
    context = await browser.new_context(base_url=house.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto("/missed-calls")
    await page.fill("#username", username)
    await page.fill("#password", "demo")
    await page.press("#password", "Enter")
    await live(page)
    yield page
    await context.close()


async def live(page: Page) -> None:
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=PATIENCE)


async def stage(page: Page, expected: str) -> None:
    await expect(page.locator("#popup-dock")).to_have_attribute("data-stage", expected, timeout=PATIENCE)


async def gone(page: Page) -> None:
    await expect(page.locator("#popup-dock")).to_have_count(0, timeout=PATIENCE)


async def test_both_see_it_ring_one_answers_and_makes_the_order_with_few_keys(
    house: Outpost, desk: Desk, browser: Browser
) -> None:
    await house.start()
    await desk.staff("support", 0, ring=LATER)
    await desk.staff("support", 1, ring=SOON)
    async with sits(house, browser, "anna") as anna, sits(house, browser, "ben") as ben:
        front = await ben.context.new_page()  # Ben's first tab is hidden behind it
        await front.goto("/work-orders")
        await live(front)
        await front.bring_to_front()
        caller = await somebody_waits(desk, name="<b>Ada</b> Lovelace")
        for page in (anna, ben, front):
            await stage(page, "ringing")
            await expect(page.locator("#popup .name")).to_have_text("<b>Ada</b> Lovelace")
        await anna.reload()
        await caller.connected()
        await gone(anna)
        for page in (ben, front):
            await stage(page, "talking")
        await ben.reload()
        await stage(ben, "talking")
        await live(ben)
        await caller.hang_up()
        await stage(ben, "after")

        await ben.bring_to_front()
        await ben.keyboard.press("2")
        await expect(ben.locator("#popup textarea")).to_be_focused()
        await ben.keyboard.type("The keyboard lacks a 1")
        await ben.keyboard.press("Control+Enter")  # the result is chosen: from here on keys and clicks count
        await expect(ben.locator("#popup-order")).to_be_focused()
        await ben.keyboard.press("Enter")  # one
        await expect(ben.locator("h1")).to_contain_text("Complaint")
        await ben.get_by_label("Product").click()  # two; what is asked for there is to be typed
        await ben.keyboard.type("Keyboard")
        await ben.keyboard.press("Enter")  # three
        await expect(ben.locator("h1")).to_contain_text("#2-1")
        for page in (ben, front):
            await gone(page)
    await house.until(
        "SELECT c.uniqueid, r.result, r.note FROM call_result r JOIN call c ON c.id = r.call_id"
        " JOIN work_order o ON o.call_id = c.id",
        [(caller.uniqueid, "complaint", "The keyboard lacks a 1")],
    )


async def test_who_was_offline_sees_how_it_stands_when_he_is_back(house: Outpost, desk: Desk, browser: Browser) -> None:
    await house.start()
    await desk.staff("support", 0, ring=LATER)
    await desk.staff("support", 1, ring=SOON)
    async with sits(house, browser, "anna") as anna:
        caller = await somebody_waits(desk)
        await stage(anna, "ringing")
        await anna.context.set_offline(offline=True)
        await house.kill()
        await expect(anna.locator("#connection")).to_have_attribute("data-state", "offline", timeout=PATIENCE)
        await caller.connected()
        await house.start()
        await anna.context.set_offline(offline=False)
        await live(anna)
        await gone(anna)
