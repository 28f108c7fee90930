from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from daemon.errors import ForbiddenError, InvalidError, NotFoundError, RefusedError, StaleError
from daemon.handlers import customers as handlers
from daemon.handlers.customer_check import MOST_ERRORS, Source
from daemon.handlers.customer_import import MOST_WAITING, Imports
from daemon.handlers.customers import Changes
from daemon.handlers.person import Person
from daemon.handlers.world import TeamView, World
from daemon.orders.customer import Draft
from daemon.storage import customer_imports, customers
from daemon.storage.customer_imports import Ending
from daemon.storage.engine import Store
from daemon.storage.lists import Sight
from daemon.storage.receipts import Receipt
from daemon.storage.tables import CustomerImportRow, CustomerNumberRow, CustomerRow
from tests.builders import NOON, team_id
from tests.worlds import small_world


class Ticking:
    """A clock that goes on by so much whenever somebody looks."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.at = NOON
        self.step = timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


class House:
    """The small world, its imports, and who asks for them."""

    def __init__(self, store: Store, world: World, folder: Path, clock: Ticking) -> None:
        self.store, self.world, self.clock = store, world, clock
        self.imports = Imports(store, clock, folder)
        self.anna = person(world, "anna")

    @property
    def acme(self) -> TeamView:
        return self.world.teams[team_id(self.world, "acme")]

    def source(self, content: str | bytes, kind: Any = "individual") -> Source:
        raw = content if isinstance(content, bytes) else content.encode()
        return Source(io.BytesIO(raw), "customers.csv", self.acme, kind, raw.count(b"\n"))

    async def submit(self, content: str | bytes, **more: Any) -> int:
        id_, _ = await self.imports.submit(self.world, self.anna, self.source(content, **more))
        return id_

    async def read(self, import_id: int) -> CustomerImportRow:
        async with self.store.read() as session:
            row = await customer_imports.one(session, Sight(self.acme.id), import_id)
        assert row is not None
        return row

    async def ended(self, import_id: int) -> CustomerImportRow:
        """The import when it is over."""
        row = await self.read(import_id)
        while row.state == "running":
            row = await self.read(import_id)
        return row

    async def imported(self, content: str | bytes, **more: Any) -> CustomerImportRow:
        id_ = await self.submit(content, **more)
        async with running(self.imports):
            return await self.ended(id_)

    async def names(self) -> list[str]:
        async with self.store.read() as session:
            return list(await session.scalars(select(CustomerRow.name).order_by(CustomerRow.id)))


def person(world: World, username: str) -> Person:
    agent = world.agent_by_username(username)
    assert agent is not None
    return Person("agent", username, agent.name, agent.team_id, agent)


@asynccontextmanager
async def running(imports: Imports) -> AsyncIterator[None]:
    """Its task runs in this block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(imports.run())
        yield
        task.cancel()


@pytest.fixture
async def house(store: Store, tmp_path: Path) -> House:
    return House(store, await small_world(store), tmp_path / "data", Ticking())


async def count(store: Store, table: Any) -> int:
    async with store.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


def rows(n: int, first: int = 0) -> str:
    lines = (f"R{i},Customer {i},030 {1000000 + i}" for i in range(first, first + n))
    return "reference,name,phone\n" + "\n".join(lines) + "\n"


# --- imports ----------------------------------------------------------------------------------------------------------


async def test_a_file_comes_in_whole_and_a_second_time_nothing_is_made_twice(house: House) -> None:
    done = await house.imported(rows(350))
    assert (done.state, done.lines, done.seen, done.created, done.updated) == ("done", 351, 351, 350, 0)
    assert (done.errors, done.began_by, done.name) == ([], "Anna", "customers.csv")
    again = await house.imported(rows(351))
    assert (again.state, again.created, again.updated) == ("done", 1, 0)
    assert await count(house.store, CustomerRow) == 351
    assert await count(house.store, CustomerNumberRow) == 351


async def test_one_wrong_line_keeps_all_of_them_out(house: House) -> None:
    done = await house.imported(rows(350) + "R1,Twice,\n,,030 1\n")
    assert (done.state, done.created, done.error_count, done.seen) == ("refused", 0, 2, 353)
    assert done.errors == [[352, "reference", "line 3 has the same reference"], [353, "name", "is missing"]]
    assert await house.names() == []


