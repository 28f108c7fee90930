"""Take the pictures of the pages, from the demonstration as it runs: `python docs/screenshots.py [FOLDER]`.

Starts a private Asterisk and the daemon, plays the scripted callers, lets people work for a while, and photographs the
pages at desktop and phone size, light and dark, in English and Chinese. Needs what bin/test sets up.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Any

from aiohttp import ClientSession
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


PEOPLE = {"anna": "1000", "chen": "1002", "emil": "1004"}
SCOPES = ("orders:read", "orders:write", "reference:read", "missed:read", "missed:write", "campaigns:write")
CUSTOMERS = """name,phone,email,note
Lieschen Müller,+493023125117,lieschen@example.com,Prefers calls before noon.
Gebr. Adler & Söhne GmbH,+496990009223,einkauf@example.com,
王伟,+492214710309,,
"""
CALLER = ("03023125117", "Lieschen Müller")
RECEIVER = """
webhooks:
  endpoints:
    - name: crm
      team: acme
      url: http://127.0.0.1:9/hooks
      events: ["order.*"]
      allow_private: true
      secrets: [{file: secrets/crm-hook}]
"""


async def _more_callers(desk: Desk) -> None:
    for queue, number, name in MORE:
        caller = await desk.call(queue, number=number, name=name)
        await caller.joined(queue)
        await asyncio.sleep(1.3)
        await caller.hang_up()


async def _run(house: House, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "daemon", *words, "--config", str(house.config), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return said.decode().strip()


async def _import_customers(house: House) -> None:
    file = house.folder / "customers.csv"
    file.write_text(CUSTOMERS)
    await _run(house, "import-customers", str(file), "--team", "acme", "--kind", "individual")


class Worker:
    """Somebody who works by the API, as his page would."""

    def __init__(self, house: House, session: ClientSession, token: str) -> None:
        self._house = house
        self._session = session
        self._token = token

    async def does(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post something; what is answered."""
        headers = {"Authorization": f"Bearer {self._token}"}
        async with self._session.post(f"{self._house.url}/api/v1{path}", json=body, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json()


async def _work(house: House) -> int:
    """An order goes from Sales to Finance and back and on; its id."""
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    async with ClientSession() as session:
        people = {}
        for name, number in PEOPLE.items():
            words = ("token", "create", "--name", name, "--team", "acme", "--agent", number, *scopes)
            people[name] = Worker(house, session, await _run(house, *words))
        fields = {"orderNumber": "A-4711", "payment": "card", "deliverOn": "2027-01-15"}
        [(customer,)] = house.query("SELECT min(id) FROM customer")
        [(emil,)] = house.query("SELECT id FROM agent WHERE number = '1004'")
        new = {"template": 4, "title": "Three headsets for Ms Müller", "fields": fields, "customer": customer}
        order = (await people["chen"].does("/work-orders", new))["id"]
        actions = f"/work-orders/{order}/actions"
        await people["chen"].does(actions, {"action": "pending"})
        await people["chen"].does(actions, {"action": "done", "note": "Ordered by phone, wants them before Friday."})
        await people["emil"].does(actions, {"action": "assign", "agent": emil})
        await people["emil"].does(actions, {"action": "return_to_node", "note": "Which card is it?"})
        await people["chen"].does(actions, {"action": "done", "note": "Visa; she was called back."})
        await people["emil"].does(actions, {"action": "assign", "agent": emil})
        await people["emil"].does(actions, {"action": "pending"})
        first = house.query("SELECT min(id) FROM work_order WHERE template_id = 1 AND status = 'new'")[0][0]
        [(anna,)] = house.query("SELECT id FROM agent WHERE number = '1000'")
        for action in ({"action": "assign", "agent": anna}, {"action": "pending"}):
            await people["anna"].does(f"/work-orders/{first}/actions", action)
        await _call_through(house, people)
        return int(order)


async def _call_through(house: House, people: Mapping[str, Worker]) -> None:
    """A campaign calls all customers: one has bought, one was not reached, and Anna has the next one."""
    [(campaign,)] = house.query("SELECT id FROM module WHERE kind = 'campaign'")
    filling = {
        "everyone": True,
        "numbers": ["+493055512301", "+493055512302"],
        "note": "Two headsets for the price of one.",
    }
    await people["anna"].does(f"/campaigns/{campaign}/entries", filling)
    for result in ({"result": "sale", "note": "One pair."}, {"result": "not_reached"}):
        entry = (await people["chen"].does(f"/campaigns/{campaign}/next", {}))["entry"]
        await people["chen"].does(f"/campaign-entries/{entry['id']}/result", result)
    await people["anna"].does(f"/campaigns/{campaign}/next", {})


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
    await page.wait_for_selector("#connection[data-state=live]")
    return page


def _with_a_receiver(house: House) -> None:
    """A system that hears of orders, and does not answer at the moment."""
    main, secret = house.config / "workorderd.yaml", house.config / "secrets" / "crm-hook"
    secret.touch(mode=0o600)
    secret.write_text("whsec_" + base64.b64encode(token_bytes(24)).decode())
    main.write_text(main.read_text() + RECEIVER)


async def _photograph(house: House, order: int, folder: Path) -> Sequence[Path]:
    [(campaign,)] = house.query("SELECT id FROM module WHERE kind = 'campaign'")
    of_all = {
        "missed-calls": "/missed-calls",
        "work-orders": "/work-orders",
        "board": "/board",
        "campaigns": "/campaigns",
        "campaign": f"/campaigns/{campaign}",
    }
    pages = {
        "anna": {
            "popup": "/work-orders",
            **of_all,
            "new-order": "/work-orders/new?template=2",
            "assign-rules": "/assign-rules",
            "agents": "/agents",
            "campaign-progress": f"/campaigns/{campaign}/progress",
            "wallboard": "/board?wall=1",
            "preferences": "/preferences",
            "status": "/status",
        },
        "chen": of_all,
        "emil": {"work-order": f"/work-orders/{order}"},
        "boss": {"log": "/log", "deliveries": "/deliveries"},
    }
    taken: list[Path] = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for who, size, scheme, mark in (
            ("anna", DESKTOP, "light", ""),
            ("anna", DESKTOP, "dark", "-dark"),
            ("anna", PHONE, "light", "-phone"),
            ("chen", DESKTOP, "light", "-zh"),
            ("emil", DESKTOP, "light", ""),
            ("emil", PHONE, "dark", "-phone"),
            ("boss", DESKTOP, "light", ""),
        ):
            page = await _log_in(browser, house.url, who, size, scheme)
            for name, path in pages[who].items():
                await page.goto(house.url + path)
                await page.wait_for_selector("#connection[data-state=live]", state="attached")
                if name != "popup" and await page.locator("#popup-dock").count():  # it has a picture of its own
                    await page.evaluate("document.getElementById('popup-dock').remove()")
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
            _with_a_receiver(house)
            await house.start()
            try:
                async with await Wire.to(pbx) as wire:
                    desk = Desk(wire, pbx)
                    await first_round(Console(quiet=True), desk)
                    await _more_callers(desk)
                    await house.until("SELECT count(*) FROM missed_item", [(6,)])
                    await _import_customers(house)
                    order = await _work(house)
                    await desk.clear()
                    await desk.staff("support", 0, ring=0.3)
                    number, name = CALLER
                    talking = await desk.call("support", number=number, name=name)
                    await talking.connected()
                    for queue in ("sales", "sales"):
                        waiting = await desk.call(queue)
                        await waiting.joined(queue)
                    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(2,)])
                    for file in await _photograph(house, order, folder):
                        sys.stdout.write(f"{file.name}\n")
            finally:
                await house.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("screenshots")))
