"""The language that somebody chose in his browser, and his shortcuts."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from daemon.web.assets import read_assets
from tests.builders import group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Client, Desk, csrf
from tests.integration.web.test_browser import browser, opened

__all__ = ["browser"]


async def chooses(client: Client, **form: str) -> None:
    answer = await client.post("/preferences", data={"csrf": await csrf(client), **form}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/preferences?notice=kept")


async def heading(client: Client) -> tuple[str, str]:
    text = await (await client.get("/missed-calls")).text()
    return re.search(r'<html lang="([\w-]+)"', text)[1], re.search(r"<h1>([^<]+)</h1>", text)[1]  # type: ignore[index]


async def test_the_language_that_was_chosen_beats_the_configuration_and_outlives_the_session(desk: Desk) -> None:
    anna = await desk.logged_in("anna")
    assert await heading(anna) == ("en", "Missed calls")
    await chooses(anna, language="zh", shortcuts="1")
    assert await heading(anna) == ("zh", "未接来电")
    await anna.post("/logout", data={"csrf": await csrf(anna)})
    assert "登录" in await (await anna.get("/login")).text()


async def test_chosen_by_nobody_it_is_again_as_configured(desk: Desk) -> None:
    ben = await desk.logged_in("ben")
    assert await heading(ben) == ("zh", "未接来电")
    await chooses(ben, language="en")
    assert await heading(ben) == ("en", "Missed calls")
    await chooses(ben, language="")
    assert await heading(ben) == ("zh", "未接来电")


@pytest.mark.parametrize("tag", ["xx", "../../etc", "<b>", "zh\r\nSet-Cookie: a=b"])
async def test_a_language_that_there_is_not_is_none(desk: Desk, tag: str) -> None:
    anna = await desk.logged_in("anna")
    await chooses(anna, language=tag)
    assert await heading(anna) == ("en", "Missed calls")


@pytest.mark.browser
@pytest.mark.skipif(bool(read_assets().missing), reason="run bin/assets")
async def test_keys_walk_press_and_explain_themselves_and_leave_who_types_alone(
    desk: Desk,
    browser: Browser,
) -> None:
    acme = team_id(desk.world, "acme")
    for n in range(3):
        await missed_call(desk.store, acme, number=f"030 123456{n}")
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"))
    async with opened(desk, browser) as page:
        await page.keyboard.press("?")
        await expect(page.locator("dialog dl")).to_contain_text("Work orders")
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog")).not_to_be_visible()
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        assert await page.evaluate("document.activeElement.closest('[data-row]').id") == "missed-2"
        await page.keyboard.press("k")
        assert await page.evaluate("document.activeElement.closest('[data-row]').id") == "missed-3"
        await page.keyboard.press("/")
        await page.keyboard.type("gw?j")
        await expect(page.locator("input[type=search]")).to_have_value("gw?j")
        await page.locator("h1").click()
        await page.keyboard.press("g")
        await page.keyboard.press("w")
        await page.wait_for_url("**/work-orders")
        await page.goto("/preferences")
        await page.uncheck("input[name=shortcuts]")
        await page.click("main button[type=submit]")
        await page.wait_for_url("**/preferences?notice=kept")
        await page.keyboard.press("?")
        await expect(page.locator("dialog")).not_to_be_visible()
