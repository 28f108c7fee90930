"""The menu of the queues and the page of agents in a browser: live in every tab, by keyboard, on phones, by axe."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, expect

from daemon.calls.duty import WRAP_UP
from daemon.handlers.world import ModuleView
from daemon.handlers.wrap_up import begin_wrap_up
from daemon.orders.results import Result
from daemon.storage.tables import CallRow
from tests.builders import agent_id, answered_call, team_id
from tests.exchange import Queues
from tests.integration.web.browsing import (
    IN_A_BROWSER,
    LOOKS,
    Scheme,
    barrier_free,
    browser,
    is_live,
    opened,
)
from tests.integration.web.desk import Desk
from tests.integration.web.test_duty_page import queues

__all__ = ["browser", "queues"]
pytestmark = IN_A_BROWSER


async def test_what_one_tab_does_and_what_the_pbx_says_is_seen_in_all(
    desk: Desk, queues: Queues, browser: Browser
) -> None:
    async with opened(desk, browser) as page:
        other = await page.context.new_page()
        await other.goto("/agents")
        await is_live(other)
        await page.locator("#duty summary").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Log in to all").press("Enter")
        for each in (page, other):
            await expect(each.locator("#duty summary")).to_contain_text("Ready")
        await expect(page.get_by_role("button", name="Log out of all")).to_be_visible()  # the menu stays open
        await page.get_by_role("button", name="Lunch").click()
        for each in (page, other):
            await expect(each.locator("#duty summary")).to_contain_text("Lunch <img")
        await expect(other.locator("#agents tbody tr").first).to_contain_text("Lunch <img")
        queues.seat("PJSIP/1000", "sales", status=2, in_call=True)
        for each in (page, other):
            await expect(each.locator("#duty summary")).to_contain_text("In a call")
        await page.keyboard.press("Escape")
        await expect(page.locator("#duty .duty-menu")).to_be_hidden()
        queues.fall_silent()
        await expect(page.locator("#duty summary")).to_contain_text("Not connected")


async def test_the_wrap_up_counts_down_and_she_ends_it(desk: Desk, queues: Queues, browser: Browser) -> None:
    queues.seat("PJSIP/1000", "support", paused=True, reason=WRAP_UP, dynamic=True)
    await in_wrap_up(desk)
    async with opened(desk, browser) as page:
        await expect(page.locator("#duty summary")).to_contain_text("Wrap-up")
        await expect(page.locator("#duty summary time")).to_have_text(re.compile(r"09:\d\d"))
        await page.click("#duty summary")
        await page.get_by_role("button", name="End wrap-up").click()
        await expect(page.locator("#duty summary")).to_contain_text("Ready")


async def in_wrap_up(desk: Desk) -> None:
    """Anna's has ten minutes left, by the browser's clock."""
    world = desk.world
    module_id = world.queues["", "support"].module_id
    module = ModuleView(
        module_id,
        team_id(world, "acme"),
        "desk",
        "Desk",
        "customer_service",
        "individual",
        (),
        (Result("solved", {"en": "Solved"}),),
        wrap_up=timedelta(minutes=10),
    )
    desk.world = replace(world, modules={module_id: module})
    call = await answered_call(desk.store, module.team_id, agent_id(world, "anna"), ended_at=datetime.now(UTC))
    async with desk.store.write() as session:
        row = await session.get_one(CallRow, call.id)
        row.reason = "answered"
        await begin_wrap_up(session, desk.world, row)
    await desk.wrap_ups.round()


@LOOKS
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    desk: Desk, queues: Queues, browser: Browser, scheme: Scheme, size: tuple[int, int]
) -> None:
    queues.seat("PJSIP/1001", "sales", paused=True, reason="W" * 200)
    async with opened(desk, browser, scheme=scheme, size=size) as page:
        for prepare in (
            lambda: None,
            lambda: queues.seat("PJSIP/1000", "support", dynamic=True),
            lambda: queues.seat("PJSIP/1000", "support", paused=True, reason="lunch"),
        ):
            prepare()
            await page.goto("/agents")
            await is_live(page)
            await page.click("#duty summary")
            await barrier_free(page, "the menu")
            await page.keyboard.press("Escape")
            await barrier_free(page, "/agents")


async def test_without_scripts_the_menu_is_a_form(desk: Desk, queues: Queues, browser: Browser) -> None:
    async with opened(desk, browser, scripts=False) as page:
        await page.click("#duty summary")
        await page.get_by_role("button", name="Log in to all").click()
        await expect(page.locator("#duty summary")).to_contain_text("Ready")
