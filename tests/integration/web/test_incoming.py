"""Signed webhooks of other systems: orders are made and worked on, results given, each message once."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from daemon.storage.tables import CallResultRow, HistoryRow, WorkOrderRow
from daemon.web.parts import Source
from tests.builders import agent_id, answered_call, group_id, team_id, work_order
from tests.integration.handlers.test_call_results import with_results
from tests.integration.web.desk import Client, Desk
from webhooks.hook import signatures

SECRET = "whsec_" + base64.b64encode(b"i" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()


@dataclass
class Gate:
    desk: Desk
    client: Client

    async def sends(self, message: Any, id_: str = "msg_1", *, name: str = "erp", **change: Any) -> tuple[int, Any]:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        timestamp = int(self.desk.clock().timestamp()) + change.get("off", 0)
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures([change.get("secret", SECRET)], id_, timestamp, body),
            "Content-Type": change.get("media_type", "application/json"),
        }
        answer = await self.client.post(f"/api/v1/webhooks/in/{name}", data=body, headers=headers)
        return answer.status, await answer.json()

    def order(self, title: str = "Kettle") -> dict[str, Any]:
        support = group_id(self.desk.world, "acme", "support")
        return {"type": "order.create", "data": {"template": 7, "title": title, "group": support}}

    async def count(self, table: Any) -> int:
        async with self.desk.store.read() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
async def gate(desk: Desk) -> Gate:
    """Two sources of acme, one of which may only give results, and one of the other team."""
    acme, other = team_id(desk.world, "acme"), team_id(desk.world, "other")
    every = frozenset({"orders:create", "orders:act", "results"})
    sources = {
        "erp": Source(acme, (OTHER, SECRET), every),
        "survey": Source(acme, (SECRET,), frozenset({"results"})),
        "spy": Source(other, (SECRET,), every),
    }
    desk.sources.update(sources)
    return Gate(desk, desk.visitor())


async def test_an_order_is_made_once_however_often_the_message_comes(gate: Gate) -> None:
    first = await gate.sends(gate.order())
    again = await gate.sends(gate.order())
    at_once = await asyncio.gather(*(gate.sends(gate.order()) for _ in range(5)))
    assert first[0] == 200
    assert {told[1]["work_order_id"] for told in (first, again, *at_once)} == {first[1]["work_order_id"]}
    assert await gate.count(WorkOrderRow) == 1


async def test_another_message_under_the_same_id_is_refused(gate: Gate) -> None:
    await gate.sends(gate.order())
    status, told = await gate.sends(gate.order("Pot"))
    assert (status, told["errors"][0]["rule"]) == (422, "idempotency_key_reused")
    assert await gate.count(WorkOrderRow) == 1


async def test_ids_of_two_sources_do_not_meet(gate: Gate) -> None:
    await gate.sends(gate.order(), "msg_1")
    status, _ = await gate.sends({"type": "call.result", "data": {"call": 99, "result": "x"}}, "msg_1", name="survey")
    assert status == 404


async def test_a_reply_and_an_action_are_done_once(gate: Gate) -> None:
    world = gate.desk.world
    order = await work_order(gate.desk.store, team_id(world, "acme"), group_id(world, "acme", "support"))
    reply = {"type": "order.reply", "data": {"work_order": order.id, "text": "from <b>outside</b>"}}
    before = await gate.count(HistoryRow)
    assert (await gate.sends(reply))[0] == 200
    assert (await gate.sends(reply))[0] == 200
    assert await gate.count(HistoryRow) == before + 1
    act = {"type": "order.act", "data": {"work_order": order.id, "action": "pending"}}
    status, told = await gate.sends(act, "msg_2")
    assert (status, told["status"]) == (403, 403)  # work is begun by its owner: a system is nobody there


async def test_a_result_is_given_by_the_call_that_asterisk_knows(gate: Gate) -> None:
    gate.desk.world = with_results(gate.desk.world)
    world = gate.desk.world
    ben = agent_id(world, "ben")
    call = await answered_call(gate.desk.store, team_id(world, "acme"), ben)
    data = {"pbx": call.pbx, "uniqueid": call.uniqueid, "result": "solved", "agent": ben}
    status, told = await gate.sends({"type": "call.result", "data": data}, name="survey")
    assert (status, told) == (200, {"type": "call.result", "work_order_id": None, "call_id": call.id})
    assert await gate.count(CallResultRow) == 1
    assert (await gate.sends({"type": "call.result", "data": data}, "msg_2", name="spy"))[0] == 404


async def test_another_teams_orders_and_templates_do_not_exist(gate: Gate) -> None:
    world = gate.desk.world
    order = await work_order(gate.desk.store, team_id(world, "acme"), group_id(world, "acme", "support"))
    reply = {"type": "order.reply", "data": {"work_order": order.id, "text": "spying"}}
    assert (await gate.sends(reply, name="spy"))[0] == 404
    assert (await gate.sends(gate.order(), "msg_2", name="spy"))[0] == 422


async def test_a_source_may_only_what_it_was_given(gate: Gate) -> None:
    status, told = await gate.sends(gate.order(), name="survey")
    assert (status, "orders:create" in told["detail"]) == (403, True)
    assert await gate.count(WorkOrderRow) == 0


@pytest.mark.parametrize(
    "change", [{"off": -301}, {"off": 301}, {"secret": "whsec_" + base64.b64encode(b"w" * 32).decode()}]
)
async def test_forged_old_and_early_messages_are_refused(gate: Gate, change: dict[str, Any]) -> None:
    status, told = await gate.sends(gate.order(), **change)
    assert (status, told["status"]) == (401, 401)
    assert await gate.count(WorkOrderRow) == 0


async def test_an_unknown_source_looks_like_a_wrong_signature(gate: Gate) -> None:
    wrong = await gate.sends(gate.order(), secret="whsec_" + base64.b64encode(b"w" * 32).decode())
    assert await gate.sends(gate.order(), name="nobody") == wrong


async def test_a_session_opens_nothing_here(gate: Gate) -> None:
    client = await gate.desk.logged_in("anna")
    answer = await client.post("/api/v1/webhooks/in/erp", json=gate.order())
    assert answer.status == 401


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"no json", 400),
        (b"\xff\xfe", 400),
        (b"[]", 422),
        (b'{"type":"order.destroy","data":{}}', 422),
        (b'{"type":"order.create","data":{"template":7,"title":"a","sudo":true}}', 422),
        (b'{"type":"order.reply","data":{"work_order":99999999999999999999,"text":"a"}}', 422),
        (b'{"type":"order.reply","data":{"work_order":1,"text":"a\\u0000b"}}', 422),
    ],
)
async def test_what_is_signed_and_still_nonsense_is_refused_as_a_problem(
    gate: Gate, message: bytes, status: int
) -> None:
    told = await gate.sends(message)
    assert (told[0], told[1]["status"]) == (status, status)


async def test_ten_megabytes_are_too_much(gate: Gate) -> None:
    assert (await gate.sends(b"x" * 10_000_000))[0] == 413


async def test_a_form_is_no_webhook(gate: Gate) -> None:
    assert (await gate.sends(gate.order(), media_type="application/x-www-form-urlencoded"))[0] == 415
