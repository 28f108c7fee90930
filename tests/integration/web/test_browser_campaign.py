"""Campaigns in a browser: by keyboard, without scripts, two agents side by side, on phones, in the dark, by axe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from daemon.handlers.campaign_lists import Filling, fill
from daemon.handlers.campaign_results import say_result
from daemon.handlers.campaigns import take_next
from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.orders.results import Wish
from daemon.storage.engine import Store
from tests.builders import NOON, a_ring, agent_id, answered_call, team_id
from tests.exchange import TRUNK, Exchange
from tests.integration.web.browsing import (
    IN_A_BROWSER,
    LOOKS,
    Scheme,
    barrier_free,
    browser,
    is_live,
    surfing,
)
from tests.integration.web.office import Office, open_office

__all__ = ["browser"]
pytestmark = IN_A_BROWSER


@pytest.fixture
async def called(desk_store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    """The sample's campaign with six numbers, of which two are customers' and one was called by Ben."""
    async with open_office(desk_store, tmp_path) as office:
        await office.customer("Lieschen Müller", "030 23125101")
        await office.customer("王伟", "030 23125102")
        numbers = tuple(f"030 231251{n:02}" for n in range(6))
        filling = Filling(numbers=numbers, note="Two for the price of one.")
        await fill(desk_store, office.desk.world, person(office, "anna"), campaign(office), filling, NOON)
        await said_by(office, "ben", Wish("not_reached", "no answer"))
        yield office


def campaign(office: Office) -> int:
    return next(each.id for each in office.desk.world.modules.values() if each.kind == "campaign")


def person(office: Office, username: str) -> Person:
    agent = office.desk.world.agent_by_username(username)
    assert agent is not None
    return Person("agent", username, agent.name, agent.team_id, agent)


async def said_by(office: Office, username: str, wish: Wish) -> int:
    store, world, who = office.desk.store, office.desk.world, person(office, username)
    entry, _ = await take_next(store, world, who, campaign(office), NOON)
    assert entry is not None
    await say_result(store, world, who, entry, wish, NOON)
    return entry


async def at(page: Page, office: Office, path: str = "") -> None:
    await page.goto(f"/campaigns/{campaign(office)}{path}")
    await is_live(page)


async def test_a_whole_call_by_keyboard_alone(called: Office, browser: Browser) -> None:
    exchange = Exchange()
    called.desk.trunks["main"] = (TRUNK, exchange)
    async with surfing(called.desk, browser, expected="422") as context:
        page = await context.new_page()
        await page.goto("/missed-calls")
        await is_live(page)
        await page.keyboard.press("g")
        await page.keyboard.press("o")
        await expect(page.locator("h1")).to_have_text("Campaigns")
        await page.click("text=Spring campaign")
        await is_live(page)
        await page.keyboard.press("n")
        await expect(page.locator("#entry-who")).to_have_text("Lieschen Müller")
        await is_live(page)
        await page.keyboard.press("c")
        await expect(page.locator("#dialling")).to_contain_text("Your telephone rings")
        await page.keyboard.press("2")
        await expect(page.locator("#entry-callback")).to_be_focused()
        await page.fill("#entry-note", "in a meeting")
        await page.press("#entry-note", "Control+Enter")
        await expect(page.locator(".chosen")).to_contain_text("Call again later")
        await expect(page.locator(".chosen")).to_contain_text("in a meeting")
        await page.keyboard.press("n")
        await expect(page.locator("#entry-who")).to_have_text("王伟")
        await page.keyboard.press("3")
        await expect(page.locator("#entry-note")).to_be_focused()
        await page.fill("#entry-note", "for ten")
        await page.click("#entry-save")
        await expect(page.locator("#entry-order")).to_contain_text("Sales lead")
        await page.locator("#content").focus()
        await page.keyboard.press("o")
        await expect(page.locator("#title")).to_have_value("Wants an offer · 王伟")
    assert [each["Exten"] for each in exchange.asked] == ["+493023125101"]


async def test_what_is_typed_stays_when_news_come_and_over_pages(called: Office, browser: Browser) -> None:
    async with surfing(called.desk, browser) as context:
        page = await context.new_page()
        await at(page, called)
        await page.keyboard.press("n")
        await expect(page.locator("#entry-who")).to_have_text("Lieschen Müller")
        await is_live(page)
        await page.fill("#entry-note", "half a wor")
        await answered_call(
            called.desk.store,
            team_id(called.desk.world, "acme"),
            agent_id(called.desk.world, "ben"),
            number="030 23125101",
            ended_at=NOON,
        )
        called.desk.live.publish(News(team_id(called.desk.world, "acme"), "campaigns", (campaign(called),)))
        await expect(page.locator("#entry-past")).to_be_visible()
        await expect(page.locator("#entry-note")).to_have_value("half a wor")
        await expect(page.locator("#entry-note")).to_be_focused()
        await page.goto("/work-orders")
        await at(page, called)
        await expect(page.locator("#entry-note")).to_have_value("half a wor")


async def test_two_agents_side_by_side_see_what_is_left(called: Office, browser: Browser) -> None:
    async with surfing(called.desk, browser) as annas, surfing(called.desk, browser, "dora") as doras:
        one, other = await annas.new_page(), await doras.new_page()
        await at(one, called)
        await at(other, called)
        await expect(other.locator("#campaign-waits")).to_have_text("5 can be called now")
        await one.keyboard.press("n")
        await expect(one.locator("#entry-who")).to_have_text("Lieschen Müller")
        await expect(other.locator("#campaign-waits")).to_have_text("4 can be called now")
        await other.keyboard.press("n")
        await expect(other.locator("#entry-who")).to_have_text("王伟")
        third = await annas.new_page()
        await at(third, called, "/progress")
        await expect(third.locator(".legend .taken strong")).to_have_text("2")
        await other.keyboard.press("4")
        await expect(other.locator(".chosen")).to_contain_text("Refused")
        await expect(third.locator(".legend .done strong")).to_have_text("1")


async def test_the_digits_are_the_popups_while_a_call_is_there(called: Office, browser: Browser) -> None:
    desk = called.desk
    ringing = await answered_call(desk.store, team_id(desk.world, "acme"), None, number="030 23125117")
    async with surfing(desk, browser) as context:
        page = await context.new_page()
        await at(page, called)
        await page.keyboard.press("n")
        await expect(page.locator("#entry-who")).to_have_text("Lieschen Müller")
        await is_live(page)
        anna = agent_id(desk.world, "anna")
        desk.rings.append(a_ring(anna, team_id(desk.world, "acme"), ringing.uniqueid, "030 23125117"))
        desk.live.publish(News(team_id(desk.world, "acme"), "popup", agent_ids=(anna,)))
        await expect(page.locator("#popup-dock")).to_be_visible()
        await page.keyboard.press("4")
        desk.rings.clear()
        desk.live.publish(News(team_id(desk.world, "acme"), "popup", agent_ids=(anna,)))
        await expect(page.locator("#popup-dock")).to_have_count(0)
        await expect(page.locator(".badge.taken")).to_be_visible()
        await page.keyboard.press("4")
        await expect(page.locator(".chosen")).to_contain_text("Refused")


async def test_all_of_it_works_without_scripts(called: Office, browser: Browser) -> None:
    async with surfing(called.desk, browser, scripts=False, expected="422") as context:
        page = await context.new_page()
        await page.goto("/campaigns")
        await page.click("main button:has-text('Next')")
        await expect(page.locator("#entry-who")).to_have_text("Lieschen Müller")
        await page.click("button:has-text('Call again later')")
        await page.check("input[value=anyone]")
        await page.click("#entry-save")
        await expect(page.locator(".chosen")).to_contain_text("anyone")
        await page.click(".tabs >> text=Add")
        await page.fill("#numbers", "040 555123\n040 555124")
        await page.click("text=Add numbers")
        await expect(page.locator(".notice.good")).to_contain_text("2 were added")
        await page.click(".tabs >> text=List")
        await page.locator(".rows input").first.check()
        await page.click("button:has-text('Withdraw')")
        await expect(page.locator(".notice.good")).to_contain_text("1 entry was changed.")
        await page.click("text=Empty the list")
        await page.click("text=Withdraw them")
        await expect(page.locator(".tabs [aria-current]").last).to_contain_text("Withdrawn")


async def test_emptying_asks_in_a_dialog(called: Office, browser: Browser) -> None:
    async with surfing(called.desk, browser) as context:
        page = await context.new_page()
        await at(page, called, "/list")
        await page.click("text=Empty the list")
        await expect(page.locator("dialog[open] h2")).to_contain_text("Spring campaign")
        await barrier_free(page, "the dialog")
        await page.click("dialog >> text=Cancel")
        await expect(page.locator("dialog[open]")).to_have_count(0)


@LOOKS
async def test_no_barrier_in_any_state_and_nothing_wider_than_the_screen(
    called: Office, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    done = await said_by(called, "anna", Wish("sale", "W" * 300))
    asked = await said_by(called, "anna", Wish("interested", "for ten"))
    async with surfing(called.desk, browser, size=size, color_scheme=scheme, expected="422") as context:
        page = await context.new_page()
        await page.goto("/campaigns")
        await is_live(page)
        await barrier_free(page, "campaigns")
        for path in ("", f"?entry={done}", f"?entry={asked}", "/progress", "/list", "/list?state=done", "/fill"):
            await at(page, called, path)
            await barrier_free(page, path)
        await at(page, called)
        await page.keyboard.press("n")
        await expect(page.locator("#entry-who")).to_be_visible()
        await is_live(page)
        await barrier_free(page, "an entry")
        await page.keyboard.press("2")
        await expect(page.locator("#entry-callback")).to_be_visible()
        await is_live(page)
        await barrier_free(page, "a call back is asked for")
