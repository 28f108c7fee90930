"""Every page in a browser, amid hostile texts: nothing runs, nothing overflows, axe finds no barrier."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request

from daemon.handlers.live import News
from daemon.storage.engine import Store
from tests.builders import team_id
from tests.integration.web.browsing import (
    DESKTOP,
    IN_A_BROWSER,
    PHONE,
    WALL,
    Scheme,
    barrier_free,
    browser,
    fits,
    is_live,
    surfing,
)
from tests.integration.web.office import Office
from tests.integration.web.walk import WHOLE, hostile_office

__all__ = ["browser"]

pytestmark = IN_A_BROWSER

FOR_ADMINS = tuple(path for path in WHOLE if path.startswith(("/log", "/deliveries")))
FOR_AGENTS = tuple(path for path in WHOLE if path not in FOR_ADMINS)
STRANGE = """
[...document.querySelectorAll("*")].filter((each) =>
  each.localName.startsWith("zq")
  || (each.namespaceURI !== "http://www.w3.org/1999/xhtml" && !each.closest("svg.chart"))
  || (each.localName === "script" && !each.getAttribute("src")?.startsWith("/static/"))
  || [...each.attributes].some(({ name, value }) => /^(on|zq|srcdoc$)/.test(name) || /^\\s*javascript:/i.test(value)
    && ["href", "src", "action", "formaction"].includes(name))
).map((each) => each.outerHTML.slice(0, 200))
"""


@pytest.fixture
async def hostile(desk_store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    async with hostile_office(desk_store, tmp_path) as opened:
        yield opened


async def watched(context: BrowserContext, base: str) -> tuple[Page, list[str]]:
    """A page, and what it did that no page may."""
    page, done = await context.new_page(), list[str]()

    def asked(request: Request) -> None:
        if not request.url.startswith((base, "data:")):
            done.append(request.url)

    page.on("request", asked)
    page.on("dialog", lambda dialog: done.append(dialog.message))
    page.on("popup", lambda window: done.append(window.url))
    return page, done


@pytest.mark.parametrize("username", ["anna", "boss"])
async def test_nothing_that_others_wrote_runs_or_loads_anything(
    hostile: Office, browser: Browser, username: str
) -> None:
    desk = hostile.desk
    async with surfing(desk, browser, username) as context:
        page, done = await watched(context, str(desk.server.make_url("/")))
        for path in FOR_AGENTS if username == "anna" else FOR_ADMINS:
            await page.goto(path)
            await is_live(page)
            async with page.expect_response(lambda answer: "HX-Request".lower() in answer.request.headers):
                await page.evaluate("document.body.dispatchEvent(new CustomEvent('refresh'))")
            assert await page.evaluate(STRANGE) == [], path
            assert await page.evaluate("document.activeElement.localName") in {"body", "main"}, path
        desk.live.publish(News(team_id(desk.world, "acme"), "work_orders", (1,)))
        assert done == []


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["light desktop", "dark phone"])
@pytest.mark.parametrize("username", ["anna", "boss"])
async def test_axe_finds_no_barrier_on_any_page(
    hostile: Office, browser: Browser, username: str, scheme: Scheme, size: tuple[int, int]
) -> None:
    async with surfing(hostile.desk, browser, username, size=size, color_scheme=scheme) as context:
        page = await context.new_page()
        for path in FOR_AGENTS if username == "anna" else FOR_ADMINS:
            await page.goto(path)
            await is_live(page)
            await barrier_free(page, path)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("size", [PHONE, (768, 1024), DESKTOP, WALL], ids=["phone", "tablet", "desktop", "wall"])
async def test_no_page_is_wider_than_its_screen_whichever_way_it_is_read(
    hostile: Office, browser: Browser, size: tuple[int, int], direction: str
) -> None:
    wide = list[str]()
    for username, paths in (("anna", FOR_AGENTS), ("boss", FOR_ADMINS)):
        async with surfing(hostile.desk, browser, username, size=size) as context:
            page = await context.new_page()
            for path in paths:
                await page.goto(path)
                await page.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)
                try:
                    await fits(page, path)
                except AssertionError as error:
                    wide.append(str(error))
    assert wide == []
