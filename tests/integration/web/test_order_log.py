"""The work order log: who may read it, what it shows, and the file that spreadsheets open."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest

from daemon.orders.fields import Field
from daemon.storage.tables import WorkOrderFieldRow, WorkOrderRow
from daemon.web.pages.order_csv import defused
from tests.builders import NOON, agent_id, group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Client, Desk


async def fill(desk: Desk) -> None:
    acme, ben = team_id(desk.world, "acme"), agent_id(desk.world, "ben")
    support, sales = group_id(desk.world, "acme", "support"), group_id(desk.world, "acme", "sales")
    item = await missed_call(desk.store, acme, number="030 1234567", name="=cmd|'/c calc'!A1")
    await work_order(desk.store, acme, support, title="=1+1", item=item, creator=ben)
    await work_order(desk.store, acme, sales, title='say "hi",\nplease', owner=ben, template=8)
    async with desk.store.write() as session:
        row = await session.get_one(WorkOrderRow, 2)
        row.created_at = NOON - timedelta(days=3)
        row.module_id, row.creator_group_id = 1, support
        session.add(WorkOrderFieldRow(order_id=2, identity="reason", value="@SUM(1)"))


async def file_of(client: Client, query: str = "") -> list[list[str]]:
    answer = await client.get(f"/log.csv{query}")
    assert answer.status == 200
    content = await answer.read()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(("username", "status"), [("anna", 403), ("ben", 403), ("boss", 200), ("root", 200)])
async def test_the_log_is_for_admins(desk: Desk, username: str, status: int) -> None:
    await fill(desk)
    client = await desk.logged_in(username)
    for path in ("/log", "/log/rows", "/log.csv"):
        assert (await client.get(path)).status == status
    home = await (await client.get("/missed-calls")).text()
    assert ('href="/log"' in home) == (status == 200)


async def test_every_order_of_the_team_is_shown_with_all_that_is_known(desk: Desk) -> None:
    await fill(desk)
    text = await (await (await desk.logged_in("boss")).get("/log")).text()
    for said in ("#7-1", "#8-1", "+49 30 1234567", "Missed call", "Careful", "Ben", "Support", "Sales", "desk", "=1+1"):
        assert said in text, said
    assert "checkbox" not in text.split("<table")[1]


async def test_a_team_admin_sees_no_other_team_whatever_he_asks_for(desk: Desk) -> None:
    await fill(desk)
    other = team_id(desk.world, "other")
    foreign = replace(desk.accounts["boss"], username="rival", team="other")
    desk.accounts["rival"] = foreign
    client = await desk.logged_in("rival")
    for query in ("", f"?team={team_id(desk.world, 'acme')}", "?template=7", "?q=say"):
        assert "#7-1" not in await (await client.get(f"/log{query}")).text()
        assert len(await file_of(client, query)) == 1
    boss = await desk.logged_in("boss")
    assert len(await file_of(boss, f"?team={other}")) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["#7-1", "#8-1"]),
        ("?template=8", ["#8-1"]),
        ("?owner=nobody", ["#7-1"]),
        ("?state=done", []),
        ("?state=open&status=new", ["#7-1", "#8-1"]),
        ("?since=2026-11-22", ["#7-1"]),
        ("?until=2026-11-20", ["#8-1"]),
        ("?team=1", ["#7-1", "#8-1"]),
    ],
)
async def test_the_list_and_the_file_hold_the_same_orders(desk: Desk, query: str, found: list[str]) -> None:
    await fill(desk)
    client = await desk.logged_in("root")
    text = await (await client.get(f"/log/rows{query}")).text()
    assert sorted(re.findall(r"<strong>(#[\d-]+)</strong>", text)) == found
    assert sorted(row[0] for row in (await file_of(client, query))[1:]) == found


async def test_the_file_is_named_and_its_columns_are_in_the_readers_language(desk: Desk) -> None:
    await fill(desk)
    client = await desk.logged_in("boss")
    answer = await client.get("/log.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="work-orders-2026-11-23.csv"'
    head, *rows = await file_of(client)
    assert head[:4] == ["Order", "Template", "Title", "Customer"]
    first = dict(zip(head, next(row for row in rows if row[0] == "#8-1"), strict=True))
    assert first["Title"] == 'say "hi",\nplease'
    assert (first["Owner"], first["Creator's group"], first["Source"]) == ("Ben", "Support", "desk")
    assert first["Created"] == "2026-11-20 13:00:00"
    assert first["Finished"] == ""
    chinese = await client.get("/log.csv", headers={"Accept-Language": "zh"})
    assert "工单" in (await chinese.text()).splitlines()[0]


async def test_no_cell_of_the_file_is_a_formula(desk: Desk) -> None:
    field = Field("reason", "input", {"en": "=Reason"})
    desk.world.templates[8] = replace(desk.world.templates[8], fields=(field,))
    await fill(desk)
    client = await desk.logged_in("boss")
    rows = await file_of(client)
    careful = await file_of(client, "?template=8")
    cells = [cell for row in rows + careful for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r")]
    assert {"'=1+1", "'=cmd|'/c calc'!A1", "'+49301234567", "'@SUM(1)", "'=Reason"} <= set(cells)


@pytest.mark.parametrize("dangerous", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "  =1", "\uff1d1"])
def test_what_a_spreadsheet_takes_for_a_formula_is_defused(dangerous: str) -> None:
    assert defused(dangerous).startswith("'")


@pytest.mark.parametrize("harmless", ["", "x", "a=1", "1-2", "#7-1", "2026-11-23 12:00:00"])
def test_what_is_no_formula_stays_as_it_is(harmless: str) -> None:
    assert defused(harmless) == harmless


async def test_a_file_longer_than_what_is_read_at_once_has_every_order_once(desk: Desk) -> None:
    acme, support = team_id(desk.world, "acme"), group_id(desk.world, "acme", "support")
    for n in range(620):
        await work_order(desk.store, acme, support, at=NOON - timedelta(seconds=n // 7))
    rows = await file_of(await desk.logged_in("boss"))
    assert len(rows) == 621
    assert len({row[0] for row in rows}) == 621
