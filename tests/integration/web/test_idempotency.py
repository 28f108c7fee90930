from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse
from sqlalchemy import func, select

from daemon.errors import InvalidError, RefusedError
from daemon.storage.engine import Store
from daemon.storage.receipts import KEPT, Receipt, forget, once
from daemon.storage.tables import ReceiptRow, TeamRow, WorkOrderRow
from daemon.web.api.operation import BASE
from daemon.web.api.routes import OPERATIONS
from tests.builders import NOON, missed_call, team_id
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Client, Desk, csrf

RECEIPT = Receipt("token:crm", "first", "f" * 64)


async def team(store: Store, name: str, receipt: Receipt | None, at: Any = NOON) -> tuple[int, bool]:
    """Something that is to be made once."""
    async with store.write() as session:

        async def make() -> int:
            row = TeamRow(name=name, label=name)
            session.add(row)
            await session.flush()
            return row.id

        return await once(session, receipt, at, make)


async def count(store: Store, table: Any) -> int:
    async with store.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_what_is_asked_twice_with_one_key_is_done_once(store: Store) -> None:
    made, first = await team(store, "acme", RECEIPT)
    again, second = await team(store, "acme", RECEIPT)
    assert (made, first, again, second) == (made, True, made, False)
    assert await count(store, TeamRow) == 1


async def test_keys_are_everybodys_own_and_without_one_it_is_made(store: Store) -> None:
    other, later = Receipt("user:anna", "first", "e" * 64), Receipt("token:crm", "second", "f" * 64)
    made = [await team(store, name, each) for name, each in (("a", RECEIPT), ("b", other), ("c", later), ("d", None))]
    assert all(new for _, new in made)
    assert len({id_ for id_, _ in made}) == 4
    assert await count(store, ReceiptRow) == 3


async def test_a_key_that_came_with_something_else_is_refused(store: Store) -> None:
    await team(store, "acme", RECEIPT)
    with pytest.raises(InvalidError) as refused:
        await team(store, "other", Receipt("token:crm", "first", "e" * 64))
    assert [(each.where, each.rule) for each in refused.value.faults] == [("Idempotency-Key", "idempotency_key_reused")]
    assert await count(store, TeamRow) == 1


async def test_of_many_at_the_same_time_one_makes_it_and_all_get_it(store: Store) -> None:
    made = await asyncio.gather(*(team(store, "acme", RECEIPT) for _ in range(8)))
    assert len({id_ for id_, _ in made}) == 1
    assert sum(new for _, new in made) == 1


async def test_what_failed_leaves_no_receipt_and_may_be_tried_again(store: Store) -> None:
    async def refuse() -> int:
        raise RefusedError

    with pytest.raises(RefusedError):
        async with store.write() as session:
            await once(session, RECEIPT, NOON, refuse)
    assert await count(store, ReceiptRow) == 0
    assert (await team(store, "acme", RECEIPT))[1]


async def test_receipts_are_forgotten_after_two_days_some_at_a_time(store: Store) -> None:
    for n in range(60):
        await team(store, f"team{n}", Receipt("token:crm", f"key{n}", "f" * 64), NOON + timedelta(seconds=n))
    await team(store, "within", RECEIPT, NOON + KEPT)
    assert await count(store, ReceiptRow) == 61
    later = NOON + KEPT + timedelta(minutes=1)
    await team(store, "one", Receipt("token:crm", "one", "f" * 64), later)
    for gone, left in ((50, 12), (10, 2), (0, 2)):
        async with store.write() as session:
            assert await forget(session, later) == gone
        assert await count(store, ReceiptRow) == left
    assert await team(store, "key59 again", Receipt("token:crm", "key59", "e" * 64), later)


async def make(client: Client, key: str | None, path: str = "/missed-calls/1/work-order", body: Any = None) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post(BASE + path, json=body or {}, headers=headers)


async def outcome(answer: ClientResponse) -> tuple[int, Any]:
    return answer.status, await answer.json()


async def test_an_order_asked_for_twice_is_one_order_though_its_item_was_closed_meanwhile(desk: Desk) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    client = await bearer(desk, agent="1000")
    status, order = await outcome(await make(client, "k1"))
    assert status == 201
    await client.post(f"{BASE}/missed-calls/1/dismiss", json={"reason": "he wrote"})
    status, same = await outcome(await make(client, "k1"))
    assert (status, same["id"]) == (200, order["id"])
    assert (await make(client, "k2")).status == 409  # who asks anew hears that it is closed
    assert await count(desk.store, WorkOrderRow) == 1


async def test_a_key_used_for_another_request_is_refused_by_name(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    await missed_call(desk.store, acme)
    await missed_call(desk.store, acme, number="030 7654321")
    client = await bearer(desk, agent="1000")
    assert (await make(client, "k1")).status == 201
    for path, body in (("/missed-calls/1/work-order", {"template": 8}), ("/missed-calls/2/work-order", {})):
        status, problem = await outcome(await make(client, "k1", path, body))
        assert (status, problem["errors"][0]["rule"]) == (422, "idempotency_key_reused")
    assert await count(desk.store, WorkOrderRow) == 1
    ben = await desk.logged_in("ben")
    headers = {"Idempotency-Key": "k1", "X-CSRF-Token": await csrf(ben)}
    answer = await ben.post(f"{BASE}/missed-calls/2/work-order", json={}, headers=headers)
    assert answer.status == 201  # his keys are his own


@pytest.mark.parametrize("key", ["", " ", "with blank", "x" * 256, "ü", "tab\there"])
async def test_a_key_that_is_none_is_refused(desk: Desk, key: str) -> None:
    await missed_call(desk.store, team_id(desk.world, "acme"))
    status, problem = await outcome(await make(await bearer(desk, agent="1000"), key))
    assert (status, problem["errors"][0]["where"]) == (400, "Idempotency-Key")
    assert await count(desk.store, WorkOrderRow) == 0


def test_every_operation_that_answers_201_takes_a_key() -> None:
    assert [each.path for each in OPERATIONS if 201 in each.statuses and not each.idempotent] == []
