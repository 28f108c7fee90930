from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daemon.settings import Settings, difference, load

Write = Callable[..., Path]


def settings(write: Write, sound: dict[str, str], main: str = "", secret: str = "x", **files: str) -> Settings:
    return load(write(**{"workorderd.yaml": sound["workorderd.yaml"] + main, **files}), {"AMI": secret, "DB": secret})


def test_what_is_bound_at_the_start_needs_a_restart(write: Write, sound: dict[str, str]) -> None:
    old = settings(write, sound, "agi: {port: 81}\n")
    new = settings(write, sound, "    host: pbx.example\nhttp: {port: 81}\nagi: {port: 82}\ndatabase: {pool_size: 3}\n")
    assert difference(old, new) == ("pbxs[main].host", "database.pool_size", "http.port", "agi.port")
    assert difference(old, old) == ()


def test_pbxs_are_known_by_their_names(write: Write, sound: dict[str, str]) -> None:
    second = "  - {name: second, username: u, secret: {env: AMI}}\n"
    old, new = settings(write, sound), settings(write, sound, second)
    assert difference(old, new) == difference(new, old) == ("pbxs[second]",)


def test_a_changed_secret_is_named_and_not_shown(write: Write, sound: dict[str, str]) -> None:
    assert difference(settings(write, sound), settings(write, sound, secret="y")) == ("pbxs[main].secret",)


def test_the_other_files_are_applied_live(write: Write, sound: dict[str, str]) -> None:
    old = settings(write, sound)
    live = "locale: zh\ntime_zone: Asia/Shanghai\nretention: {calls_days: 3}\n"
    new = settings(write, sound, live, **{"teams.yaml": sound["teams.yaml"].replace("Zoe", "Zora")})
    assert old != new
    assert difference(old, new) == ()
