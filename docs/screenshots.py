"""Take the pictures of the pages, from the demonstration as it runs: `python docs/screenshots.py [FOLDER]`.

Starts a private Asterisk and the daemon, plays the scripted callers, and photographs the pages at desktop and phone
size, light and dark, in English and Chinese. Needs what bin/test sets up.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console

from daemon.demo.asterisk import PrivateAsterisk
from daemon.demo.desks import Desk
from daemon.demo.house import House
from daemon.demo.show import SAMPLE, first_round
from daemon.demo.wire import Wire

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
MORE = (
    ("support", "03023125117", "Lieschen Müller"),
    ("sales", "06990009223", "Gebr. Adler & Söhne <Einkauf>"),
    ("support", "02214710309", "王伟"),
)


async def _more_callers(desk: Desk) -> None:
    for queue, number, name in MORE:
        caller = await desk.call(queue, number=number, name=name)
        await caller.joined(queue)
        await asyncio.sleep(1.3)
        await caller.hang_up()


async def _log_in(browser: Browser, url: str, who: str, size: dict[str, int], scheme: str) -> Page:
    context = await browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=1,
        locale="en-GB",
    )
    page = await context.new_page()
    await page.goto(f"{url}/login")
    await page.fill("input[name=username]", who)
    await page.fill("input[name=password]", "demo")
    await page.click("button[type=submit]")
    await page.wait_for_url("**/missed-calls*")
    return page


async def _photograph(house: House, folder: Path) -> Sequence[Path]:
    [(order_id,)] = house.query("SELECT min(id) FROM work_order")
    pages = {
        "missed-calls": "/missed-calls",
        "work-orders": "/work-orders",
        "work-order": f"/work-orders/{order_id}",
        "status": "/status",
    }
    taken: list[Path] = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for who, size, scheme, mark in (
            ("anna", DESKTOP, "light", ""),
            ("anna", DESKTOP, "dark", "-dark"),
            ("anna", PHONE, "light", "-phone"),
            ("chen", DESKTOP, "light", "-zh"),
        ):
            page = await _log_in(browser, house.url, who, size, scheme)
            for name, path in pages.items():
                await page.goto(house.url + path)
                await page.wait_for_load_state("load")
                file = folder / f"{name}{mark}.png"
                await page.screenshot(path=file)
                taken.append(file)
            await page.context.close()
        await browser.close()
    return taken


async def main(folder: Path) -> None:
    """Play, photograph, tidy up."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with PrivateAsterisk("22") as pbx:
            house = House(Path(scratch), SAMPLE, pbx)
            house.furnish()
            await house.start()
            try:
                async with await Wire.to(pbx) as wire:
                    desk = Desk(wire, pbx)
                    await first_round(Console(quiet=True), desk)
                    await _more_callers(desk)
                await house.until("SELECT count(*) FROM missed_item", [(6,)])
                for file in await _photograph(house, folder):
                    sys.stdout.write(f"{file.name}\n")
            finally:
                await house.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("screenshots")))
