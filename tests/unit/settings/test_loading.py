from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pytest

from daemon.settings import ConfigError, Settings, check, database_path, load

ENVIRON = {"AMI": "s3cret", "EMPTY": "", "TWO_LINES": "a\nAction: Command", "URL": "postgresql://u:pw@db/name"}
PROJECT = Path(__file__).parents[3]
Write = Callable[..., Path]


def said(folder: Path) -> list[str]:
    """The problems, with files relative to the folder."""
    return [str(problem).removeprefix(f"{folder}/") for problem in check(folder, ENVIRON).problems]


def warned(folder: Path) -> list[str]:
    return [str(problem).removeprefix(f"{folder}/") for problem in check(folder, ENVIRON).warnings]


def test_a_sound_configuration_has_neither_problems_nor_warnings(write: Write) -> None:
    report = check(write(), ENVIRON)
    assert (report.problems, report.warnings) == ((), ())
    assert isinstance(report.settings, Settings)
    assert report.settings == load(write(), ENVIRON)


def test_values_arrive_as_they_were_meant(write: Write, sound: dict[str, str]) -> None:
    queues = (
        sound["queues.yaml"].replace("08:00", "8:00") + "    missed: {blacklist: [+49190*, 0800], minimum_wait: 3}\n"
    )
    queues = queues.replace("hours:", "holidays: [2026-12-25]\n    hours:")
    teams = sound["teams.yaml"].replace("support", '"no"').replace("1001", "0001")
    settings = load(write(**{"queues.yaml": queues, "teams.yaml": teams, "templates/one.yaml": None}), ENVIRON)
    missed, calendar = settings.queues.queues[0].missed, settings.queues.calendars[0]
    assert missed.blacklist == ("+49190*", "0800")
    assert missed.minimum_wait == 3
    assert (calendar.holidays, calendar.hours[0].from_) == ((date(2026, 12, 25),), time(8))
    assert settings.teams.teams[0].groups[0].name == "no"
    assert settings.teams.teams[0].agents[1].number == "0001"
    assert settings.main.pbxs[0].secret.get_secret_value() == "s3cret"


def test_no_yes_on_and_off_are_words(write: Write, sound: dict[str, str]) -> None:
    for word in ("no", "yes", "on", "off", "y", "null", "true"):
        teams = sound["teams.yaml"].replace("support", word if word != "null" else '"null"')
        folder = write(
            **{"teams.yaml": teams, "templates/one.yaml": f'id: 1\nname: one\nteam: acme\nrange: ["{word}"]\n'}
        )
        assert load(folder, ENVIRON).teams.teams[0].groups[0].name == word


def test_relative_paths_are_taken_from_the_folder(write: Write, sound: dict[str, str]) -> None:
    folder = write(**{"workorderd.yaml": sound["workorderd.yaml"] + "    queue_log: {file: log}\n"})
    (folder / "log").write_text("")
    queue_log = load(folder, ENVIRON).main.pbxs[0].queue_log
    assert queue_log is not None
    assert queue_log.model_dump() == {"file": folder / "log"}


def test_a_relative_database_stands_beside_the_folder() -> None:
    folder = Path("/etc/workorderd")
    assert database_path("sqlite:///var/x.sqlite", folder) == Path("/etc/var/x.sqlite")
    assert database_path("sqlite:////var/lib/x.sqlite?timeout=1", folder) == Path("/var/lib/x.sqlite")
    assert database_path("postgresql://db/name", folder) is None


def test_the_sample_loads_on_a_bare_checkout() -> None:
    report = check(PROJECT / "config", {})
    assert report.problems == ()
    assert all("demo-ami" in warning.message for warning in report.warnings)
    assert report.settings is not None
    flow = next(template.flow for template in report.settings.templates if template.name == "ecommerce")
    assert [node.group for node in flow] == ["sales", "finance", "warehouse", "logistics", "creator"]


def test_everybody_in_the_sample_logs_in_with_demo() -> None:
    from argon2 import PasswordHasher

    teams = load(PROJECT / "config", {}).teams
    people = [*teams.system_admins, *teams.teams[0].admins, *teams.teams[0].agents]
    assert all(person.password_hash for person in people)
    first = people[0].password_hash
    assert first is not None
    assert PasswordHasher().verify(first.get_secret_value(), "demo")