async def test_a_thousand_errors_are_told_and_all_are_counted(house: House) -> None:
    done = await house.imported("name,note\n" + ",x\n" * 2500)
    assert (done.state, done.error_count, len(done.errors), done.seen) == ("refused", 2500, MOST_ERRORS, 2501)
    assert done.errors[-1] == [1001, "name", "is missing"]


async def test_errors_are_told_in_the_order_of_their_lines(house: House) -> None:
    done = await house.imported(b'name,note\nAda,"x\n\xff"\n,y\n')
    assert [line for line, *_ in done.errors] == [3, 4]


async def test_the_kind_is_the_files_where_a_line_says_none(house: House) -> None:
    await house.imported("name,kind\nAda,\nBob,individual\n", kind="enterprise")
    async with house.store.read() as session:
        kinds = list(await session.scalars(select(CustomerRow.kind).order_by(CustomerRow.name)))
    assert kinds == ["enterprise", "individual"]


async def test_imports_come_one_after_the_other_in_the_order_in_which_they_came(house: House) -> None:
    ids = [await house.submit(rows(150, first)) for first in (0, 100, 200)]
    async with running(house.imports):
        done = [await house.ended(id_) for id_ in ids]
    assert [(row.state, row.created) for row in done] == [("done", 150), ("done", 100), ("done", 100)]
    assert await count(house.store, CustomerRow) == 350


async def test_two_nodes_that_import_one_file_at_once_make_nothing_twice(house: House, tmp_path: Path) -> None:
    other = House(house.store, house.world, tmp_path / "other", Ticking())
    ids = [await house.submit(rows(300)), await other.submit(rows(300))]
    house.imports._swept = other.imports._swept = True  # both have started long ago
    async with running(house.imports), running(other.imports):
        done = [await house.ended(id_) for id_ in ids]
    assert [row.state for row in done] == ["done", "done"]
    assert sorted(row.created for row in done) == [0, 300]
    assert await count(house.store, CustomerNumberRow) == 300


async def test_how_far_it_is_can_be_seen_while_it_runs(store: Store, tmp_path: Path) -> None:
    house = House(store, await small_world(store), tmp_path, Ticking(seconds=1))
    id_ = await house.submit(rows(500))
    seen = set()
    async with running(house.imports):
        names, row = await house.names(), await house.read(id_)
        while row.state == "running":
            assert names == []
            seen.add(row.seen)
            names, row = await house.names(), await house.read(id_)
    assert row.state == "done"
    assert seen & set(range(1, 501))


async def test_what_ran_when_the_process_died_is_interrupted_at_the_next_start(house: House, tmp_path: Path) -> None:
    lost = await house.submit(rows(10))
    next_process = House(house.store, house.world, tmp_path / "next", Ticking())
    fresh = await next_process.submit(rows(5))
    async with running(next_process.imports):
        done = await next_process.ended(fresh)
    assert (done.state, done.created) == ("done", 5)
    row = await house.read(lost)
    assert (row.state, row.created, row.ended_at) == ("interrupted", 0, NOON)


async def test_an_import_that_was_called_interrupted_writes_nothing_any_more(house: House) -> None:
    id_ = await house.submit(rows(10))
    async with house.store.write() as session:
        assert await customer_imports.end(session, id_, Ending("interrupted", NOON))
    last = await house.submit(rows(1, 50))
    async with running(house.imports):
        await house.ended(last)
    assert await house.names() == ["Customer 50"]
    assert (await house.read(id_)).state == "interrupted"


async def test_a_database_that_fails_in_the_middle_keeps_nothing_and_the_next_import_runs(
    house: House,
) -> None:
    async with house.store.write() as session:
        for statement in (
            [
                "CREATE TRIGGER no_more BEFORE INSERT ON customer WHEN NEW.name = 'Customer 300' BEGIN"
                " SELECT RAISE(ABORT, 'no more'); END"
            ]
            if house.store.is_sqlite
            else [
                "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'no more'; END $$",
                "CREATE TRIGGER no_more BEFORE INSERT ON customer FOR EACH ROW"
                " WHEN (NEW.name = 'Customer 300') EXECUTE FUNCTION no_more()",
            ]
        ):
            await session.execute(text(statement))
    broken = await house.submit(rows(400))
    fine = await house.submit(rows(3))
    async with running(house.imports):
        row, next_row = await house.ended(broken), await house.ended(fine)
    assert (row.state, row.created) == ("interrupted", 0)
    assert (next_row.state, await count(house.store, CustomerRow)) == ("done", 3)


