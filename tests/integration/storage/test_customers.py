from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import IntegrityError

from daemon.orders.customer import Dialling, Draft, fold_name, read_customer
from daemon.orders.customer_csv import Row
from daemon.orders.number import read_number
from daemon.storage import customers
from daemon.storage.customer_batches import Counts, merge
from daemon.storage.customers import NamePlace
from daemon.storage.engine import Store
from daemon.storage.lists import Sight
from daemon.storage.tables import CustomerNumberRow, CustomerRow, TeamRow
from tests.builders import NOON

BERLIN = Dialling("DE")
ACME, OTHER = 1, 2
MINE = Sight(ACME)


@pytest.fixture
async def teams(store: Store) -> Store:
    """Two teams."""
    async with store.write() as session:
        session.add_all(TeamRow(id=id_, name=name, label=name) for id_, name in ((ACME, "acme"), (OTHER, "other")))
    return store


async def add(store: Store, name: str, *numbers: str, team: int = ACME, **texts: str) -> int:
    async with store.write() as session:
        new = read_customer(Draft(name, numbers=numbers, **texts), BERLIN)
        return (await customers.add(session, team, new, NOON)).id


async def calling(store: Store, number: str, team: int = ACME) -> list[str]:
    async with store.read() as session:
        found = await customers.customers_of_number(session, team, read_number(number, "DE"))
    return [row.name for row in found]


async def named(store: Store, name: str, sight: Sight = MINE, number: str | None = None) -> list[str]:
    read = None if number is None else read_number(number, "DE")
    async with store.read() as session:
        return [row.name for row in (await customers.customers(session, sight, name=name, number=read)).rows]


async def test_everybody_who_has_the_number_may_be_calling(teams: Store) -> None:
    await add(teams, "Zoe", "030 1234567")
    await add(teams, "Ada", "0171 1234567", "+49 30 1234567")
    await add(teams, "Olga", "030 1234567", team=OTHER)
    assert await calling(teams, "030 1234567") == ["Ada", "Zoe"]
    assert await calling(teams, "0049301234567") == ["Ada", "Zoe"]
    assert await calling(teams, "0171 1234567") == ["Ada"]
    assert await calling(teams, "030 1234567", OTHER) == ["Olga"]
    assert await calling(teams, "anonymous") == []


async def test_the_last_digits_tell_where_one_of_the_two_is_no_number_of_the_world(teams: Store) -> None:
    await add(teams, "Full", "+49 30 1234567")
    await add(teams, "Short", "01234567890123")
    assert await calling(teams, "99901234567") == ["Full"]
    assert await calling(teams, "+4967890123") == ["Short"]
    assert await calling(teams, "+49 40 1234567") == []  # a number of the world, and another one


async def test_names_are_found_by_their_beginning_in_any_case(teams: Store) -> None:
    for name in ("Müller GmbH", "MÜLLER & Co", "Muster", "100 % Wolle", "张伟", "_x"):
        await add(teams, name)
    await add(teams, "Müller", team=OTHER)
    assert await named(teams, "müll") == ["MÜLLER & Co", "Müller GmbH"]
    assert await named(teams, "MU") == ["Muster"]
    assert await named(teams, "张") == ["张伟"]
    assert await named(teams, "%") == []
    assert await named(teams, "_") == ["_x"]
    assert len(await named(teams, "")) == 6
    assert await named(teams, "mül", Sight(None)) == ["MÜLLER & Co", "Müller GmbH", "Müller"]


async def test_a_list_by_number_knows_its_team(teams: Store) -> None:
    await add(teams, "Ada", "030 1234567")
    await add(teams, "Olga", "030 1234567", team=OTHER)
    assert await named(teams, "", number="030 1234567") == ["Ada"]
    assert await named(teams, "b", number="030 1234567") == []
    assert await named(teams, "", Sight(None), number="030 1234567") == ["Ada", "Olga"]


async def test_a_list_is_turned_over_without_gaps_whatever_is_added_meanwhile(teams: Store) -> None:
    for n in range(7):
        await add(teams, "Same" if n % 2 else f"Name {n}")
    seen: list[int] = []
    after: NamePlace | None = None
    while True:
        async with teams.read() as session:
            page = await customers.customers(session, Sight(ACME), after=after, limit=2)
        seen += [row.id for row in page.rows]
        after = page.next
        if after is None:
            break
        await add(teams, "Aaron")
    assert seen == [1, 3, 5, 7, 2, 4, 6]


