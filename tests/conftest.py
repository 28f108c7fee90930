"""Real, private Asterisks, started once for all tests that want one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from daemon.demo.asterisk import AsteriskError, PrivateAsterisk, Version

DESKS = 60

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


def _started(version: Version) -> Iterator[PrivateAsterisk]:
    try:
        pbx = PrivateAsterisk(version, desks=DESKS)
    except AsteriskError as missing:
        if os.environ.get("WORKORDERD_REQUIRE_ASTERISK"):
            raise
        pytest.skip(str(missing))
    asyncio.run(pbx.__aenter__())
    yield pbx
    asyncio.run(pbx.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def asterisk22() -> Iterator[PrivateAsterisk]:
    """Asterisk 22 with 60 desks; tests/asterisk/test_rig.py plays at 1 to 40. Never stop it: start one of your own."""
    yield from _started("22")


@pytest.fixture(scope="session")
def asterisk16() -> Iterator[PrivateAsterisk]:
    """The same with Asterisk 16."""
    yield from _started("16")


@pytest.fixture(params=["22", "16"])
def asterisk(request: pytest.FixtureRequest) -> PrivateAsterisk:
    """Each in turn."""
    started: PrivateAsterisk = request.getfixturevalue(f"asterisk{request.param}")
    return started