async def test_no_more_than_ten_wait_and_a_refused_file_is_closed(house: House) -> None:
    for n in range(MOST_WAITING):
        await house.submit(rows(1, n))
    source = house.source(rows(1, 99))
    with pytest.raises(RefusedError, match="10 imports are waiting"):
        await house.imports.submit(house.world, house.anna, source)
    assert source.file.closed
    async with running(house.imports):
        await house.ended(MOST_WAITING)
        row = await house.ended(await house.submit(rows(1, 99)))
    assert row.state == "done"


async def test_a_receipt_makes_one_import_of_two_requests(house: House) -> None:
    receipt = Receipt("user:anna", "k", "f" * 64)
    first = await house.imports.submit(house.world, house.anna, house.source(rows(2)), receipt)
    source = house.source(rows(2))
    assert await house.imports.submit(house.world, house.anna, source, receipt) == (first[0], False)
    assert (first[1], source.file.closed) == (True, True)


@pytest.mark.parametrize("kind", ["team_admin", "system_admin"])
async def test_who_only_looks_imports_nothing(house: House, kind: Any) -> None:
    boss = Person(kind, "boss", "Boss", house.acme.id if kind == "team_admin" else None)
    source = house.source(rows(1))
    with pytest.raises(ForbiddenError, match="only agents"):
        await house.imports.submit(house.world, boss, source)
    assert source.file.closed


async def test_nothing_lies_about_in_the_folder(house: House, tmp_path: Path) -> None:
    await house.imported(rows(300))
    await house.imported("name\n\n,\n")
    assert list((tmp_path / "data").iterdir()) == []


# --- killed -----------------------------------------------------------------------------------------------------------

VICTIM = """
    import asyncio, io, sys
    from pathlib import Path
    from daemon.handlers.customer_check import Source
    from daemon.handlers.customer_import import Imports
    from daemon.handlers.person import Person
    from daemon.storage import customer_batches
    from daemon.storage.engine import Store, database_url
    from tests.builders import NOON, team_id
    from tests.worlds import small_world

    url, folder, content = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]).read_bytes()
    merge, batches = customer_batches.merge, 0

    async def noted(*arguments):
        global batches
        counts = await merge(*arguments)
        batches += 1
        if batches == 3:
            print("in the middle", flush=True)
            sys.stdin.readline()
        return counts

    async def main():
        store = Store(database_url(url))
        world = await small_world(store)
        agent = world.agent_by_username("anna")
        imports = Imports(store, lambda: NOON, folder)
        team = world.teams[agent.team_id]
        source = Source(io.BytesIO(content), "big.csv", team, "individual")
        await imports.submit(world, Person("agent", "anna", "Anna", team.id, agent), source)
        customer_batches.merge = noted
        await imports.run()

    asyncio.run(main())
"""


