"""The status page: which PBX is in sight, when one was not, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from daemon.storage import lists, sight
from daemon.web.parts import PARTS, visit_of
from daemon.web.rendering import page


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/status", show_status)
    router.add_get("/status/content", show_status_content)


async def show_status(request: web.Request) -> web.Response:
    """The whole page."""
    return page(request, "status.html", **await _status(request))


async def show_status_content(request: web.Request) -> web.Response:
    """What an open page asks for on news."""
    return page(request, "status_content.html", **await _status(request))


async def _status(request: web.Request) -> Mapping[str, Any]:
    """Everything of the PBXs that serve his team, or all teams."""
    parts, visit = request.app[PARTS], visit_of(request)
    teams = parts.world().pbx_teams
    status = parts.status()
    seen = {visit.sight.team_id, None}
    links = [link for link in status.links if visit.sight.team_id is None or teams.get(link.pbx) in seen]
    names = {link.pbx for link in links}
    async with parts.store.read() as session:
        gaps = [gap for gap in await sight.gaps(session, limit=50) if gap.pbx in names]
        count = await lists.open_item_count(session, visit.sight)
    return {"process": status, "links": links, "gaps": gaps, "missed_count": count}
