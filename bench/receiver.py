"""A receiver of webhooks that verifies each by the independent library, and misbehaves as often as it is told to."""

from __future__ import annotations

import asyncio
import base64
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"a secret for tests, no more").decode()
CONFIG = """
webhooks:
  endpoints:
{endpoints}
outbox:
  attempts: 1000
  first_pause_seconds: {first_pause}
  longest_pause_minutes: {longest_pause}
"""
ENDPOINT = """    - name: {name}
      team: acme
      url: {url}
      events: ["order.*"]
      allow_private: true
      timeout_seconds: 2
      secrets: [{{file: secrets/hook}}]
"""


@dataclass
class Receiver:
    """What arrived. `trouble`: how many of a hundred requests are answered by 500, left hanging, and cut off."""

    trouble: tuple[int, int, int] = (0, 0, 0)
    chance: random.Random = field(default_factory=lambda: random.Random(11))
    bodies: dict[str, bytes] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    again: int = 0
    asked: int = 0
    faults: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def take(self, request: web.Request) -> web.StreamResponse:
        """POST /ENDPOINT: note the first time that a message is taken, in the line of its order."""
        self.asked += 1
        body, id_ = await request.read(), request.headers["webhook-id"]
        message: dict[str, Any] = Webhook(SECRET).verify(body, dict(request.headers))
        if self.bodies.setdefault(id_, body) != body:
            self.faults.append(f"{id_} came with another body")
        dice, (wrong, hangs, cut) = self.chance.randrange(100), self.trouble
        if dice < wrong:
            return web.Response(status=500, text="<b>not now</b>")
        if dice < wrong + hangs:
            await asyncio.Event().wait()
        if dice < wrong + hangs + cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        line = self.lines[f"{request.path} {message['data']['order']['id']}"]
        if id_ in line:
            self.again += 1
        else:
            line.append(id_)
        return web.Response(text="thanks")

    @property
    def count(self) -> int:
        """Messages that arrived, each once."""
        return sum(map(len, self.lines.values()))


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    """It listens until the block is left."""
    app = web.Application()
    app.router.add_post("/{name}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = int(runner.addresses[0][1])
    try:
        yield receiver
    finally:
        await runner.cleanup()


def config_of(urls: dict[str, str], first_pause: float = 0.1, longest_pause: float = 0.01) -> str:
    """What is added to workorderd.yaml: endpoints by name, and how impatient the outbox is (seconds, minutes)."""
    endpoints = "".join(ENDPOINT.format(name=name, url=url) for name, url in urls.items())
    return CONFIG.format(endpoints=endpoints.rstrip("\n"), first_pause=first_pause, longest_pause=longest_pause)
