"""Asterisk's side as `workorderd dialplan` writes it, read by a linter that knows each version's applications."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from daemon import dialplan
from daemon.settings import load

SAMPLE = Path(__file__).parents[2] / "config"
LINTER = Path(sys.executable).with_name("asterisklint")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    main = load(SAMPLE).main
    dialplan.write(tmp_path, dialplan.filled(main, main.pbxs[0]))
    (tmp_path / "extensions.conf").write_text('[general]\n[globals]\n#include "extensions_workorderd.conf"\n')
    return tmp_path


def complaints(folder: Path, version: str) -> list[str]:
    """What the linter finds; it says so by its exit code, too."""
    command = [LINTER, "dialplan-check", "--asterisk-version", version, folder / "extensions.conf"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = (said.stdout + said.stderr).splitlines()
    assert bool(found) == bool(said.returncode), said
    return found


@pytest.mark.parametrize("version", ["13", "20", "22"])
def test_the_linter_finds_nothing_in_the_dialplan(folder: Path, version: str) -> None:
    assert complaints(folder, version) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("GosubIf(", "GosubIff(", "E_APP_MISSING"),
        ("workorderd-left,s", "workorderd-lefft,s", "E_DP_GOTO_NOCONTEXT"),
        ("same => n,Return()", "same => Return()", "E_DP_PRIO_INVALID"),
    ],
)
def test_the_linter_would_find_a_mistake(folder: Path, right: str, wrong: str, complaint: str) -> None:
    file = folder / "extensions_workorderd.conf"
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong))
    assert any(complaint in line for line in complaints(folder, "22"))
