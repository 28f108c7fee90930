"""What `workorderd check` says about the orders of a database, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from daemon.handlers.foresight import foresee
from daemon.settings import check
from daemon.storage.engine import Store
from daemon.storage.tables import TemplateRow, WorkOrderFieldRow
from tests.builders import group_id, team_id, work_order
from tests.worlds import small_world

HEAD = "id: 7\nname: missed_call\nteam: acme\nrange: [support]\nfields:\n"
COLOUR = "  - {identity: colour, type: select, display_as: {en: Colour}, options: 'red, blue'}\n"
REMARK = "  - {identity: remark, type: text, display_as: {en: Remark}}\n"


def configure(folder: Path, store: Store, template: str | None) -> Path:
    """A configuration whose database is this store and whose only template is this."""
    (folder / "config" / "templates").mkdir(parents=True, exist_ok=True)
    url = store.url.set(drivername=store.url.get_backend_name()).render_as_string(hide_password=False)
    texts = {
        "workorderd.yaml": "pbxs: [{name: main, username: x, secret: {env: AMI}}]\ndatabase: {url: {file: url}}\n",
        "url": url,
        "teams.yaml": "teams:\n  - name: acme\n    region: DE\n    agents: [{number: 1, name: A, username: a}]\n"
        "    groups: [{name: support, agents: [1], admins: [1]}]\n",
    }
    for name, text in texts.items():
        (folder / "config" / name).write_text(text)
        (folder / "config" / name).chmod(0o600)
    path = folder / "config" / "templates" / "missed_call.yaml"
    path.write_text(template) if template else path.unlink(missing_ok=True)
    return folder / "config"


async def said(folder: Path) -> list[str]:
    """The warnings as they are printed, without the folder. `foresee` has a loop of its own, so in a thread."""
    report = check(folder, {"AMI": "s3cret"})
    assert report.settings is not None, report.problems
    return [str(each).removeprefix(f"{folder}/") for each in await asyncio.to_thread(foresee, folder, report)]


async def orders(store: Store, folder: Path, *values: Mapping[str, str]) -> None:
    """Orders with these fields, of the template as it is configured now."""
    world = await small_world(store)
    report = check(folder, {"AMI": "s3cret"})
    assert report.settings is not None
    for each in values:
        made = await work_order(store, team_id(world, "acme"), group_id(world, "acme", "support"))
        async with store.write() as session:
            session.add_all(WorkOrderFieldRow(order_id=made.id, identity=k, value=v) for k, v in each.items())
    async with store.write() as session:
        row = await session.get(TemplateRow, 7)
        assert row is not None
        row.definition = report.settings.templates[0].model_dump(mode="json", by_alias=True)


@pytest.fixture
async def house(store: Store, tmp_path: Path) -> Path:
    """A configuration in force, with three orders."""
    folder = configure(tmp_path, store, HEAD + COLOUR + REMARK)
    await orders(store, folder, {"colour": "red", "remark": "a"}, {"colour": "blue"}, {"colour": "blue"})
    return folder


async def test_nothing_is_said_when_nothing_changed(store: Store, house: Path) -> None:
    assert await said(house) == []


async def test_each_change_is_said_at_its_place_with_the_orders_that_it_concerns(store: Store, house: Path) -> None:
    changed = COLOUR.replace("red, blue", "red, green") + REMARK.replace("text", "date, required: true")
    configure(house.parent, store, HEAD + changed)
    assert await said(house) == [
        "templates/missed_call.yaml:6:73: field colour: 2 orders keep their value 'blue'; nobody can choose it any"
        " more",
        "templates/missed_call.yaml:7:30: field remark: 1 order keeps its value as text; new values are date",
        "templates/missed_call.yaml:7:46: field remark: 2 orders that are not done have none; only new orders must"
        " have one",
    ]


async def test_a_removed_field_with_values_is_said_and_one_without_is_not(store: Store, house: Path) -> None:
    configure(house.parent, store, HEAD + COLOUR + REMARK + "  - {identity: empty, display_as: {en: E}}\n")
    await orders(store, house)
    configure(house.parent, store, HEAD + COLOUR)
    assert await said(house) == [
        "templates/missed_call.yaml:6:3: field remark: 1 order keeps its value; it is no longer shown in forms and"
        " stays in work_order_missed_call as remark_removed"
    ]


async def test_a_template_that_is_gone_is_said(store: Store, house: Path) -> None:
    configure(house.parent, store, (HEAD + COLOUR).replace("id: 7", "id: 9").replace("missed_call", "other"))
    assert await said(house) == [
        "templates:1:1: the template missed_call is gone: 3 orders of it go on, no new one can be made"
    ]


async def test_without_a_database_nothing_is_asked(store: Store, house: Path) -> None:
    (house / "workorderd.yaml").write_text(
        "pbxs: [{name: main, username: x, secret: {env: AMI}}]\ndatabase: {url: 'sqlite:///nowhere/x.sqlite'}\n"
    )
    assert await said(house) == []
    assert not (house.parent / "nowhere").exists()


async def test_a_database_that_does_not_answer_is_said_and_stops_nothing(store: Store, house: Path) -> None:
    (house.parent / "x.sqlite").write_text("no database")
    for url in ("sqlite:///x.sqlite", "postgresql://nobody@127.0.0.1:1/none"):
        (house / "workorderd.yaml").write_text(
            f"pbxs: [{{name: main, username: x, secret: {{env: AMI}}}}]\ndatabase: {{url: '{url}'}}\n"
        )
        [warning] = await said(house)
        assert "workorderd.yaml:1:1: the database was not asked what becomes of its orders: " in warning