@contextmanager
def victim(store: Store, folder: Path, content: str) -> Iterator[subprocess.Popen[str]]:
    """A process that stops in the middle of its writing transaction."""
    folder.mkdir()
    script, file = folder / "victim.py", folder / "big.csv"
    script.write_text(textwrap.dedent(VICTIM))
    file.write_text(content)
    (folder / "data").mkdir()
    url = store.url.set(drivername=store.url.get_backend_name()).render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, str(script), url, str(folder / "data"), str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_killed_in_the_middle_it_has_written_no_row_and_left_no_file(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "victim"
    with victim(store, folder, rows(1000)) as process:
        assert process.stdout is not None
        while (line := await asyncio.to_thread(process.stdout.readline)) != "in the middle\n":
            assert line, "it ended by itself"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert await count(store, CustomerRow) == 0
    assert await count(store, CustomerNumberRow) == 0
    assert list((folder / "data").iterdir()) == []
    house = House(store, await small_world(store), tmp_path / "data", Ticking())
    done = await house.imported(rows(1000))
    assert (done.state, done.created) == ("done", 1000)
    async with store.read() as session:
        states = list(await session.scalars(select(CustomerImportRow.state).order_by(CustomerImportRow.id)))
    assert states == ["interrupted", "done"]


# --- one by one -------------------------------------------------------------------------------------------------------


async def made(house: House, name: str = "Ada", **more: Any) -> int:
    id_, _ = await handlers.create(house.store, house.world, house.anna, Draft(name, **more), NOON)
    return id_


async def change(house: House, id_: int, version: int | None, changes: Changes, who: Person | None = None) -> int:
    return await handlers.change(house.store, house.world, who or house.anna, id_, version, changes)


async def numbers_of(house: House, id_: int) -> list[str]:
    async with house.store.read() as session:
        return [row.raw for row in (await customers.numbers_of(session, [id_]))[id_]]


async def test_a_customer_is_changed_by_who_has_seen_his_latest_version(house: House) -> None:
    id_ = await made(house, reference="A1", note="x")
    assert await change(house, id_, 1, Changes(name="Ada L", note="", reference="")) == 2
    with pytest.raises(StaleError) as stale:
        await change(house, id_, 1, Changes(name="Ada M"))
    assert stale.value.version == 2
    assert await change(house, id_, None, Changes(name="Ada L")) == 2
    async with house.store.read() as session:
        row = await customers.customer(session, Sight(house.acme.id), id_)
    assert row is not None
    assert (row.name, row.name_key, row.note, row.reference) == ("Ada L", "ada l", "", None)


async def test_of_two_who_change_one_version_one_wins(house: House) -> None:
    id_ = await made(house)
    tries = [change(house, id_, 1, Changes(note=note)) for note in ("a", "b", "c")]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(str(each) for each in ended) == ["2"] + ["somebody else changed it: it is version 2 now"] * 2


async def test_numbers_are_added_and_removed_however_they_are_written(house: House) -> None:
    id_ = await made(house, numbers=("030 1234567", "030 7654321"))
    assert await change(house, id_, 1, Changes(add_numbers=("0171 1234567",), remove_numbers=("+49301234567",))) == 2
    assert await numbers_of(house, id_) == ["030 7654321", "0171 1234567"]
    with pytest.raises(InvalidError) as refused:
        await change(house, id_, 2, Changes(add_numbers=("030 99", "+49307654321"), remove_numbers=("030 1234567",)))
    assert [(fault.where, fault.rule) for fault in refused.value.faults] == [
        ("/remove_numbers/0", "no_such_number"),
        ("/add_numbers/1", "number_twice"),
    ]
    assert await numbers_of(house, id_) == ["030 7654321", "0171 1234567"]


async def test_two_customers_may_have_one_number_but_not_one_reference(house: House) -> None:
    first = await made(house, reference="A1", numbers=("030 1234567",))
    second = await made(house, "Bob", numbers=("030 1234567",))
    with pytest.raises(RefusedError, match=f"is that of customer {first}"):
        await made(house, "Carl", reference="A1")
    with pytest.raises(RefusedError, match=f"is that of customer {first}"):
        await change(house, second, 1, Changes(reference="A1"))


async def test_of_many_who_take_one_reference_at_once_one_gets_it(house: House) -> None:
    tries = [made(house, f"N{n}", reference="A1") for n in range(5)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, int) for each in ended) == 1
    assert sum(isinstance(each, RefusedError) for each in ended) == 4


async def test_another_teams_customer_is_not_there_and_who_only_looks_changes_nothing(house: House) -> None:
    id_ = await made(house)
    with pytest.raises(NotFoundError):
        await change(house, id_, 1, Changes(name="x"), person(house.world, "olga"))
    boss = Person("team_admin", "boss", "Boss", house.acme.id)
    for who in (boss, Person("system_admin", "root", "Root", None)):
        with pytest.raises(ForbiddenError):
            await change(house, id_, 1, Changes(name="x"), who)
        with pytest.raises(ForbiddenError):
            await handlers.create(house.store, house.world, who, Draft("x"), NOON)


async def test_a_system_with_a_token_writes_customers_of_its_team(house: House) -> None:
    crm = Person("system", "crm", "crm", house.acme.id)
    id_, new = await handlers.create(house.store, house.world, crm, Draft("Ada"), NOON, Receipt("token:crm", "k", "f"))
    assert await handlers.create(house.store, house.world, crm, Draft("Ada"), NOON, Receipt("token:crm", "k", "f")) == (
        id_,
        False,
    )
    assert new
    assert await house.names() == ["Ada"]
