"""The sample's online order from hand to hand, over HTTP, at the real process: killed in between, on both databases."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, CookieJar

from daemon.demo.desks import Desk
from tests.acceptance.rig import Outpost

pytestmark = pytest.mark.asterisk

PEOPLE = {"chen": "1002", "dora": "1003", "emil": "1004", "fatma": "1005", "anna": "1000", "ben": "1001"}
SCOPES = ("orders:read", "orders:write", "reference:read", "rules:read", "rules:write")


async def command(house: Outpost, *words: str) -> tuple[int, str]:
    """What a command line says, and its exit code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", *words, "--config", str(house.config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


class Office:
    """The sample's people, each by a token of his own."""

    def __init__(self, house: Outpost, session: ClientSession, tokens: Mapping[str, str]) -> None:
        self._house = house
        self._session = session
        self._tokens = tokens

    async def ask(self, who: str, method: str, path: str, status: int = 200, **body: Any) -> Any:
        """Ask as somebody; the answer must have this status."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        address = f"{self._house.url}/api/v1{path}"
        async with self._session.request(method, address, json=body or None, headers=headers) as answer:
            told = await answer.json(content_type=None)
            assert answer.status == status, told
            return told

    async def does(self, who: str, action: str, order: int, status: int = 200, **more: Any) -> Any:
        """Somebody does something with an order."""
        return await self.ask(who, "POST", f"/work-orders/{order}/actions", status, action=action, **more)

    async def ids(self, noun: str) -> dict[str, int]:
        """The ids of groups by name, of agents by number."""
        listed = await self.ask("anna", "GET", f"/{noun}")
        return {each.get("number") or each["name"]: each["id"] for each in listed["items"]}


async def token_of(house: Outpost, who: str) -> str:
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    whose = ("--name", who, "--team", "acme", "--agent", PEOPLE[who])
    code, said = await command(house, "token", "create", *whose, *scopes)
    assert code == 0, said
    return next(word for word in said.split() if word.startswith("wo_"))


@asynccontextmanager
async def office_of(house: Outpost, *who: str) -> AsyncIterator[Office]:
    """The running daemon, and tokens for some of the sample's people."""
    await house.start()
    tokens = dict(zip(who, await asyncio.gather(*(token_of(house, each) for each in who)), strict=True))
    async with ClientSession(timeout=ClientTimeout(20)) as session:
        yield Office(house, session, tokens)


async def test_the_online_order_goes_from_hand_to_hand(home: Outpost) -> None:
    async with office_of(home, "anna", "chen", "dora", "emil", "fatma") as office:
        agents, groups = await office.ids("agents"), await office.ids("groups")
        fields = {"orderNumber": "A-4711", "payment": "card", "deliverOn": "2026-12-24"}
        made = await office.ask(
            "chen", "POST", "/work-orders", 201, template=4, title="A headset for Ms Liu", fields=fields
        )
        order = made["id"]
        assert (made["serial"], made["owner"]["name"], made["group"]["name"]) == ("#4-1", "陈晨", "Sales")
        assert made["fields"] == fields
        assert made["due_at"] is not None

        at_finance = await office.does("chen", "done", order, note="ordered")
        assert (at_finance["group"]["name"], at_finance["owner"], at_finance["node_index"]) == ("Finance", None, 1)
        await office.does("chen", "pending", order, 403)
        await office.does("emil", "assign", order, agent=agents["1004"])
        back = await office.does("emil", "return_to_node", order, note="which card?")
        assert (back["owner"]["name"], back["node_status"], back["node_index"]) == ("陈晨", "return", 0)
        await office.does("chen", "return_to_node", order, 409)

        await home.kill()
        await home.start()

        await office.does("chen", "done", order, note="Visa")
        await office.does("emil", "assign", order, agent=agents["1004"])
        in_store = await office.does("emil", "done", order)
        assert (in_store["group"]["name"], in_store["owner"]["name"]) == ("Warehouse", "Emil Ernst")  # he is kept

        given_back = await office.does("emil", "return_to_group", order, note="not in stock")
        assert (given_back["owner"], given_back["node_status"]) == (None, "return")
        rule = {"mode": "manual", "verify": True}
        path = f"/assign-rules/4/{groups['warehouse']}"
        await office.ask("emil", "PUT", path, 403, **rule)
        await office.ask("fatma", "PUT", path, **rule)
        await office.does("fatma", "assign", order, agent=agents["1004"])
        await office.does("emil", "pending", order)
        verifying = await office.does("emil", "done", order, note="packed")
        assert (verifying["node_status"], verifying["group"]["name"]) == ("verify", "Warehouse")
        await office.does("emil", "verified", order, 403)
        await office.does("fatma", "denied", order, 409)
        denied = await office.does("fatma", "denied", order, note="The wrong headset.")
        assert (denied["owner"]["name"], denied["node_status"]) == ("Emil Ernst", "return")
        await office.does("emil", "done", order, note="the right one")
        at_logistics = await office.does("fatma", "verified", order)
        assert (at_logistics["group"]["name"], at_logistics["owner"], at_logistics["node_index"]) == (
            "Logistics",
            None,
            3,
        )

        await office.does("fatma", "assign", order, agent=agents["1005"])
        at_creator = await office.does("fatma", "done", order, note="sent")
        assert (at_creator["group"]["name"], at_creator["owner"]["name"]) == ("Sales", "陈晨")
        over = await office.does("chen", "done", order, note="she is happy")
        assert (over["status"], over["actions"]) == ("done", [])
        assert [node["state"] for node in over["nodes"]] == ["passed"] * 5
        await office.does("chen", "pending", order, 409)
        await office.ask("dora", "POST", f"/work-orders/{order}/replies", 409, text="too late")
        await office.ask("dora", "PATCH", f"/work-orders/{order}", 409, title="too late")

        history = (await office.ask("chen", "GET", f"/work-orders/{order}/history"))["items"]
        assert len(history) == over["version"]
        assert [entry["note"] for entry in history if entry["action"] == "denied"] == ["The wrong headset."]
        code, said = await command(home, "check-history")
        assert (code, said.split(",")[0]) == (0, "1 orders"), said


