"""A small valid configuration, to be spoilt one line at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SOUND = {
    "workorderd.yaml": """\
pbxs:
  - name: main
    username: daemon
    secret: {env: AMI}
""",
    "teams.yaml": """\
system_admins:
  - {username: root-admin, name: Root}
teams:
  - name: acme
    region: DE
    agents:
      - {number: 1000, name: Anna, username: anna}
      - {number: 1001, name: Ben, username: ben}
    groups:
      - {name: support, agents: [1000], admins: [1000]}
      - {name: sales, agents: [1001], admins: [1001]}
  - name: zeta
    region: CN
    agents:
      - {number: 1000, name: Zoe, username: zoe}
    groups:
      - {name: care, agents: [1000], admins: [1000]}
""",
    "queues.yaml": """\
calendars:
  - name: office
    hours: [{days: [mon], from: 08:00, to: 18:00}]
modules:
  - {name: desk, team: acme}
  - {name: care_desk, team: zeta}
queues:
  - name: support
    module: desk
""",
    "call_results.yaml": """\
call_results:
  - module: desk
    results:
      - {id: done, labels: {en: Done}}
""",
    "templates/one.yaml": """\
id: 1
name: one
team: acme
range: [support, sales]
""",
    "templates/two.yaml": """\
id: 2
name: two
team: zeta
range: [care]
""",
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the sound configuration with some of its files replaced; None leaves a file out."""

    def _write(**changed: str | None) -> Path:
        texts: dict[str, str | None] = {**SOUND, **changed}
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")
        return tmp_path

    return _write


@pytest.fixture
def sound() -> dict[str, str]:
    return dict(SOUND)
