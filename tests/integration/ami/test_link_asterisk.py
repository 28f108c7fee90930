"""The link against a real Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from daemon.ami.errors import AmiDown
from daemon.ami.frames import Frame
from daemon.ami.link import Link, LinkSettings, State
from daemon.ami.translate import living, translate, waiting
from daemon.calls.events import CallerAbandoned, CallerJoined, QueueReached
from tests.integration.ami.scripted import Ears, linked

if TYPE_CHECKING:
    from daemon.demo.asterisk import PrivateAsterisk

pytestmark = pytest.mark.asterisk
CALLERS = 5
USER = "workorderd"


@pytest.fixture(params=["22", "16"])
async def pbx(request: pytest.FixtureRequest) -> AsyncIterator[PrivateAsterisk]:
    from daemon.demo.asterisk import AsteriskError, PrivateAsterisk

    try:
        installed = PrivateAsterisk(request.param)
    except AsteriskError as missing:
        pytest.skip(str(missing))
    async with installed as running:
        yield running


def _account(pbx: PrivateAsterisk) -> dict[str, object]:
    return {"username": USER, "secret": pbx.secret, "backoff_max": 0.05}


async def _callers(pbx: PrivateAsterisk, number: int, queue: str) -> None:
    """So many callers into the queue, who would wait for a minute."""
    await pbx.rx(f'dialplan add extension in,1,Queue,"{queue}" into link-test')
    await pbx.rx("dialplan add extension out,1,Wait,60 into link-test")
    for _ in range(number):
        await pbx.rx("channel originate Local/in@link-test/n extension out@link-test")


async def _empty_queue(link: Link) -> str:
    """A queue that nobody serves, so that callers stay."""
    items = await link.ask({"Action": "QueueStatus"})
    served = {item["Queue"] for item in items if item["Event"] == "QueueMember"}
    queues = [item["Queue"] for item in items if item["Event"] == "QueueParams"]
    return next((queue for queue in queues if queue not in served), queues[0])


def _kinds(frames: list[Frame], kind: type) -> int:
    return sum(isinstance(translate(frame.headers, frame.at), kind) for frame in frames)


async def test_callers_are_heard_live_in_the_snapshot_and_when_asterisk_stops(pbx: PrivateAsterisk) -> None:
    ears = Ears()
    async with linked(pbx.port, ears, **_account(pbx)) as link:
        await ears.until("up")
        await _callers(pbx, CALLERS, await _empty_queue(link))
        async with asyncio.timeout(20):
            while _kinds(ears.frames, CallerJoined) < CALLERS:
                await ears.until_frames(len(ears.frames) + 1)
        assert link.version.startswith(pbx.version)
        assert link.booted_at is not None
        assert {"system", "agent", "dialplan"} <= link.classes
        assert _kinds(ears.frames, QueueReached) == CALLERS
        entries = [item for item in await link.ask({"Action": "QueueStatus"}) if item["Event"] == "QueueEntry"]
        assert sorted(waiting(item, 0.0).position for item in entries) == list(range(1, CALLERS + 1))
        alive = {living(item).uniqueid for item in await link.ask({"Action": "CoreShowChannels"})}
        assert {waiting(item, 0.0).uniqueid for item in entries} <= alive
        await pbx.rx("core stop now")
        await ears.until("down")
        assert _kinds(ears.frames, CallerAbandoned) == CALLERS
        with pytest.raises(AmiDown):
            await link.action({"Action": "Ping"})


async def test_a_wrong_secret_is_refused(pbx: PrivateAsterisk) -> None:
    ears = Ears()
    settings = LinkSettings("pbx1", "127.0.0.1", pbx.port, USER, "wrong", backoff_max=600.0)
    link = Link(replace(settings, login_timeout=10.0), ears, clock=lambda: 0.0, jitter=lambda: 1.0)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(link.run())
        while link.state is not State.REFUSED:
            await pbx.rx("core show uptime")
        assert link.last_error == "Authentication failed"
        assert ears.heard == []
        running.cancel()