async def test_who_comes_online_gets_what_waits(home: Outpost) -> None:
    async with office_of(home, "anna") as office:
        agents, groups = await office.ids("agents"), await office.ids("groups")
        path = f"/assign-rules/1/{groups['support']}"
        await office.ask("anna", "PUT", path, mode="agent_number_order")
        orders = [
            (
                await office.ask(
                    "anna", "POST", "/work-orders", 201, template=1, title=f"Call back {n}", group=groups["support"]
                )
            )["id"]
            for n in range(3)
        ]
        refused = await office.does("anna", "assign", orders[0], 409, agent=agents["1001"])
        assert "automatic" in refused["detail"]
        rules = (await office.ask("anna", "GET", "/assign-rules"))["items"]
        [rule] = [each for each in rules if (each["template"]["id"], each["group"]["id"]) == (1, groups["support"])]
        assert (rule["waiting"], rule["online"], rule["editable"]) == (3, 0, True)

        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            await log_in(browser, home.url, "ben")
            async with browser.get(f"{home.url}/live") as stream:
                assert stream.status == 200
                owners = [await owner_of(office, order) for order in orders]
        assert owners == ["Ben Brandt"] * 3


async def test_who_logs_into_a_queue_without_a_page_gets_what_waits(house: Outpost, desk: Desk) -> None:
    async with office_of(house, "anna") as office:
        groups = await office.ids("groups")
        path = f"/assign-rules/1/{groups['support']}"
        await office.ask("anna", "PUT", path, mode="agent_number_order")
        wanted = {"template": 1, "title": "Call back", "group": groups["support"]}
        order = (await office.ask("anna", "POST", "/work-orders", 201, **wanted))["id"]
        await desk.staff("support", 1)  # 1001 is Ben
        assert await owner_of(office, order) == "Ben Brandt"
        await desk.clear()
        await nobody_is_online(office, groups["support"])
        left = (await office.ask("anna", "POST", "/work-orders", 201, **wanted))["id"]
        assert (await office.ask("anna", "GET", f"/work-orders/{left}"))["owner"] is None


async def log_in(browser: ClientSession, url: str, username: str) -> None:
    form = {"username": username, "password": "demo"}
    async with browser.post(f"{url}/login", data=form, headers={"Origin": url}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()


async def nobody_is_online(office: Office, group: int) -> None:
    """Wait until the group's rules say so."""
    async with asyncio.timeout(20):
        while any(  # noqa: ASYNC110 - nobody tells
            rule["online"]
            for rule in (await office.ask("anna", "GET", "/assign-rules"))["items"]
            if rule["group"]["id"] == group
        ):
            await asyncio.sleep(0.05)


async def owner_of(office: Office, order: int) -> str:
    """Who owns it, as soon as somebody does."""
    async with asyncio.timeout(20):
        while not (owner := (await office.ask("anna", "GET", f"/work-orders/{order}"))["owner"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return str(owner["name"])
