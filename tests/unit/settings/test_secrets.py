from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.settings import ConfigError, Report, check, load
from daemon.settings.secrets import Keeper

Write = Callable[..., Path]
HASH = "$argon2id$v=19$m=65536,t=3,p=4$my5aW6QrM8AGmfuUx7VRWg$ykv1AWIK81MjGJT8jJzCxU4+1Vh0kbmIxzL/NSGUO+Y"
ENVIRON = {
    "AMI": "hunter2",
    "EMPTY": "",
    "LINES": "hunter2\nAction: Originate",
    "URL": "postgresql://desk:hunter2@db/desk",
}


def reported(write: Write, sound: dict[str, str], secret: str, more: str = "", **environ: str) -> Report:
    main = sound["workorderd.yaml"].replace("{env: AMI}", secret) + more
    return check(write(**{"workorderd.yaml": main}), {**ENVIRON, **environ})


REFUSED = {
    "hunter2": "a secret never stands in the file itself; {env: NAME} or {file: PATH} is allowed",
    "123456": "a secret never stands in the file itself; {env: NAME} or {file: PATH} is allowed",
    "": "a secret never stands in the file itself; {env: NAME} or {file: PATH} is allowed",
    "[hunter2]": "is no reference to a secret; {env: NAME} or {file: PATH} is allowed",
    "{hunter2: x}": "is no reference to a secret; {env: NAME} or {file: PATH} is allowed",
    "{env: AMI, file: x}": "is no reference to a secret; {env: NAME} or {file: PATH} is allowed",
    "{env: [AMI]}": "is no reference to a secret; {env: NAME} or {file: PATH} is allowed",
    "{env: A-B}": "is no environment variable; letters, digits and _ are allowed in its name",
    "{env: NOT_SET}": "the environment variable NOT_SET is not set; set it, or write {file: PATH}",
    "{env: EMPTY}": "the environment variable EMPTY is empty; a secret is wanted",
    "{env: LINES}": "the environment variable LINES has line breaks or control characters; one line is allowed",
    "{file: nowhere}": "there is no file",
    "{file: templates}": "there is no file",
    '{file: "a\\0b"}': "there is no file",
}


@pytest.mark.parametrize("written", REFUSED)
def test_a_secret_is_only_referred_to(written: str, write: Write, sound: dict[str, str]) -> None:
    problems = reported(write, sound, written).problems
    assert [(each.line, each.message.removeprefix("secret: ")[: len(REFUSED[written])]) for each in problems] == [
        (4, REFUSED[written])
    ]


def test_a_file_holds_one_line(tmp_path: Path, write: Write, sound: dict[str, str]) -> None:
    secret = tmp_path / "ami"
    secret.write_bytes(b"hunter2\r\n")
    secret.chmod(0o600)
    report = reported(write, sound, "{file: ami}")
    assert report.settings is not None
    assert report.settings.main.pbxs[0].secret.get_secret_value() == "hunter2"
    assert report.warnings == ()
    secret.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in reported(write, sound, "{file: ami}").problems[0].message
    secret.write_bytes(b"x" * 70_000)
    assert "at most 65536 bytes" in reported(write, sound, "{file: ami}").problems[0].message


def test_a_file_that_anybody_can_read_is_a_warning(tmp_path: Path, write: Write, sound: dict[str, str]) -> None:
    (tmp_path / "ami").write_text("hunter2")
    (tmp_path / "ami").chmod(0o644)
    report = reported(write, sound, "{file: ami}")
    assert [(each.line, each.column) for each in report.warnings] == [(4, 13)]
    assert "chmod o-r" in report.warnings[0].message
    assert report.settings is not None


def test_systemds_credentials_come_before_the_folder(tmp_path: Path) -> None:
    credentials, folder = tmp_path / "credentials", tmp_path / "config"
    for each, text in ((credentials, "theirs"), (folder, "ours")):
        each.mkdir()
        (each / "ami").write_text(text)
    (folder / "mail").write_text("ours too")
    keeper = Keeper(folder, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert keeper.find({"file": "ami"}).value == "theirs"
    assert keeper.find({"file": "mail"}).value == "ours too"
    assert keeper.find({"file": str(folder / "ami")}).value == "ours"


def test_a_database_without_a_password_may_be_written_out(write: Write, sound: dict[str, str]) -> None:
    for url in ("sqlite:////var/lib/x.sqlite", "postgresql://desk@db/desk", "postgresql+asyncpg:///desk"):
        report = reported(write, sound, "{env: AMI}", f"database: {{url: '{url}'}}\n")
        assert report.settings is not None
        assert report.settings.main.database.url.get_secret_value() == url


@pytest.mark.parametrize(
    "url", ["postgresql://desk:hunter2@db/desk", "postgresql://db/desk?password=hunter2", "postgresql://a:hunter2@@b/c"]
)
def test_a_database_with_a_password_may_not(url: str, write: Write, sound: dict[str, str]) -> None:
    (problem,) = reported(write, sound, "{env: AMI}", f"database: {{url: '{url}'}}\n").problems
    assert (problem.line, problem.column) == (5, 17)
    assert problem.message.startswith("url: an address with a password never stands in the file itself")
    assert reported(write, sound, "{env: AMI}", "database: {url: {env: URL}}\n").settings is not None


def test_a_password_hash_may_be_written_out_and_is_argon2(write: Write, sound: dict[str, str]) -> None:
    teams = sound["teams.yaml"].replace("name: Root", f"name: Root, password_hash: {HASH}")
    assert load(write(**{"teams.yaml": teams.replace(f" {HASH}", f" '{HASH}'")}), ENVIRON)
    (problem,) = check(write(**{"teams.yaml": teams.replace(HASH, "hunter2")}), ENVIRON).problems
    assert str(problem).endswith(
        "teams.yaml:2:55: password_hash: is no argon2 hash; what `workorderd hash-password` prints is allowed"
    )


def test_an_empty_hash_is_no_hash(write: Write, sound: dict[str, str]) -> None:
    teams = sound["teams.yaml"].replace("name: Root", 'name: Root, password_hash: ""')
    (problem,) = check(write(**{"teams.yaml": teams}), ENVIRON).problems
    assert problem.message == "password_hash: is empty; {env: NAME} or {file: PATH} is allowed, or no such key"


def test_no_secret_is_ever_shown(write: Write, sound: dict[str, str]) -> None:
    spoilt = [
        *REFUSED,
        "{env: AMI}\n    port: 70000\n    secrett: hunter2",
        "{env: URL}\n    queue_log: {database: mysql://u:hunter2@h/d}",
        "{env: URL}\n    queue_log: {database: {env: AMI}}",
        "!hunter {env: AMI}",
    ]
    for written in spoilt:
        report = reported(write, sound, written, "")
        assert report.problems
        assert "hunter2" not in str(ConfigError(report.problems)) + repr(report).replace("hunter2: x", "")
    report = reported(write, sound, "{env: AMI}", "database: {url: {env: URL}}\n")
    assert report.settings is not None
    assert "hunter2" not in repr(report) + str(report.settings) + report.settings.model_dump_json()
