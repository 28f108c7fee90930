"""The process is killed again and again and the receiver is unreliable: every message arrives, in its order's order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout

from bench.receiver import SECRET, Receiver, config_of, receiving
from bench.servers import NoPbx
from tests.acceptance.conftest import fresh_database
from tests.acceptance.rig import SAMPLE, Outpost

ORDERS, REPLIES, KILLS = 10, 5, 3
BETWEEN_KILLS = 1.0  # seconds in which it works


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> Outpost:
    """A house without a PBX, on either database."""
    database = ""
    if request.param == "postgresql":
        database = await fresh_database(request.getfixturevalue("postgresql"))
    outpost = Outpost(tmp_path, SAMPLE, NoPbx(), database=database, with_queue_log=False)  # type: ignore[arg-type]
    outpost.furnish()
    hook = outpost.config / "secrets" / "hook"
    hook.touch(mode=0o600)
    hook.write_text(SECRET + "\n")
    return outpost


async def alive(office: Outpost) -> None:
    """Start it, and wait until it answers."""
    await office.launch()
    async with asyncio.timeout(20), ClientSession() as session:
        while True:
            try:
                async with session.get(f"{office.url}/healthz"):
                    return
            except ClientError:
                await asyncio.sleep(0.05)


async def post(session: ClientSession, path: str, body: dict[str, object], key: str) -> dict[str, object]:
    """Until it is answered, whoever dies meanwhile."""
    while True:
        try:
            headers = {"Idempotency-Key": key} if path == "work-orders" else {}
            async with session.post(path, json=body, headers=headers) as answer:
                if answer.status < 300:
                    return await answer.json()  # type: ignore[no-any-return]
        except (ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.05)


async def work(session: ClientSession, n: int, group: object) -> None:
    """An order with its replies, one after the other."""
    fields = {"product": "Headset 300", "severity": "high"}
    body = {"template": 2, "title": f"Kettle {n}", "group": group, "fields": fields}
    order = await post(session, "work-orders", body, f"order-{n}")
    for reply in range(REPLIES):
        await post(session, f"work-orders/{order['id']}/replies", {"text": f"reply {reply}"}, "")


async def killings(office: Outpost) -> None:
    """Kill it, start it, let it work for a moment; again and again."""
    for _ in range(KILLS):
        await asyncio.sleep(BETWEEN_KILLS)
        assert office.process is not None
        os.kill(office.process.pid, signal.SIGKILL)
        await office.process.wait()
        await alive(office)


async def test_nothing_is_lost_or_out_of_order_though_the_process_is_killed_and_the_receiver_fails(
    office: Outpost,
) -> None:
    async with receiving(Receiver(trouble=(15, 1, 5))) as receiver:
        main = office.config / "workorderd.yaml"
        main.write_text(main.read_text() + config_of({"crm": f"{receiver.url}/crm", "dead": "http://127.0.0.1:9/"}))
        await alive(office)
        scopes = ("--scope", "orders:write", "--scope", "orders:read", "--scope", "reference:read")
        token = await office.command("token", "create", "--name", "t", "--team", "acme", "--agent", "1000", *scopes)
        headers = {"Authorization": f"Bearer {token.strip()}"}
        timeout = ClientTimeout(total=5)
        async with ClientSession(f"{office.url}/api/v1/", headers=headers, timeout=timeout) as session:
            async with session.get("groups") as answer:
                groups = {each["name"]: each["id"] for each in (await answer.json())["items"]}
            async with asyncio.timeout(60), asyncio.TaskGroup() as busy:
                busy.create_task(killings(office))
                for n in range(ORDERS):
                    busy.create_task(work(session, n, groups["support"]))
        delivered = "SELECT count(*) FROM outbox WHERE endpoint = 'crm' AND state <> 'delivered'"
        await office.until(delivered, [(0,)], 40)
        await office.stop()
    rows = office.query("SELECT line, message_id FROM outbox WHERE endpoint = 'crm' ORDER BY id")
    wanted: dict[str, list[str]] = defaultdict(list)
    for line, id_ in rows:
        wanted[f"/crm {line.removeprefix('order:')}"].append(id_)
    assert len(rows) >= ORDERS * (REPLIES + 1)
    assert receiver.lines == wanted
    assert receiver.faults == []
    entries = office.query("SELECT count(*) FROM history")[0][0]
    assert len(rows) >= entries
    assert office.query("SELECT DISTINCT state FROM outbox WHERE endpoint = 'dead'") == [("waiting",)]
