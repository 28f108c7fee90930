"""GET /healthz: the process lives. GET /readyz: it can do its work, or why it can't."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from daemon.web.parts import PARTS

PATIENCE: Final = 3.0  # seconds for the database to answer


async def show_alive(_request: web.Request) -> web.Response:
    """GET /healthz."""
    return web.json_response({"status": "alive"})


async def show_ready(request: web.Request) -> web.Response:
    """GET /readyz: 200 when the database answers and every PBX is in sight; else 503 with reasons."""
    parts = request.app[PARTS]
    reasons = list(parts.status().reasons)
    try:
        async with asyncio.timeout(PATIENCE):
            await parts.store.ping()
    except (SQLAlchemyError, OSError, TimeoutError):
        reasons.insert(0, "the database does not answer")
    return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)