async def test_another_teams_customer_is_not_there(teams: Store) -> None:
    id_ = await add(teams, "Olga", team=OTHER)
    async with teams.read() as session:
        assert await customers.customer(session, Sight(ACME), id_) is None
        assert await customers.customer(session, Sight(OTHER), id_) is not None


async def test_the_database_refuses_a_second_holder_of_a_reference_in_one_team(teams: Store) -> None:
    await add(teams, "Ada", reference="A1")
    await add(teams, "Olga", reference="A1", team=OTHER)
    with pytest.raises(IntegrityError):
        await add(teams, "Bob", reference="A1")


async def test_his_first_number_is_the_oldest_that_he_still_has(teams: Store) -> None:
    id_ = await add(teams, "Ada", "030 1234567", "030 7654321")
    async with teams.write() as session:
        row = await customers.customer(session, Sight(ACME), id_)
        assert row is not None
        first, second = (await customers.numbers_of(session, [id_]))[id_]
        await customers.remove_numbers(session, [first.id])
        await customers.rename(session, row)
        assert row.twin == read_customer(Draft("ada", numbers=(second.raw,)), BERLIN).twin


# --- many at once -----------------------------------------------------------------------------------------------------


async def merged(store: Store, *drafts: Draft, says_kind: bool = False) -> Counts:
    rows = [Row(n, read_customer(draft, BERLIN), says_kind) for n, draft in enumerate(drafts, start=2)]
    async with store.write() as session:
        return await merge(session, ACME, rows, NOON)


async def everybody(store: Store) -> list[tuple[str, str | None, list[str], int]]:
    async with store.read() as session:
        rows = (await customers.customers(session, Sight(ACME))).rows
        numbers = await customers.numbers_of(session, [row.id for row in rows])
    return [(row.name, row.reference, [each.raw for each in numbers[row.id]], row.version) for row in rows]


async def test_the_same_rows_twice_make_nothing_twice(teams: Store) -> None:
    drafts = (
        Draft("Ada", reference="A1", numbers=("030 1234567", "030 1234568")),
        Draft("Bob", numbers=("030 7654321",)),
        Draft("Carl"),
    )
    assert await merged(teams, *drafts) == Counts(3, 0)
    before = await everybody(teams)
    assert await merged(teams, *drafts) == Counts(0, 0)
    assert await everybody(teams) == before
    assert [numbers for _, _, numbers, _ in before] == [["030 1234567", "030 1234568"], ["030 7654321"], []]


async def test_a_known_reference_is_brought_up_to_date_and_its_numbers_are_merged(teams: Store) -> None:
    await merged(teams, Draft("Ada", reference="A1", note="old", email="a@x.de", numbers=("030 1234567",)))
    more = Draft("Ada Lovelace", reference="A1", note="new", numbers=("+49301234567", "030 7654321"))
    assert await merged(teams, more) == Counts(0, 1)
    assert await everybody(teams) == [("Ada Lovelace", "A1", ["030 1234567", "030 7654321"], 2)]
    async with teams.read() as session:
        row = await customers.customer(session, Sight(ACME), 1)
    assert row is not None
    assert (row.note, row.email, row.name_key) == ("new", "a@x.de", "ada lovelace")
    assert row.twin == read_customer(Draft("ADA LOVELACE", numbers=("030 1234567",)), BERLIN).twin


async def test_the_kind_changes_only_where_the_file_says_one(teams: Store) -> None:
    await merged(teams, Draft("Ada", kind="enterprise", reference="A1"))
    assert await merged(teams, Draft("Ada", kind="individual", reference="A1")) == Counts(0, 0)
    assert await merged(teams, Draft("Ada", kind="individual", reference="A1"), says_kind=True) == Counts(0, 1)


