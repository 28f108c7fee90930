"""What an admin writes about webhooks, and what is refused at its place."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.orders.notices import Happening
from daemon.settings import Report, check
from daemon.settings.words import happenings

Write = Callable[..., Path]
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
ENVIRON = {"AMI": "hunter2", "HOOK": KEY, "NEW": KEY, "WEAK": "whsec_QUFB"}


def reported(write: Write, sound: dict[str, str], hooks: str) -> Report:
    return check(write(**{"workorderd.yaml": sound["workorderd.yaml"] + "\nwebhooks:\n" + hooks}), ENVIRON)


def endpoint(name: str = "crm", team: str = "acme", url: str = "https://crm.example/hooks?a=b", more: str = "") -> str:
    return f"    - {{name: {name}, team: {team}, url: '{url}', secrets: [{{env: HOOK}}, {{env: NEW}}]{more}}}\n"


def test_endpoints_and_sources_are_read(write: Write, sound: dict[str, str]) -> None:
    source = "  sources:\n    - {name: erp, team: acme, rights: [results], secrets: [{env: HOOK}]}\n"
    report = reported(write, sound, "  endpoints:\n" + endpoint(more=", events: [order.*, call.ended]") + source)
    assert report.problems == ()
    assert report.settings is not None
    [crm] = report.settings.main.webhooks.endpoints
    assert [secret.get_secret_value() for secret in crm.secrets] == [KEY, KEY]
    assert (crm.events, crm.allow_private) == (("order.*", "call.ended"), False)


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        (endpoint(url="ftp://crm.example/"), "is no address of a receiver"),
        (endpoint(url="https://user:secret@crm.example/"), "is no address of a receiver"),
        (endpoint(url="https://crm.example/a b"), "is no address of a receiver"),
        (endpoint(more=", events: [order.creatd]"), "order.created"),
        (endpoint(more=", events: []"), "events"),
        (endpoint(team="nobody"), "there is no team"),
        (endpoint() + endpoint(), "already that of an endpoint"),
        (endpoint().replace("{env: NEW}", "{env: WEAK}"), "24 to 64 random bytes"),
        (endpoint().replace("{env: NEW}", KEY), "never stands in the file itself"),
    ],
)
def test_mistakes_are_refused_and_no_secret_is_told(write: Write, sound: dict[str, str], hooks: str, said: str) -> None:
    problems = [str(each) for each in reported(write, sound, "  endpoints:\n" + hooks).problems]
    assert len(problems) == 1, problems
    assert said in problems[0]
    assert KEY not in problems[0]


def test_an_address_in_clear_is_warned_of(write: Write, sound: dict[str, str]) -> None:
    warnings = [
        str(each) for each in reported(write, sound, "  endpoints:\n" + endpoint(url="http://crm.example/")).warnings
    ]
    assert any("in clear" in each for each in warnings)


def test_patterns_stand_for_events() -> None:
    assert happenings("*") == frozenset(Happening)
    assert happenings("missed_call.*") == {Happening.MISSED_OPENED, Happening.MISSED_AGAIN, Happening.MISSED_CLOSED}
    assert happenings("call.*") == {Happening.CALL_ENTERED, Happening.CALL_ANSWERED, Happening.CALL_ENDED}
    assert happenings("nothing.*") == frozenset()