def test_loading_needs_nothing_heavy() -> None:
    code = (
        "import sys; from pathlib import Path; from daemon.settings import check; check(Path('config'), {});"
        "print([name for name in ('sqlalchemy', 'aiohttp', 'phonenumbers', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_error_is_one_line_for_each_problem(write: Write) -> None:
    folder = write(**{"teams.yaml": None, "workorderd.yaml": "pbxs: []\n"})
    with pytest.raises(ConfigError) as caught:
        load(folder, ENVIRON)
    assert str(caught.value).splitlines() == [
        f"{folder}/workorderd.yaml:1:7: pbxs: an empty list; at least 1 entry is wanted",
        f"{folder}/teams.yaml:1:1: there is no such file; this one is a must",
    ]


def test_queues_call_results_and_templates_may_be_missing(write: Write) -> None:
    left_out = ("queues.yaml", "call_results.yaml", "templates/one.yaml", "templates/two.yaml")
    settings = load(write(**dict.fromkeys(left_out)), ENVIRON)
    assert (settings.queues.queues, settings.call_results.call_results, settings.templates) == ((), (), ())


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert said(tmp_path / "nowhere") == [
        f"{name}:1:1: there is no such file; this one is a must" for name in ("workorderd.yaml", "teams.yaml")
    ]


def test_files_that_are_not_read_are_named(write: Write) -> None:
    folder = write(**{"queue.yaml": "a: 1", "templates/three.yml": "a: 1"})
    assert warned(folder) == [
        "queue.yaml:1:1: this file is not read; did you mean queues.yaml?",
        "templates/three.yml:1:1: this file is not read; names that end in .yaml are",
    ]


def test_mistakes_in_many_files_are_all_said_at_once(write: Write) -> None:
    folder = write(
        **{
            "workorderd.yaml": """\
pbxs:
  - name: Main
    hots: 127.0.0.1
    port: 99999
    username: daemon
    secret: hunter2
    team: amce
http: {port: true}
locale: xx
time_zone: Europe/Berlni
log: {level: chatty}
""",
            "teams.yaml": """\
teams:
  - name: acme
    region: XX
    agents:
      - {number: 10a, name: Anna, username: anna}
      - {number: 1001, name: Ben, username: Anna}
    groups:
      - {name: support, agents: [1002]}
""",
            "queues.yaml": """\
calendars:
  - {name: office, hours: [{days: [mo], from: 25:00, to: 18:00}]}
modules:
  - {name: desk, team: acme, team: acme}
queues:
  - {name: support, module: desk, missed: {create: automatic, internal_numbers: "["}}
  - {name: Support, module: desk}
""",
            "call_results.yaml": "call_results:\n  - module: desk\n    results: []\n",
            "templates/one.yaml": "id: 1\nname: one\nteam: acme\nrange: [suport]\nfields: [{identity: a1}]\n",
            "templates/two.yaml": "id: [\n",
        }
    )
    assert said(folder) == [
        "workorderd.yaml:2:11: name: 'Main'; lower-case letters, digits, - and _ are allowed, a letter first",
        "workorderd.yaml:3:5: 'hots' is no key here; did you mean host?",
        "workorderd.yaml:4:11: port: 99999; at most 65535 is allowed",
        "workorderd.yaml:6:13: secret: a secret never stands in the file itself; "
        "{env: NAME} or {file: PATH} is allowed",
        "workorderd.yaml:7:11: there is no team 'amce'; did you mean acme?",
        "workorderd.yaml:8:14: port: true; a whole number is allowed",
        "workorderd.yaml:9:9: locale: 'xx' is no language; a code such as en, zh or pt_BR is allowed",
        "workorderd.yaml:10:12: time_zone: 'Europe/Berlni' is no time zone; "
        "a name such as Europe/Berlin or UTC is allowed; did you mean Europe/Berlin?",
        "workorderd.yaml:11:14: level: 'chatty'; 'debug', 'info', 'warning' or 'error' is allowed",
        "teams.yaml:3:13: region: 'XX' is no region; two letters of ISO 3166 such as DE or CN are allowed",
        "teams.yaml:5:18: number: '10a'; 1 to 20 digits are allowed",
        f"teams.yaml:6:45: username: 'Anna' is already that of somebody in the whole system ({folder}/teams.yaml:5)",
        "teams.yaml:8:34: there is no agent '1002'; did you mean 1001?",
        "queues.yaml:2:36: days[0]: 'mo'; 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun' is allowed; "
        "did you mean mon?",
        "queues.yaml:2:47: from: '25:00' is no time of day; 00:00 to 23:59 is allowed",
        "queues.yaml:4:30: 'team' stands here a second time; once is allowed",
        "queues.yaml:6:52: create: automatic needs a template; name one, or write manual",
        "queues.yaml:6:81: internal_numbers: '[' is no regular expression (unterminated character set at position 0); "
        "one such as [0-9]{3,4} is allowed",
        f"queues.yaml:7:12: name: 'Support' on every PBX is already a queue ({folder}/queues.yaml:6)",
        "call_results.yaml:3:14: results: an empty list; at least 1 entry is wanted",
        "templates/one.yaml:4:9: there is no group 'suport'; did you mean support?",
        "templates/one.yaml:5:10: 'display_as' is missing here; it is a must",
        "templates/one.yaml:5:21: identity: 'a1'; 1 to 40 letters A to Z are allowed",
        "templates/two.yaml:2:1: YAML: while parsing a flow node, did not find expected node content",
    ]
