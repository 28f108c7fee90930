"""Who may attach what to an order, and that rows and files stay together, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.errors import ForbiddenError, InvalidError, NotFoundError, RefusedError
from daemon.handlers.attachments import Depot, allow, arriving, attach, find, list_of_order, sweep, verify
from daemon.handlers.person import Person
from daemon.handlers.work_orders import act
from daemon.handlers.world import World
from daemon.orders.commands import Done
from daemon.orders.fields import Field
from daemon.storage.engine import Store
from daemon.storage.files import path_of
from daemon.storage.receipts import Receipt
from daemon.storage.tables import AttachmentRow, HistoryRow
from daemon.storage.work_orders import read_values
from tests.builders import NOON, agent_id, group_id, team_id, work_order
from tests.worlds import small_world


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def person(world: World, username: str) -> Person:
    agent = world.agents[agent_id(world, username)]
    return Person("agent", username, agent.name, agent.team_id, agent)


@pytest.fixture
async def world(store: Store) -> World:
    """The small world with an upload field, and the order 1, which Ben owns."""
    made = await small_world(store)
    photo = Field("photo", "upload", {"en": "Photo"})
    ben = agent_id(made, "ben")
    await work_order(store, team_id(made, "acme"), group_id(made, "acme", "support"), owner=ben, creator=ben)
    return replace(made, templates={**made.templates, 7: replace(made.templates[7], fields=(photo,))})


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    return Depot(tmp_path / "files", 1000, 5)


async def added(
    store: Store,
    world: World,
    depot: Depot,
    *contents: bytes,
    who: str = "ben",
    field: str | None = None,
    receipt: Receipt | None = None,
) -> list[AttachmentRow]:
    """The rows of text files with these contents that somebody added in one request."""
    async with arriving(depot) as arrivals:
        for n, content in enumerate(contents):
            await arrivals.take(f"{n}.txt", pieces(content))
        rows, _, _ = await attach(store, world, person(world, who), 1, arrivals, field, receipt, NOON)
    return list(rows)


async def test_a_row_its_file_and_its_entry_of_the_history_come_together(
    store: Store, world: World, depot: Depot
) -> None:
    [row] = await added(store, world, depot, b"hello", field="photo")
    assert path_of(depot.folder, row.sha256).read_bytes() == b"hello"
    assert [each.id for each in await list_of_order(store, world, person(world, "anna"), 1)] == [row.id]
    async with store.read() as session:
        assert await read_values(session, 1) == {"photo": str(row.id)}
        entry = await session.get_one(HistoryRow, 2)
    assert (entry.action, entry.actor, entry.note) == ("attach", "Ben", "0.txt")
    assert entry.changes == {"attachment": [None, [row.id, row.sha256]], "fields.photo": ["", str(row.id)]}
    assert [each async for each in verify(store, depot)] == []


async def test_an_order_that_is_done_takes_no_files(store: Store, world: World, depot: Depot) -> None:
    await act(store, world, person(world, "ben"), 1, Done(note="over"), NOON)
    with pytest.raises(RefusedError, match="the order is done"):
        await allow(store, world, person(world, "ben"), 1, None)
    with pytest.raises(RefusedError, match="the order is done"):
        await added(store, world, depot, b"late")
    assert await list_of_order(store, world, person(world, "ben"), 1) == []
    assert await sweep(store, depot, datetime.now(UTC)) == 0
    assert await sweep(store, depot, datetime.now(UTC) + timedelta(hours=2)) == 1


async def test_a_request_that_came_before_is_answered_though_the_order_is_done(
    store: Store, world: World, depot: Depot
) -> None:
    receipt = Receipt("user:ben", "key", "f" * 64)
    first = await added(store, world, depot, b"one", b"two", receipt=receipt)
    await act(store, world, person(world, "ben"), 1, Done(note="over"), NOON)
    again = await added(store, world, depot, b"one", b"two", receipt=receipt)
    assert [row.id for row in first] == [row.id for row in again]


async def test_where_only_the_owner_edits_others_attach_nothing(store: Store, world: World, depot: Depot) -> None:
    anna = world.agents[agent_id(world, "anna")]
    strict = replace(world.templates[7], edit_limit="owner")
    plain = {id_: replace(group, admins=frozenset()) for id_, group in world.groups.items()}
    limited = replace(world, templates={**world.templates, 7: strict}, groups=plain)
    with pytest.raises(ForbiddenError, match="read-only"):
        await allow(store, limited, person(limited, anna.username), 1, None)
    await allow(store, limited, person(limited, "ben"), 1, None)


async def test_who_does_not_see_the_order_learns_nothing(store: Store, world: World, depot: Depot) -> None:
    [row] = await added(store, world, depot, b"secret")
    olga = person(world, "olga")
    for ask in (
        allow(store, world, olga, 1, None),
        list_of_order(store, world, olga, 1),
        find(store, world, olga, row.id),
        added(store, world, depot, b"x", who="olga"),
        find(store, world, person(world, "ben"), 4711),
    ):
        with pytest.raises(NotFoundError):
            await ask
    with pytest.raises(InvalidError, match="allowed: photo"):
        await allow(store, world, person(world, "ben"), 1, "picture")


async def test_several_at_once_never_exceed_the_limit(store: Store, world: World, depot: Depot) -> None:
    results = await asyncio.gather(
        *(added(store, world, depot, b"same", b"%d" % n) for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, list) for each in results) == 2
    assert all(isinstance(each, (list, RefusedError)) for each in results)
    assert len(await list_of_order(store, world, person(world, "ben"), 1)) == 4
    with pytest.raises(RefusedError, match="at most 5 files"):
        await added(store, world, depot, *(b"%d" % n for n in range(6)))


async def test_files_of_rows_are_never_swept_and_damage_is_told(store: Store, world: World, depot: Depot) -> None:
    first, second = await added(store, world, depot, b"one", b"two")
    assert await sweep(store, depot, datetime.now(UTC) + timedelta(days=9)) == 0
    path_of(depot.folder, first.sha256).unlink()
    path_of(depot.folder, second.sha256).write_bytes(b"zwei")
    assert [each async for each in verify(store, depot)] == [
        (first.id, "0.txt", "missing"),
        (second.id, "1.txt", "corrupt"),
    ]
