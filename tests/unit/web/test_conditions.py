from __future__ import annotations

import json

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from daemon.errors import Fault, ForbiddenError, InvalidError, NotFoundError, RefusedError, StaleError
from daemon.web.api.conditions import NO_VERSION, key_of, refuse_version, wanted_version
from daemon.web.problems import MalformedError, problem_of


def version_in(*values: str) -> int | None:
    headers = CIMultiDict([("If-Match", value) for value in values])
    return wanted_version(make_mocked_request("PATCH", "/", headers=headers))


@pytest.mark.parametrize(
    ("values", "version"),
    [
        ((), None),
        (("*",), None),
        (('"3"',), 3),
        ((' "17" ',), 17),
        (('"999999999999999999"',), 999999999999999999),
        (('"3", "4"',), 4),
        (('"4"', 'W/"5", "a,b"'), 4),
    ],
)
def test_the_version_that_the_writer_has_seen(values: tuple[str, ...], version: int | None) -> None:
    assert version_in(*values) == version


@pytest.mark.parametrize("tag", ['W/"3"', '"03"', '"0"', '"-1"', '"abc"', '""', '"9999999999999999999"'])
def test_a_tag_that_we_never_gave_matches_nothing(tag: str) -> None:
    assert version_in(tag) == NO_VERSION


@pytest.mark.parametrize(
    "values", [("",), (",",), ("3",), ('"3',), ("3,",), ('"1" "2"',), ('"1"', "*"), ("**",), ('w/"3"',), ('""3""',)]
)
def test_what_is_no_tag_is_malformed(values: tuple[str, ...]) -> None:
    with pytest.raises(MalformedError):
        version_in(*values)


def test_a_condition_that_can_not_be_kept_is_not_ignored() -> None:
    refuse_version(make_mocked_request("POST", "/"))
    with pytest.raises(MalformedError):
        refuse_version(make_mocked_request("POST", "/", headers={"If-Match": "*"}))


def test_two_keys_are_none() -> None:
    headers = CIMultiDict([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    with pytest.raises(MalformedError):
        key_of(make_mocked_request("POST", "/", headers=headers))
    assert key_of(make_mocked_request("POST", "/", headers={"Idempotency-Key": "a" * 255})) == "a" * 255


@pytest.mark.parametrize(
    ("error", "conditional", "status", "rules"),
    [
        (StaleError(7), True, 412, ["stale"]),
        (StaleError(7), False, 409, ["stale"]),
        (InvalidError([Fault("/title", "too long", "too_long")]), False, 422, ["too_long"]),
        (MalformedError([Fault("", "no JSON", "json")]), False, 400, ["json"]),
        (NotFoundError("no"), True, 404, []),
        (ForbiddenError("no"), True, 403, []),
        (RefusedError("no"), True, 409, []),
        (ValueError("ours"), False, 500, []),
    ],
)
def test_errors_as_problems(error: Exception, conditional: bool, status: int, rules: list[str]) -> None:
    answer = problem_of(error, conditional=conditional)
    assert isinstance(answer.body, bytes)
    told = json.loads(answer.body)
    assert (answer.status, told["status"], [each["rule"] for each in told["errors"]]) == (status, status, rules)
    if isinstance(error, StaleError):
        assert answer.headers["ETag"] == '"7"'
        assert told["detail"] == "somebody else changed it: it is version 7 now"
