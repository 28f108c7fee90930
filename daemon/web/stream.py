"""GET /live: server-sent events, one stream per browser (static/stream.js). What an event says: see live.py."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Final

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from daemon.handlers.live import News
from daemon.web.live import Inbox
from daemon.web.parts import PARTS, PEOPLE, visit_of
from daemon.web.problems import problem

HEARTBEAT: Final = 15.0  # seconds; proxies close what is silent for longer than 30 to 60
STALLED: Final = 30.0  # seconds after which a browser that takes nothing is gone


async def show_live(request: web.Request) -> web.StreamResponse:
    """Stream until the browser leaves, the session ends or the process stops.

    `session` in the address is the mark of the session whose pages want to hear; 401 where another has begun.
    """
    parts, people, visit = request.app[PARTS], request.app[PEOPLE], visit_of(request)
    if request.query.get("session", visit.mark) != visit.mark:
        return problem(401, "these pages belong to another session")

    def concerns(news: News) -> bool:
        return people.concerned(visit.person.username, news)

    left, agent = (visit.expires_at - parts.clock()).total_seconds(), visit.person.agent
    here = parts.presence.page(agent.id) if agent else nullcontext()
    with here, parts.live.listen(visit.token_hash, concerns, request.headers.get("Last-Event-ID")) as inbox:
        async with sse_response(request, ping_interval=HEARTBEAT, send_timeout=STALLED) as response:
            try:
                async with asyncio.timeout(left):
                    await _send_all(response, inbox)
            except (ConnectionError, TimeoutError):
                pass  # the browser left, stalled, or its session is over
    return response


async def _send_all(response: EventSourceResponse, inbox: Inbox) -> None:
    """As it is written once for all who hear it: news of a busy desk go to thousands at a time."""
    async for event in inbox:
        async with asyncio.timeout(STALLED):
            await response.write(event.wire)
