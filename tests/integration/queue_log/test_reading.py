"""queue_log from a durable cursor: rotated, truncated, half-written, as a file and as a table."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from daemon.ami.queue_log import Cursor, FileLog, Page, TableLog, parse_line
from daemon.storage.engine import Store, database_url


def line(n: int, event: str = "ABANDON") -> str:
    return f"{1700000000 + n}|17.{n}|support|NONE|{event}|1|1|{n}\n"


def ids(page: Page) -> list[str]:
    return [row.uniqueid for row, _ in page.rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "queue_log"
    file.write_text(line(1) + line(2))
    return file


def write(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_a_first_reading_begins_at_the_end(path: Path) -> None:
    log = FileLog(path)
    cursor = await log.end()
    write(path, line(3))
    assert ids(await log.read(cursor)) == ["17.3"]


async def test_reading_goes_on_where_it_stopped(path: Path) -> None:
    log = FileLog(path)
    page = await log.read(Cursor())
    assert ids(page) == ["17.1", "17.2"]
    assert ids(await log.read(page.cursor)) == []
    write(path, line(3))
    assert ids(await log.read(page.cursor)) == ["17.3"]


async def test_each_row_knows_the_cursor_behind_it(path: Path) -> None:
    log = FileLog(path)
    [(_, behind_first), _] = (await log.read(Cursor())).rows
    assert ids(await log.read(behind_first)) == ["17.2"]


async def test_a_line_that_is_being_written_waits(path: Path) -> None:
    log = FileLog(path)
    cursor = await log.end()
    write(path, line(3)[:20])
    page = await log.read(cursor)
    assert (ids(page), page.torn) == ([], False)
    write(path, line(3)[20:])
    assert ids(await log.read(page.cursor)) == ["17.3"]


async def test_rotation_by_rename_loses_nothing(path: Path) -> None:
    log = FileLog(path)
    cursor = await log.end()
    write(path, line(3))
    path.rename(path.with_name("queue_log.1"))
    path.write_text(line(4))
    page = await log.read(cursor)
    assert (ids(page), page.torn) == (["17.3", "17.4"], False)
    write(path, line(5))
    assert ids(await log.read(page.cursor)) == ["17.5"]


async def test_several_rotations_while_nobody_read_lose_nothing(path: Path) -> None:
    import os

    log = FileLog(path)
    cursor = await log.end()
    for n in (3, 4):
        write(path, line(n))
        os.utime(path, (1700000000 + n, 1700000000 + n))
        path.rename(path.with_name(f"queue_log.{n}"))
        path.touch()
    write(path, line(5))
    assert ids(await log.read(cursor)) == ["17.3", "17.4", "17.5"]


async def test_a_truncated_copy_is_read_anew_and_said(path: Path) -> None:
    log = FileLog(path)
    cursor = await log.end()
    path.write_text(line(3))
    page = await log.read(cursor)
    assert (ids(page), page.torn) == (["17.3"], True)


async def test_a_lost_file_is_said(path: Path) -> None:
    log = FileLog(path)
    cursor = await log.end()
    replacement = path.with_name("new")
    replacement.write_text(line(3))
    replacement.rename(path)
    page = await log.read(cursor)
    assert (ids(page), page.torn) == (["17.3"], True)


async def test_no_file_is_an_error_and_not_an_empty_log(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await FileLog(tmp_path / "none").read(Cursor())


@pytest.mark.parametrize(
    "junk",
    [
        b"\n",
        b"nonsense\n",
        b"x|1|2|3|ABANDON\n",
        b"-5|1|2|3|ABANDON\n",
        b"1700000000|1|2|3|junk\n",
        b"\xff|\xfe|a|b|C\n",
    ],
)
def test_junk_is_no_row(junk: bytes) -> None:
    assert parse_line(junk) is None


def test_a_row_keeps_strange_bytes_as_text() -> None:
    row = parse_line(b"1700000000|17.1|s\xff|Anna|ENTERQUEUE||0|30\r\n")
    assert row is not None
    assert (row.queue, row.data) == ("s\ufffd", ("", "0", "30"))


def test_a_row_with_what_no_database_takes_is_made_harmless() -> None:
    row = parse_line(b"1700000000|17.1|support|NONE|ENTERQUEUE||03\x000\x1b1|1\n")
    assert row is not None
    assert row.data == ("", "03 0 1", "1")


async def test_a_realtime_table_is_read_by_id(store: Store) -> None:
    async with store.write() as session:
        await session.execute(
            text(
                "CREATE TABLE queue_log (id INTEGER PRIMARY KEY, time VARCHAR(26), callid VARCHAR(50), queuename"
                " VARCHAR(50), agent VARCHAR(50), event VARCHAR(20), data1 VARCHAR(50), data2 VARCHAR(50),"
                " data3 VARCHAR(50), data4 VARCHAR(50), data5 VARCHAR(50))"
            )
        )
    url = store.url.render_as_string(hide_password=False)
    log = TableLog(url, "queue_log", ZoneInfo("Europe/Berlin"))
    assert (await log.end()).offset == 0
    async with store.write() as session:
        for n, at in ((1, "2026-07-01 12:00:00.500000"), (2, "1700000002"), (3, "rubbish")):
            await session.execute(
                text(
                    "INSERT INTO queue_log (id, time, callid, queuename, agent, event, data1)"
                    f" VALUES ({n}, '{at}', '17.{n}', 'support', 'NONE', 'ENTERQUEUE', '')"
                )
            )
    page = await log.read(Cursor())
    assert [(row.uniqueid, row.at) for row, _ in page.rows] == [("17.1", 1782900000.5), ("17.2", 1700000002.0)]
    assert (await log.read(page.cursor)).cursor.offset == 2
    await log.close()


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not supported"):
        database_url("oracle://x")


async def test_rotation_with_a_date_in_the_name_loses_nothing(path: Path) -> None:
    import os

    log = FileLog(path)
    cursor = await log.end()
    for n in (3, 4):
        write(path, line(n))
        os.utime(path, (1700000000 + n, 1700000000 + n))
        path.rename(path.with_name(f"queue_log-2026112{n}"))
        path.touch()
    write(path, line(5))
    page = await log.read(cursor)
    assert (ids(page), page.torn) == (["17.3", "17.4", "17.5"], False)


async def test_a_renamed_file_is_read_on_until_asterisk_makes_a_new_one(path: Path) -> None:
    log = FileLog(path)
    cursor = await log.end()
    renamed = path.rename(path.with_name("queue_log.1"))
    write(renamed, line(3))
    page = await log.read(cursor)
    assert (ids(page), page.torn) == (["17.3"], False)
    write(renamed, line(4))
    path.write_text(line(5))
    assert ids(await log.read(page.cursor)) == ["17.4", "17.5"]


async def test_a_rotated_file_too_large_for_one_reading_is_read_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = FileLog(path)
    cursor = await log.end()
    write(path, "".join(map(line, range(3, 9))))
    path.rename(path.with_name("queue_log.1"))
    path.write_text(line(9))
    monkeypatch.setattr("daemon.ami.queue_log.CHUNK", 100)
    read: list[str] = []
    while found := ids(page := await log.read(cursor)):
        read, cursor = [*read, *found], page.cursor
    assert read == [f"17.{n}" for n in range(3, 10)]


async def test_rows_of_a_table_that_were_not_taken_are_offered_again(store: Store) -> None:
    log = TableLog(store.url.render_as_string(hide_password=False), "queue_log")

    async def insert(*numbers: int) -> None:
        async with store.write() as session:
            for n in numbers:
                await session.execute(
                    text(
                        "INSERT INTO queue_log (id, time, callid, queuename, agent, event)"
                        f" VALUES ({n}, '{1700000000 + n}', '17.{n}', 'support', 'NONE', 'ABANDON')"
                    )
                )

    async with store.write() as session:
        await session.execute(
            text(
                "CREATE TABLE queue_log (id INTEGER PRIMARY KEY, time VARCHAR(26), callid VARCHAR(50), queuename"
                " VARCHAR(50), agent VARCHAR(50), event VARCHAR(20), data1 VARCHAR(50), data2 VARCHAR(50),"
                " data3 VARCHAR(50), data4 VARCHAR(50), data5 VARCHAR(50))"
            )
        )
    await insert(1, 2)
    cursor = await log.end()
    assert ids(await log.read(cursor)) == []
    await insert(3, 5)
    page = await log.read(cursor)
    assert ids(page) == ["17.3", "17.5"]
    assert ids(await log.read(cursor)) == ["17.3", "17.5"]
    behind_first = page.rows[0][1]
    assert ids(await log.read(behind_first)) == ["17.5"]
    await insert(4)  # of a transaction that was open longer
    page = await log.read(page.cursor)
    assert ids(page) == ["17.4"]
    assert ids(await log.read(page.cursor)) == []
    assert (await log.read(Cursor(inode=7, offset=99))).torn  # it was a file before
    await log.close()


async def test_where_the_file_of_the_cursor_is_gone_later_rotations_are_still_read(path: Path) -> None:
    import os

    log = FileLog(path)
    page = await log.read(Cursor())
    path.rename(path.with_name("queue_log.2")).unlink()  # packed by logrotate
    path.with_name("queue_log.2.gz").write_bytes(b"packed")
    path.with_name("queue_log.1").write_text(line(3))
    os.utime(path.with_name("queue_log.1"), (1700000003, 1700000003))
    path.write_text(line(4))
    page = await log.read(page.cursor)
    assert (ids(page), page.torn) == (["17.3", "17.4"], True)


async def test_a_database_that_does_not_answer_holds_up_live_calls_once_and_not_again_at_once() -> None:
    calls: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: calls.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    log = TableLog(f"postgresql://nobody@127.0.0.1:{port}/asterisk", "queue_log", patience=0.2)
    with pytest.raises(OSError, match=r"longer than 0\.2 s"):
        await log.read(Cursor())
    with pytest.raises(OSError, match="a moment ago"):
        await log.read(Cursor())
    assert len(calls) == 1
    await log.close()
    for writer in calls:
        writer.close()
    server.close()


@pytest.mark.parametrize("time", ["nan", "inf", "-1", "1e300", "yesterday", ""])
async def test_a_row_of_a_table_without_a_time_is_none(store: Store, time: str) -> None:
    if not store.is_sqlite:
        pytest.skip("the same on both")
    async with store.write() as session:
        columns = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5"
        await session.execute(text(f"CREATE TABLE queue_log (id INTEGER PRIMARY KEY, {columns})"))
        values = "(:time, '1.1', 'support', 'NONE', 'ABANDON', '1', '1', '5', '', '')"
        await session.execute(text(f"INSERT INTO queue_log ({columns}) VALUES {values}"), {"time": time})
    page = await TableLog(store.url.render_as_string(hide_password=False), "queue_log").read(Cursor())
    assert page.rows == ()
