"""`workorderd import-customers`, as somebody types it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text
from typer.testing import CliRunner

from daemon.app import open_store
from daemon.cli import app
from daemon.handlers.configuration import apply_settings
from daemon.settings import load
from daemon.storage.schema import migrate

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The sample configuration, with which workorderd has run once."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)

    async def run_once() -> None:
        settings = load(folder)
        store = open_store(folder, settings)
        await migrate(store)
        async with store.write() as session:
            await apply_settings(session, settings, datetime.now(UTC))
        await store.close()

    asyncio.run(run_once())
    return folder


def imported(config: Path, file: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["import-customers", str(file), "--team", "acme", "--config", str(config), *more])


def written(config: Path, lines: Iterable[str]) -> Path:
    file = config.parent / "customers.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def stored(config: Path) -> list[tuple[str, str]]:
    async def names() -> list[tuple[str, str]]:
        store = open_store(config, load(config))
        async with store.read() as session:
            rows = (await session.execute(text("SELECT name, kind FROM customer ORDER BY id"))).all()
        await store.close()
        return [(row[0], row[1]) for row in rows]

    return asyncio.run(names())


def test_the_sample_comes_in_once(config: Path) -> None:
    sample = ROOT / "docs/samples/customers.csv"
    first, second = imported(config, sample), imported(config, sample)
    assert (first.exit_code, first.stdout) == (0, f"{sample}: 3 customers created, 0 updated\n")
    assert (second.exit_code, second.stdout) == (0, f"{sample}: 0 customers created, 0 updated\n")
    assert [name for name, _ in stored(config)] == ["Ada Lovelace", "Example GmbH", "Bob Miller"]


def test_mistakes_are_told_with_file_and_line_and_nothing_is_written(config: Path) -> None:
    file = written(config, ["name;phone", "Ada;030 1234567", ";n/a"])
    done = imported(config, file)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-3:] == [
        f"{file}:3: name: is missing",
        f"{file}:3: phone: 'n/a' has no digits that could be dialled",
        "2 mistake(s): nothing was imported",
    ]
    assert stored(config) == []


def test_a_dry_run_only_looks(config: Path) -> None:
    file = written(config, ["name", "Ada"])
    done = imported(config, file, "--dry-run")
    assert (done.exit_code, done.stdout) == (0, f"{file}: 2 lines in order; nothing was written\n")
    assert stored(config) == []
    assert imported(config, written(config, ["name", '"Ada']), "--dry-run").exit_code == 1


def test_the_kind_is_of_those_who_say_none(config: Path) -> None:
    file = written(config, ["name,kind", "Ada,individual", "Acme,"])
    assert imported(config, file, "--kind", "enterprise").exit_code == 0
    assert stored(config) == [("Ada", "individual"), ("Acme", "enterprise")]


def test_elsewhere_than_on_a_terminal_progress_is_told_in_lines(config: Path) -> None:
    done = imported(config, written(config, ["name", *(f"Customer {n}" for n in range(999))]))
    told = [line for line in done.stderr.splitlines() if line.startswith("customers.csv: ")]
    assert 5 <= len(told) <= 10
    assert told[-1].endswith("of 1000 lines looked at")
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("file", "more", "told"),
    [
        ("nowhere.csv", (), "No such file or directory"),
        (".", (), "Is a directory"),
        ("here.csv", ("--team", "nobody"), "there is no team nobody; there are: acme"),
    ],
)
def test_what_can_not_be_is_told_in_a_line(config: Path, file: str, more: tuple[str, ...], told: str) -> None:
    (config.parent / "here.csv").write_text("name\nAda\n")
    done = imported(config, config.parent / file, *more)
    assert done.exit_code == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_another_version_is_named(config: Path) -> None:
    (config.parent / "var/workorderd.sqlite").unlink()
    done = imported(config, written(config, ["name", "Ada"]))
    assert (done.exit_code, "run `workorderd migrate`" in done.stderr) == (1, True)
