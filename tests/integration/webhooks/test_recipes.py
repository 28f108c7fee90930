"""The bridge of the recipes, for real: a signed message comes in, and each target gets it in its own shape, once."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.builders import NOON
from tests.integration.webhooks.test_sending import SECRET, sending
from webhooks import hook
from webhooks.send import Response, Target

PLACE = Path(__file__).parents[3] / "docs" / "samples" / "bridge.py"


def bridge() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bridge", PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def message(title: str = "Kettle & <Pot>") -> dict[str, Any]:
    order = hook.Order(
        id=7,
        serial="#2-7",
        path="/work-orders/7",
        title=title,
        template="complaint",
        status="new",
        node_status="new",
        group="support",
        owner=None,
        creator=hook.Person(number="1000", name="Anna"),
        priority=3,
        customer_id=None,
        call_id=None,
        missed_call_id=None,
        due_at=None,
        created_at=NOON,
        updated_at=NOON,
        version=1,
    )
    who = hook.Who(kind="agent", name="Anna")
    data = hook.OrderData(order=order, action="create", by=who, note="", changes={})
    return hook.payload("order.created", "acme", NOON, hook.contents(data))


@dataclass
class Others:
    """Slack, Zammad and Odoo, as far as they matter here; `status`: what they answer."""

    status: int = 200
    got: list[tuple[str, str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.path, request.headers.get("Authorization", ""), await request.json()))
        return web.json_response({"result": 1}, status=self.status)


@asynccontextmanager
async def bridged(others: Others) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_post("/{tail:.*}", others.take)
    async with TestServer(app) as theirs:
        url = f"http://127.0.0.1:{theirs.port}"
        env = {"BRIDGE_SECRET": SECRET, "SLACK_URL": f"{url}/slack", "ZAMMAD_URL": url, "ZAMMAD_TOKEN": "t"}
        env |= {"ODOO_URL": url, "ODOO_DB": "db", "ODOO_UID": "2", "ODOO_KEY": "k"}
        async with TestServer(bridge().application(env)) as server:
            yield server


async def send(server: TestServer, target: str, id_: str = "msg_1", secret: str = SECRET) -> Response:
    async with sending() as sender:
        to = Target(f"http://127.0.0.1:{server.port}/{target}", (secret,), allow_private=True)
        return await sender.send(to, id_, message(), int(time.time()))


async def test_slack_gets_a_line_in_which_nothing_has_a_meaning() -> None:
    others = Others()
    async with bridged(others) as server:
        assert (await send(server, "slack")).status == 200
    [(path, _, told)] = others.got
    text = "#2-7 Kettle &amp; &lt;Pot&gt; – order.created by Anna, owner: nobody yet. "
    assert (path, told) == ("/slack", {"text": text})


async def test_zammad_gets_a_ticket_with_an_article() -> None:
    others = Others()
    async with bridged(others) as server:
        assert (await send(server, "zammad")).status == 200
    [(path, authorization, told)] = others.got
    assert (path, authorization) == ("/api/v1/tickets", "Token token=t")
    assert (told["title"], told["group"], told["article"]["type"]) == ("#2-7 Kettle & <Pot>", "Users", "note")


async def test_odoo_gets_a_lead() -> None:
    others = Others()
    async with bridged(others) as server:
        assert (await send(server, "odoo")).status == 200
    [(path, _, told)] = others.got
    assert path == "/jsonrpc"
    assert told["params"]["args"][:5] == ["db", 2, "k", "crm.lead", "create"]


async def test_a_message_that_comes_twice_is_told_once() -> None:
    others = Others()
    async with bridged(others) as server:
        assert [(await send(server, "slack")).text for _ in range(2)] == ["told", "known"]
    assert len(others.got) == 1


async def test_what_the_target_refuses_is_tried_again() -> None:
    others = Others(status=500)
    async with bridged(others) as server:
        assert (await send(server, "slack")).status == 502
        others.status = 200
        assert (await send(server, "slack")).status == 200


@pytest.mark.parametrize("secret", ["whsec_" + "QUFB" * 11])
async def test_what_is_not_signed_by_us_is_refused(secret: str) -> None:
    others = Others()
    async with bridged(others) as server:
        assert (await send(server, "slack", secret=secret)).status == 401
    assert others.got == []
