"""One order in a browser: what is typed survives news, two people edit, files are dropped; axe, phones, paper."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page, async_playwright, expect

from daemon.handlers.person import Person
from daemon.handlers.work_orders import act
from daemon.orders.commands import Reply
from daemon.web.assets import read_assets
from tests.builders import NOON, missed_call, team_id
from tests.integration.web.desk import PASSWORD
from tests.integration.web.office import ONLINE, Office

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(read_assets().missing), reason="run bin/assets"),
]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        await opened.close()


@asynccontextmanager
async def opened(
    office: Office,
    browser: Browser,
    username: str,
    path: str,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
) -> AsyncIterator[Page]:
    """A page of somebody who is logged in; the console says nothing."""
    context = await browser.new_context(
        base_url=str(office.desk.server.make_url("/")), color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page, said = await context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto("/login")
    await page.fill("#username", username)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_url(re.compile(r"/(missed-calls|work-orders)"))
    await page.goto(path)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    yield page
    await context.close()
    assert [text for text in said if "409" not in text and "422" not in text and "415" not in text] == []


async def replies(office: Office, order: int, username: str, text: str) -> None:
    """Somebody replies, and every open page hears of it."""
    world = office.desk.world
    agent = world.agent_by_username(username)
    assert agent is not None
    person = Person("agent", username, agent.name, agent.team_id, agent)
    for news in await act(office.desk.store, world, person, order, Reply(note=text), NOON):
        office.desk.live.publish(news)


async def test_what_is_typed_survives_news_and_can_still_be_sent(office: Office, browser: Browser) -> None:
    order = await office.makes("chen")
    async with opened(office, browser, "dora", f"/work-orders/{order}") as page:
        await page.fill("#note", "half a sentence")
        await replies(office, order, "chen", "from somewhere else")
        await expect(page.locator(".timeline")).to_contain_text("from somewhere else")
        await expect(page.locator("#note")).to_have_value("half a sentence")
        await page.click("button[value=reply]")
        await expect(page.locator(".timeline")).to_contain_text("half a sentence")


async def test_two_edit_at_once_and_the_second_sees_what_the_first_did(office: Office, browser: Browser) -> None:
    order = await office.makes("chen")
    path = f"/work-orders/{order}"
    async with opened(office, browser, "dora", path) as dora, opened(office, browser, "chen", path) as chen:
        for page in (dora, chen):
            await page.click("a[data-key=e]")
            await expect(page.locator("dialog #title")).to_be_visible()
        await dora.fill("dialog #title", "Hers")
        await dora.click("dialog button[type=submit]")
        await expect(dora.locator("h1")).to_contain_text("Hers")
        await expect(chen.locator("h1")).to_contain_text("Hers")
        await chen.fill("dialog #title", "His")
        await chen.click("dialog button[type=submit]")
        await expect(chen.locator(".difference mark")).to_have_text("His")
        await expect(chen.locator(".difference ins")).to_have_text("Hers")
        await chen.click("button[type=submit]:has-text('保存')")
        await expect(chen.locator("h1")).to_contain_text("His")


async def test_files_are_dropped_with_progress_and_a_refusal_is_told(office: Office, browser: Browser) -> None:
    order = await office.makes("chen")
    async with opened(office, browser, "dora", f"/work-orders/{order}") as page:
        dropped = await page.evaluate_handle(
            """() => {
                const data = new DataTransfer();
                data.items.add(new File(["%PDF-1.4"], "plan.pdf", {type: "application/pdf"}));
                data.items.add(new File(["<script>"], "evil.html", {type: "text/html"}));
                return data;
            }"""
        )
        await page.dispatch_event("#attach", "drop", {"dataTransfer": dropped})
        await expect(page.locator(".files a")).to_have_text("plan.pdf")
        await expect(page.locator(".progress")).to_contain_text("plan.pdf")
        await expect(page.locator(".progress .failed")).to_contain_text("evil.html")


async def test_a_customer_is_found_while_typing(office: Office, browser: Browser) -> None:
    customer = await office.customer("Adler & Söhne")
    async with opened(office, browser, "anna", f"/work-orders/new?template={ONLINE}") as page:
        await page.locator("input[name=find]").press_sequentially("adl")
        await page.check(f"#customers input[value='{customer}']")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    office: Office, browser: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    customer = await office.customer("Adler & Söhne " + "x" * 60)
    order = await office.makes("chen", customer_id=customer)
    item = await missed_call(office.desk.store, team_id(office.desk.world, "acme"), name="Ada " + "y" * 80)
    await replies(office, order, "dora", "z" * 300)
    paths = (
        f"/work-orders/{order}",
        f"/work-orders/{order}/edit",
        "/work-orders/new",
        f"/work-orders/new?template={ONLINE}&missed={item.id}",
    )
    async with opened(office, browser, "dora", "/work-orders", scheme=scheme, width=width) as page:
        for path in paths:
            await page.goto(path)
            found = await Axe().run(page, options=RULES)
            assert found.violations_count == 0, (path, found.generate_report())
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        await page.goto(f"/work-orders/{order}")
        await page.click("button[value=assign]")
        await expect(page.locator("#trouble")).to_be_visible()
        found = await Axe().run(page, options=RULES)
        assert found.violations_count == 0, found.generate_report()


async def test_on_paper_there_are_no_buttons_and_the_whole_history(office: Office, browser: Browser) -> None:
    order = await office.makes("chen")
    for n in range(25):
        await replies(office, order, "dora", f"reply {n}")
    async with opened(office, browser, "dora", f"/work-orders/{order}") as page:
        await page.emulate_media(media="print")
        assert await page.locator("button:visible").count() == 0
        await expect(page.get_by_text("reply 1", exact=True)).to_be_visible()