async def test_without_a_reference_name_and_first_number_tell_and_the_oldest_is_taken(teams: Store) -> None:
    first = await add(teams, "Ada", "030 1234567", reference="A1")
    await add(teams, "Ada", "030 1234567", reference="A2")
    assert await merged(teams, Draft("ada", note="x", numbers=("+49301234567",))) == Counts(0, 1)
    async with teams.read() as session:
        row = await customers.customer(session, Sight(ACME), first)
    assert row is not None
    assert (row.name, row.note, row.reference) == ("ada", "x", "A1")
    assert await merged(teams, Draft("Ada", numbers=("030 7654321",))) == Counts(1, 0)


async def test_rows_that_mean_one_customer_are_both_said_of_him(teams: Store) -> None:
    await add(teams, "Ada", "030 1234567", reference="A1")
    both = (Draft("Ada", note="x", numbers=("030 1234567",)), Draft("Bea", reference="A1", numbers=("030 7654321",)))
    assert await merged(teams, *both) == Counts(0, 1)
    assert await everybody(teams) == [("Bea", "A1", ["030 1234567", "030 7654321"], 2)]


async def test_another_teams_customers_are_neither_known_nor_changed(teams: Store) -> None:
    await add(teams, "Ada", "030 1234567", reference="A1", team=OTHER)
    await add(teams, "Bob", "030 7654321", team=OTHER)
    drafts = Draft("Ada B", reference="A1"), Draft("Bob", note="x", numbers=("030 7654321",))
    assert await merged(teams, *drafts) == Counts(2, 0)
    async with teams.read() as session:
        rows = (await customers.customers(session, Sight(OTHER))).rows
    assert [(row.name, row.note, row.version) for row in rows] == [("Ada", "", 1), ("Bob", "", 1)]


# --- indexes ----------------------------------------------------------------------------------------------------------


async def crowd(store: Store, n: int) -> None:
    """A team of so many customers with a number each, and the statistics that a database makes of them by itself."""
    ids = range(100_001, 100_001 + n)
    people = [
        {"id": id_, "team_id": ACME, "kind": "individual", "name": f"N{id_}", "name_key": fold_name(f"N{id_}")}
        | {"twin": f"{id_:032}", "reference": str(id_), "created_at": NOON}
        for id_ in ids
    ]
    numbers = [
        {"team_id": ACME, "customer_id": id_, "raw": str(id_), "e164": f"+4930{id_:07}", "tail": f"{id_:08}"}
        for id_ in ids
    ]
    async with store.write() as session:
        await session.execute(insert(CustomerRow), people)
        await session.execute(insert(CustomerNumberRow), numbers)
    async with store.write() as session:
        await session.execute(text("ANALYZE"))


async def plans(store: Store, statements: Sequence[tuple[str, Any]]) -> list[str]:
    explain = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
    told = []
    async with store.engine.connect() as connection:
        for statement, parameters in statements:
            rows = await connection.exec_driver_sql(explain + statement, parameters)
            told.append("\n".join(str(row) for row in rows))
    return told


async def test_no_query_of_a_customer_reads_the_whole_table(teams: Store) -> None:
    await crowd(teams, 5000)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(teams.engine.sync_engine, "before_cursor_execute", note)
    for number in (read_number("030 1234", "DE"), read_number("+49300000012", "ZZ"), read_number("00000012", "ZZ")):
        async with teams.read() as session:
            await customers.customers_of_number(session, ACME, number)
            await customers.customers(session, Sight(ACME), number=number)
    place = NamePlace(ACME, "n2", 2)
    async with teams.read() as session:
        await customers.customers(session, Sight(ACME), name="n49")
        await customers.customers(session, Sight(ACME), after=place)
        await customers.customer(session, Sight(ACME), 7)
        await customers.numbers_of(session, [7, 8])
        await customers.has_reference(session, ACME, "7")
    rows = [Row(2, read_customer(Draft("x", reference=each), BERLIN), False) for each in ("7", "")]
    async with teams.write() as session:
        await merge(session, ACME, rows, NOON)
    event.remove(teams.engine.sync_engine, "before_cursor_execute", note)
    assert len(asked) >= 12
    for (statement, _), plan in zip(asked, await plans(teams, asked), strict=True):
        assert "SCAN customer" not in plan, statement
        assert "Seq Scan on customer" not in plan, statement
        if "ORDER BY customer.team_id" in statement and "IN (SELECT" not in statement:
            assert "TEMP B-TREE" not in plan, statement
            assert "Sort" not in plan, statement
