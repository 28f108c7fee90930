"""One stream for all tabs of a browser: shared, resumed without loss, and ended with its session."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from daemon.handlers.live import News
from daemon.storage.engine import Store
from tests.builders import missed_call, team_id
from tests.integration.web.browsing import IN_A_BROWSER, browser, is_live, surfing
from tests.integration.web.desk import Desk, open_desk
from tests.integration.web.gate import Gate, gate_to

__all__ = ["browser"]

pytestmark = IN_A_BROWSER

COUNT = """
window.heard = [];
addEventListener("DOMContentLoaded", () => {
  for (const name of ["missed_calls", "work_orders", "status", "refresh"]) {
    document.body.addEventListener(name, (event) => window.heard.push([name, ...(event.detail.ids ?? [])].join(" ")));
  }
});
"""


async def tab(context: BrowserContext, path: str = "/status") -> Page:
    """A tab that notes what it hears."""
    page = await context.new_page()
    await page.add_init_script(COUNT)
    await page.goto(path)
    await is_live(page)
    return page


async def has_heard(page: Page, *names: str) -> None:
    await page.wait_for_function("(count) => window.heard.length >= count", arg=len(names))
    assert await page.evaluate("window.heard") == list(names)


async def streams(desk: Desk, count: int) -> None:
    """Wait until so many are open."""
    async with asyncio.timeout(10):
        while desk.live.listeners != count:  # noqa: ASYNC110 - the hub tells nobody who leaves
            await asyncio.sleep(0.01)


def tell(desk: Desk, number: int, team: str = "acme") -> None:
    desk.live.publish(News(team_id(desk.world, team), "missed_calls", (number,)))


async def test_two_tabs_share_one_stream_and_both_hear(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser) as context:
        first, second = await tab(context), await tab(context)
        assert desk.live.listeners == 1
        tell(desk, 7)
        await has_heard(first, "missed_calls 7")
        await has_heard(second, "missed_calls 7")
        await first.close()
        tell(desk, 8)
        await has_heard(second, "missed_calls 7", "missed_calls 8")
    await streams(desk, 0)


async def test_a_hidden_tab_hears_too(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser) as context:
        behind = await tab(context)
        front = await tab(context)
        await front.bring_to_front()
        tell(desk, 7)
        await has_heard(behind, "missed_calls 7")


async def test_two_browsers_of_one_agent_have_a_stream_each(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser) as here, surfing(desk, browser) as there:
        await tab(here)
        await tab(there)
        assert desk.live.listeners == 2


async def test_a_tab_gets_what_came_between_its_rendering_and_its_listening(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser) as context:
        tell(desk, 1)
        first = await tab(context)
        tell(desk, 2)
        place = desk.live.position
        tell(desk, 3)
        await has_heard(first, "missed_calls 2", "missed_calls 3")
        second = await late_tab(context, place)
        await has_heard(second, "missed_calls 3")
        third = await late_tab(context, "test-0")
        await has_heard(third, "refresh")


async def late_tab(context: BrowserContext, rendered: str) -> Page:
    """A tab whose page was rendered when the stream was at an earlier place."""

    async def delay(route: Route) -> None:
        answer = await route.fetch()
        text, count = re.subn(r'data-position="[^"]+"', f'data-position="{rendered}"', await answer.text())
        assert count == 1
        await route.fulfill(response=answer, body=text)

    page = await context.new_page()
    await page.add_init_script(COUNT)
    await page.route(re.compile("/status$"), delay)
    await page.goto("/status")
    return page


async def test_without_shared_workers_each_tab_has_a_stream_of_its_own(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser) as context:
        await context.add_init_script("delete window.SharedWorker")
        first, second = await tab(context), await tab(context)
        assert desk.live.listeners == 2
        tell(desk, 7)
        await has_heard(first, "missed_calls 7")
        await has_heard(second, "missed_calls 7")


async def through(gate: Gate, context: BrowserContext, path: str = "/status") -> Page:
    """A tab behind a gate; cookies know no ports, so that he is logged in there too."""
    page = await context.new_page()
    await page.add_init_script(COUNT)
    await page.goto(gate.url + path)
    await is_live(page)
    return page


async def test_what_came_while_the_network_was_away_is_made_up_for_without_a_refresh(
    desk: Desk, browser: Browser
) -> None:
    async with surfing(desk, browser, expected="Failed to") as context, gate_to(desk) as gate:
        page = await through(gate, context)
        tell(desk, 1)
        await has_heard(page, "missed_calls 1")
        gate.shut()
        await expect(page.locator("#connection")).to_have_attribute("data-state", "offline")
        await streams(desk, 0)
        tell(desk, 2)
        tell(desk, 3, "other")
        tell(desk, 4)
        gate.open_to(desk)
        await is_live(page)
        await has_heard(page, "missed_calls 1", "missed_calls 2", "missed_calls 4")


async def test_after_a_restart_everything_is_asked_for_anew(desk: Desk, desk_store: Store, browser: Browser) -> None:
    async with surfing(desk, browser, expected="Failed to") as context, gate_to(desk) as gate:
        page = await through(gate, context, "/missed-calls")
        gate.shut()
        await missed_call(desk_store, team_id(desk.world, "acme"))
        async with open_desk(desk_store, world=desk.world, epoch="restarted") as restarted:
            gate.open_to(restarted)
            await is_live(page)
            await expect(page.locator("#missed-1")).to_be_visible()
            await has_heard(page, "refresh")
            gate.shut()


async def test_a_part_that_could_not_be_fetched_is_asked_for_again(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser, expected="503") as context:
        page = await tab(context, "/missed-calls")
        failed = list[str]()

        async def fail_once(route: Route) -> None:
            failed.append(route.request.url)
            await route.fulfill(status=503, body="later")

        await page.route(re.compile("/missed-calls/rows"), fail_once, times=1)
        item = await missed_call(desk.store, team_id(desk.world, "acme"))
        tell(desk, item.id)
        await expect(page.locator("#missed-1")).to_be_visible(timeout=20_000)
        assert len(failed) == 1


async def test_who_logs_out_in_one_tab_is_asked_to_log_in_in_the_others(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser, expected="401") as context:
        one, other = await tab(context), await tab(context, "/missed-calls")
        await one.click(".who button")
        await expect(one.locator("#password")).to_be_visible()
        await expect(other.locator("#password")).to_be_visible()
    await streams(desk, 0)


async def test_pages_of_another_session_are_not_told_the_news_of_this_one(desk: Desk, browser: Browser) -> None:
    async with surfing(desk, browser, expected="401") as context:
        page = await tab(context)
        form = {"username": "boss", "password": "correct horse", "next": "/"}
        assert (await context.request.post("/login", form=form, max_redirects=0)).status == 303
        for inbox in tuple(desk.live._inboxes):
            inbox.close()  # the connection breaks
        await expect(page.locator(".who strong")).to_have_text("Bettina Boss")
        await is_live(page)
        assert desk.live.listeners == 1
    stranger = await desk.logged_in("anna")
    assert (await stranger.get("/live?session=another")).status == 401
