"""Results that a PBX reports by UserEvent, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from daemon.calls.events import ResultReported
from daemon.handlers.live import News
from daemon.handlers.reported import Reports
from daemon.handlers.world import World
from daemon.storage.engine import Store
from daemon.storage.tables import CallResultChoiceRow, CallResultRow, CallRow
from tests.builders import NOON, agent_id, answered_call, team_id
from tests.integration.rivals import applied, furnish


@dataclass
class Office:
    store: Store
    world: World
    reports: Reports
    told: asyncio.Queue[News]
    call: CallRow

    def says(self, result: str = "solved", agent: str = "1001", uniqueid: str = "", note: str = "") -> None:
        event = ResultReported(1.0, uniqueid or self.call.uniqueid, agent, result, note)
        self.reports.hear(self.call.pbx, event)

    async def results(self) -> list[tuple[str, str]]:
        async with self.store.read() as session:
            return [(row.result, row.note) for row in await session.scalars(select(CallResultRow))]


@pytest.fixture
async def office(store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    world = await applied(store, furnish(tmp_path))
    call = await answered_call(store, team_id(world, "acme"), agent_id(world, "ben"))
    told = asyncio.Queue[News]()
    reports = Reports(store, lambda: world, told.put_nowait, lambda: NOON)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(reports.run())
        yield Office(store, world, reports, told, call)
        running.cancel()


async def test_a_reported_result_is_kept_and_told(office: Office) -> None:
    office.says()
    assert (await office.told.get()).topic == "popup"
    assert await office.results() == [("solved", "")]


async def test_the_same_again_changes_nothing_and_another_does(office: Office) -> None:
    for result in ("solved", "solved", "solved", "wrong_number"):
        office.says(result)
    assert [(await office.told.get()).topic for _ in range(4)] == ["popup", "calls"] * 2
    assert await office.results() == [("wrong_number", "")]
    async with office.store.read() as session:
        choices = await session.scalars(select(CallResultChoiceRow).order_by(CallResultChoiceRow.n))
        assert [choice.result for choice in choices] == ["solved", "wrong_number"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"uniqueid": "no.such"},
        {"agent": "2000"},  # of the rival team
        {"agent": "'; DROP TABLE call_result; --"},
        {"result": "no_such_result"},
    ],
)
async def test_what_is_not_right_is_refused_counted_and_forgotten(office: Office, wrong: dict[str, str]) -> None:
    office.says(**wrong)
    office.says(**wrong)
    office.says()
    await office.told.get()
    assert (len(office.reports.refused), office.reports.refused.total()) == (1, 2)
    assert await office.results() == [("solved", "")]
