"""The sample's company and a rival on one system, for tests of who may what: the real configuration, two teams."""

from __future__ import annotations

import shutil
from pathlib import Path

from daemon.handlers.configuration import apply_settings
from daemon.handlers.world import World
from daemon.settings import load
from daemon.storage.engine import Store
from tests.builders import NOON

SAMPLE = Path(__file__).parents[2] / "config"

_TEAM = """
  - name: rival
    label: Rival Inc.
    region: US
    admins: [{username: rival-boss, name: Their boss}]
    agents: [{number: 2000, name: Olga, username: olga}]
    groups: [{name: desk, agents: [2000], admins: [2000]}]
"""
_TEMPLATE = "id: 90\nname: theirs\nteam: rival\nrange: [desk]\n"


def furnish(folder: Path) -> Path:
    """A copy of the sample with a second team; gives the configuration folder."""
    config = folder / "config"
    shutil.copytree(SAMPLE, config)
    teams = config / "teams.yaml"
    teams.write_text(teams.read_text() + _TEAM)
    (config / "templates" / "theirs.yaml").write_text(_TEMPLATE)
    return config


async def applied(store: Store, config: Path) -> World:
    """The world of a configuration, as at start or after a reload."""
    async with store.write() as session:
        return await apply_settings(session, load(config), NOON)


def edit(config: Path, file: str, old: str, new: str) -> None:
    """Change a file of the configuration; what is to be changed must be there."""
    path = config / file
    text = path.read_text()
    assert old in text, (file, old)
    path.write_text(text.replace(old, new, 1))
