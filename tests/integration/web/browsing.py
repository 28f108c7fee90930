"""Browsers for tests: somebody logged in at a desk's page, what axe says of it, and whether it fits the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright, expect

from daemon.web.assets import read_assets
from tests.integration.web.desk import PASSWORD, Desk

Scheme = Literal["light", "dark"]

IN_A_BROWSER: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(read_assets().missing), reason="run bin/assets"),
]
"""The marks of a module of browser tests."""

DESKTOP: Final = (1280, 800)
PHONE: Final = (360, 740)
WALL: Final = (3840, 2160)

LOOKS: Final = pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light-desktop", "dark-phone"]
)
"""Each colour scheme and each layout once: neither changes what the other shows."""

AXE: Final = Axe()
RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A chromium of this test's own."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield launched
        await launched.close()


@asynccontextmanager
async def surfing(
    desk: Desk,
    browser: Browser,
    username: str = "anna",
    *,
    size: tuple[int, int] = DESKTOP,
    scripts: bool = True,
    expected: str = "",
    **options: Any,
) -> AsyncIterator[BrowserContext]:
    """A browser of somebody who is logged in; what its pages say in the console is an error, unless expected."""
    context = await browser.new_context(
        base_url=str(desk.server.make_url("/")),
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=scripts,
        **options,
    )
    said = list[str]()

    def note(said_now: ConsoleMessage | Error) -> None:
        said.append(said_now.text if isinstance(said_now, ConsoleMessage) else str(said_now))

    context.on("console", note)
    context.on("weberror", lambda thrown: note(thrown.error))
    form = {"username": username, "password": PASSWORD, "next": "/"}
    answer = await context.request.post("/login", form=form, max_redirects=0)
    assert answer.status == 303, await answer.text()
    yield context
    before_closing = tuple(said)
    await context.close()
    silent(before_closing, expected)


@asynccontextmanager
async def opened(
    desk: Desk,
    browser: Browser,
    username: str = "anna",
    *,
    scheme: Scheme = "light",
    size: tuple[int, int] = DESKTOP,
    scripts: bool = True,
    expected: str = "",
) -> AsyncIterator[Page]:
    """A page of somebody who logged in through the form; the console says nothing but what is expected."""
    context = await browser.new_context(
        base_url=str(desk.server.make_url("/")),
        color_scheme=scheme,
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=scripts,
    )
    page, said = await context.new_page(), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto("/missed-calls")
    await page.fill("#username", username)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await expect(page.locator("h1").last).to_have_text("未接来电" if username == "ben" else "Missed calls")
    if scripts:
        await is_live(page)
    yield page
    before_closing = tuple(said)
    await context.close()
    silent(before_closing, expected)


def silent(said: Sequence[str], expected: str) -> None:
    """Nothing was said but what is expected."""
    unexpected = [text for text in said if not expected or expected not in text]
    assert unexpected == [], unexpected


async def is_live(page: Page) -> None:
    """Wait until the page hears news."""
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")


async def barrier_free(page: Page, name: str) -> None:
    """axe finds nothing, and nothing is wider than the screen; `name` tells what failed."""
    found = await AXE.run(page, options=RULES)
    told = [(each["id"], [node["target"] for node in each["nodes"]]) for each in found.response["violations"]]
    assert told == [], f"{name}: {told}"
    await fits(page, name)


async def fits(page: Page, name: str) -> None:
    """Nothing is wider than the screen."""
    wide, screen = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen, f"{name}: {wide}"
