"""queue_log as a realtime table, filled while the daemon is down as Asterisk's res_config would fill it."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from daemon.demo.asterisk import PrivateAsterisk
from daemon.demo.desks import Desk
from tests.acceptance.conftest import fresh_database
from tests.acceptance.rig import (
    CALLS,
    DEADLINE,
    GAPS,
    ORDERS,
    Outpost,
    orders_of,
    somebody_gives_up,
    somebody_is_answered,
    somebody_waits,
    until,
)

pytestmark = pytest.mark.asterisk

COLUMNS = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5"
TABLE = (
    "CREATE TABLE asterisk_queue_log (id {id}, "
    + ", ".join(f"{column} varchar(100)" for column in COLUMNS.split(", "))
    + ")"
)


class Table:
    """The table; `pump` writes into it what Asterisk has written into its file since."""

    def __init__(self, url: str, pbx: PrivateAsterisk) -> None:
        self.url = url
        self._pbx = pbx
        self.rows = 0
        self._pumped = pbx.queue_log.stat().st_size

    async def create(self) -> None:
        await self._run(TABLE.format(id="integer PRIMARY KEY" if self._is_sqlite else "serial PRIMARY KEY"))

    async def pump(self) -> None:
        with self._pbx.queue_log.open() as file:
            file.seek(self._pumped)
            rows = [line.rstrip("\n").split("|") for line in file]
            self._pumped = file.tell()
        for at, *rest in rows:
            time = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d %H:%M:%S.000000")
            values = [time, *rest, *[""] * (9 - len(rest))]
            await self._run(f"INSERT INTO asterisk_queue_log ({COLUMNS}) VALUES ({', '.join(map(quoted, values))})")
        self.rows += len(rows)

    @property
    def _is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    async def _run(self, sql: str) -> None:
        if self._is_sqlite:
            with sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=10) as connection:
                connection.execute(sql)
            return
        connection = await asyncpg.connect(self.url)
        await connection.execute(sql)
        await connection.close()


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_rows_of_a_table_tell_of_the_gap(
    kind: str, request: pytest.FixtureRequest, house: Outpost, desk: Desk, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/asterisk.sqlite"
    if kind == "postgresql":
        url = await fresh_database(request.getfixturevalue("postgresql"))
    table = Table(url, house.pbx)
    await table.create()
    house.with_pbx(queue_log=f'{{database: "{url}", table: asterisk_queue_log}}')
    await house.start()
    seen = await somebody_gives_up(desk)
    waits = await somebody_waits(desk)
    await table.pump()
    await house.until("SELECT count(*) FROM call WHERE state = 'waiting'", [(1,)])
    await house.kill()
    await waits.hang_up()
    unseen = await somebody_gives_up(desk)
    served = await somebody_is_answered(desk)
    await until_written(house.pbx, served.uniqueid)
    await table.pump()
    await house.start()
    await house.until(ORDERS, orders_of(seen, waits, unseen))
    live = await somebody_gives_up(desk)
    await until_written(house.pbx, live.uniqueid)
    await table.pump()
    orders = orders_of(seen, waits, unseen, live)
    await house.until(ORDERS, orders)
    await house.until("SELECT position FROM queue_log_cursor", [(table.rows,)])
    assert house.query(ORDERS) == orders
    assert house.query(CALLS) == sorted([*orders, (served.uniqueid, "answered")])
    assert house.query(GAPS) == [(True, "")]


async def until_written(pbx: PrivateAsterisk, uniqueid: str) -> None:
    """Asterisk writes its rows from a thread of their own."""
    await until(
        lambda: re.search(rf"\|{re.escape(uniqueid)}\|.*\|(ABANDON|COMPLETE)", pbx.queue_log.read_text()) is not None,
        DEADLINE,
        lambda: pbx.queue_log.read_text()[-1000:],
    )
