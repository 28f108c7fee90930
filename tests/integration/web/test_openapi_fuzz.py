from __future__ import annotations

from pathlib import Path

from daemon.web.api.incoming import INCOMING
from daemon.web.api.routes import OPERATIONS
from tests.integration.web.bearer import token_of
from tests.integration.web.fuzz import furnished, fuzz

EXAMPLES = 5


async def test_a_machine_that_invents_requests_finds_that_we_answer_as_we_document(tmp_path: Path) -> None:
    async with furnished(tmp_path) as desk:
        found = await fuzz(desk, examples=EXAMPLES, seed=20261123, token=token_of("fuzz"))
    assert found.failures == {}
    assert found.errors == []
    assert found.broken == []
    for_agents = [each for each in OPERATIONS if each.method == "GET" and each.scope != "deliveries:read"]
    assert {f"GET {each.path}" for each in for_agents} <= found.succeeded


async def test_to_who_shows_nothing_everything_is_a_401(tmp_path: Path) -> None:
    async with furnished(tmp_path) as desk:
        found = await fuzz(desk, examples=EXAMPLES, seed=20261123, token=None)
    assert found.failures == {}
    assert {status for label, status in found.statuses if INCOMING not in label} == {401}
    assert {status for label, status in found.statuses if INCOMING in label} <= {401, 405}  # nobody has to log in there
    known = {f"{each.method} {each.path}" for each in OPERATIONS}
    assert {label for label, _ in found.statuses} == {*known, f"POST {INCOMING}"}
