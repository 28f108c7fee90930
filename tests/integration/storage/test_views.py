"""Report views on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from daemon.orders.report import COLUMNS, PREFIX, TAKEN, Report, columns
from daemon.storage import schema
from daemon.storage.engine import Store
from daemon.storage.schema import migrate
from daemon.storage.tables import CustomerRow, Row, TemplateRow, WorkOrderFieldRow
from daemon.storage.views import Synced, drop_views, restore_views, sync_views
from tests.builders import NOON, agent_id, group_id, team_id, work_order
from tests.worlds import small_world

_numbers = itertools.count()

MISSED = Report(7, "missed_call", ("outcome", "Remark"))
CAREFUL = Report(8, "careful")


async def sync(store: Store, *reports: Report) -> Synced:
    async with store.write() as session:
        return await sync_views(session, reports)


async def rows(store: Store, view: str = "work_order_missed_call") -> list[Mapping[str, Any]]:
    async with store.read() as session:
        query = f'SELECT * FROM "{view}" ORDER BY id -- {next(_numbers)}'  # never a plan from before a change
        return [dict(row) for row in (await session.execute(text(query))).mappings()]


async def say(store: Store, *statements: str) -> None:
    async with store.write() as session:
        for statement in statements:
            await session.execute(text(statement))


async def order(store: Store, values: Mapping[str, str], template: int = 7) -> int:
    """An order of the small world with these custom fields."""
    world = await small_world(store)
    made = await work_order(
        store,
        team_id(world, "acme"),
        group_id(world, "acme", "support"),
        template=template,
        owner=agent_id(world, "ben"),
        creator=agent_id(world, "anna"),
    )
    async with store.write() as session:
        session.add_all(WorkOrderFieldRow(order_id=made.id, identity=k, value=v) for k, v in values.items())
    return made.id


async def test_a_view_has_the_fixed_columns_and_one_for_each_field_in_its_own_case(store: Store) -> None:
    id_ = await order(store, {"outcome": "reached"})
    async with store.write() as session:
        session.add(CustomerRow(id=3, team_id=1, kind="individual", name="Ada", created_at=NOON))
        await session.flush()
        await session.execute(text("UPDATE work_order SET customer_id = 3"))
    assert await sync(store, MISSED, CAREFUL) == Synced(created=("work_order_missed_call", "work_order_careful"))
    [row] = await rows(store)
    assert list(row) == [*COLUMNS, "outcome", "Remark"]
    assert (row["id"], row["serial"], row["title"], row["status"]) == (id_, "#7-1", "Call back", "new")
    assert (row["group_name"], row["owner"], row["creator"], row["customer"]) == ("support", "Ben", "Anna", "Ada")
    assert (row["outcome"], row["Remark"], row["finished_at"]) == ("reached", None, None)
    assert await rows(store, "work_order_careful") == []


async def test_nothing_is_touched_when_nothing_changed(store: Store) -> None:
    await order(store, {})
    await sync(store, MISSED, CAREFUL)
    assert await sync(store, MISSED, CAREFUL) == Synced()
    assert await sync(store, CAREFUL, Report(7, "missed_call", ("Remark", "outcome"))) == Synced()


async def test_a_new_field_stands_last_whatever_its_place_in_the_configuration(store: Store) -> None:
    await order(store, {})
    await sync(store, MISSED)
    assert await sync(store, Report(7, "missed_call", ("first", "outcome", "Remark"))) == Synced(
        replaced=("work_order_missed_call",)
    )
    assert list((await rows(store))[0])[len(COLUMNS) :] == ["outcome", "Remark", "first"]


async def test_a_removed_field_keeps_its_values_under_a_name_that_no_field_can_have(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED)
    await sync(store, Report(7, "missed_call"))
    [row] = await rows(store)
    assert row["outcome_removed"] == "reached"
    assert "Remark" not in row
    assert "Remark_removed" not in row
    assert await sync(store, Report(7, "missed_call")) == Synced()
    await sync(store, MISSED)
    assert (await rows(store))[0]["outcome"] == "reached"


async def test_values_of_removed_fields_are_found_when_a_view_is_made_for_the_first_time(store: Store) -> None:
    await order(store, {"outcome": "reached", "Outcome": "never"})
    await sync(store, Report(7, "missed_call"))
    [row] = await rows(store)
    assert {row["Outcome_removed"], row["outcome_removed_2"]} == {"reached", "never"}


def test_columns_of_two_removed_fields_differ_in_more_than_their_case() -> None:
    assert columns(("a",), ("A", "b", "B")) == {
        "a": "a",
        "A_removed": "A",
        "B_removed": "B",
        "b_removed_2": "b",
    }


async def test_a_template_that_is_gone_keeps_its_view_while_it_has_orders(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED, CAREFUL)
    assert await sync(store) == Synced(dropped=("work_order_careful",))
    assert (await rows(store))[0]["outcome"] == "reached"


async def test_a_new_template_takes_the_name_of_one_that_is_gone(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await order(store, {"colour": "red"}, template=8)
    await sync(store, MISSED)
    done = await sync(store, Report(8, "missed_call", ("colour",)))
    assert set(done.created) == {"work_order_7"}
    assert [row["colour"] for row in await rows(store)] == ["red"]
    assert [row["outcome"] for row in await rows(store, "work_order_7")] == ["reached"]


async def test_a_template_without_a_view_gets_one_from_what_it_was(store: Store) -> None:
    await order(store, {"outcome": "reached", "odd": "1"})
    async with store.write() as session:
        row = await session.get(TemplateRow, 7)
        assert row is not None
        row.definition = {"id": 7, "name": "missed_call", "fields": [{"identity": "outcome"}]}
    await sync(store)
    [seen] = await rows(store)
    assert (seen["outcome"], seen["odd_removed"]) == ("reached", "1")


async def test_a_renamed_template_has_its_view_under_the_new_name_only(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED)
    done = await sync(store, Report(7, "lost-call", ("outcome",)))
    assert done == Synced(created=("work_order_lost-call",), dropped=("work_order_missed_call",))
    assert (await rows(store, "work_order_lost-call"))[0]["outcome"] == "reached"


async def test_names_that_are_sql_are_names(store: Store) -> None:
    evil = 'x" from team; drop table team; --'
    await order(store, {"a'; --": "kept", "*/ :x %s": "too"})
    await sync(store, Report(7, evil, ('b"', "c'")))
    async with store.read() as session:
        quoted = ("work_order_" + evil).replace('"', '""')
        [row] = (await session.execute(text(f'SELECT * FROM "{quoted}"'.replace(":", "\\:")))).mappings()
    assert row["a'; --_removed"] == "kept"
    assert row["*/ :x %s_removed"] == "too"
    assert await sync(store, Report(7, evil, ('b"', "c'"))) == Synced()


async def test_a_view_of_somebody_else_is_left_alone_and_said(store: Store) -> None:
    await order(store, {})
    await say(
        store, "CREATE VIEW work_order_missed_call AS SELECT 1 AS mine", "CREATE VIEW work_order_own AS SELECT 2 AS x"
    )
    done = await sync(store, MISSED, CAREFUL)
    assert done.created == ("work_order_careful",)
    assert "work_order_missed_call" in done.problems[0]
    assert "already exists" in done.problems[0]
    async with store.read() as session:
        assert await session.scalar(text("SELECT mine FROM work_order_missed_call")) == 1
        assert await session.scalar(text("SELECT x FROM work_order_own")) == 2


async def test_views_are_put_back_after_a_migration(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED)
    async with store.write() as session:
        views = await drop_views(session)
    assert [view.name for view in views] == ["work_order_missed_call"]
    with pytest.raises(DBAPIError):
        await rows(store)
    async with store.engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.run_sync(lambda sync: command.downgrade(schema._config(sync), "0001"))
        await connection.commit()
    async with store.write() as session:
        await restore_views(session, views)
    assert await migrate(store) == ("0001", schema.head())
    assert (await rows(store))[0]["outcome"] == "reached"
    assert await sync(store, MISSED) == Synced()


async def test_a_view_that_does_not_fit_the_new_schema_does_not_break_the_migration(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED)
    async with store.write() as session:
        views = await drop_views(session)
        await session.execute(text("ALTER TABLE work_order RENAME COLUMN title TO headline"))
        await restore_views(session, views)
        done = await sync_views(session, [MISSED])
        assert "title" in done.problems[0]
        assert await session.scalar(text("SELECT headline FROM work_order")) == "Call back"


async def test_who_may_read_a_view_may_read_it_when_it_was_made_anew(store: Store) -> None:
    if store.is_sqlite:
        return
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED)
    await say(store, "DROP ROLE IF EXISTS reporter", "CREATE ROLE reporter")
    try:
        await say(store, "GRANT SELECT ON work_order_missed_call TO reporter, PUBLIC")
        await sync(store, Report(7, "missed_call", ("Remark",)))
        await sync(store, Report(7, "lost_call", ("Remark",)))
        async with store.write() as session:
            await restore_views(session, await drop_views(session))
        async with store.read() as session:
            granted = "SELECT has_table_privilege('reporter', 'work_order_lost_call', 'SELECT')"
            assert await session.scalar(text(granted))
            public = "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC'"
            assert await session.scalar(text(public + " AND table_name = 'work_order_lost_call'")) == 1
    finally:
        await say(store, "DROP OWNED BY reporter", "DROP ROLE reporter")


async def test_views_that_stand_on_ours_live_on(store: Store) -> None:
    await order(store, {"outcome": "reached"})
    await sync(store, MISSED)
    await say(store, 'CREATE VIEW mine AS SELECT id, "outcome" FROM work_order_missed_call')
    done = await sync(store, Report(7, "missed_call", ("new", "outcome", "Remark")))
    assert done == Synced(replaced=("work_order_missed_call",))
    done = await sync(store, Report(7, "missed_call", ("outcome",)))
    if not store.is_sqlite:
        assert "other objects depend on it" in done.problems[0]
    async with store.write() as session:
        await restore_views(session, await drop_views(session))
    assert [row["outcome"] for row in await rows(store, "mine")] == ["reached"]


async def test_no_table_could_be_taken_for_a_view(store: Store) -> None:
    tables = {name.removeprefix(PREFIX) for name in Row.metadata.tables if name.startswith(PREFIX)}
    assert tables <= TAKEN
    if store.is_sqlite:
        return
    async with store.read() as session:
        kinds = "SELECT relname FROM pg_class WHERE relname LIKE 'work\\_order\\_%' AND relkind IN ('r', 'S', 'i', 'v')"
        found = (await session.scalars(text(kinds))).all()
    assert {name.removeprefix(PREFIX) for name in found} == TAKEN
