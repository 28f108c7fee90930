"""The popup's panel, on every page of an agent and on pages of its own.

It is drawn whole, whatever changed. What it was drawn of has a key; an open page names the key that it shows and gets
204 when that is still so, and its own state: which call is looked at, which result asks for more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web
from markupsafe import Markup

from daemon.handlers.popup import Known, OnDesk, call_asked_for, know, number_asked_for, on_desk
from daemon.orders.results import Result
from daemon.web.moments import offered_at
from daemon.web.parts import LANGUAGE, PARTS, POPUP, VISIT, visit_of
from daemon.web.rendering import render

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Looking:
    """What an agent looks at: `call` or `number` on a page of its own, else the panel with `shown`.

    `asking`: the result that he chose and that demands more; `faults`: what is missing, by field.
    """

    call: int | None = None
    number: str = ""
    shown: str = ""
    asking: str = ""
    note: str | None = None
    callback_at: str = ""
    callback_for: str = "me"
    faults: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    onward: str = "/"

    @property
    def alone(self) -> bool:
        """Whether it is a page of its own."""
        return self.call is not None or bool(self.number)


@web.middleware
async def with_popup(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page that an agent opens shows his calls from its first moment on."""
    visit = request.get(VISIT)
    page_wanted = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    has_place = "HX-Request" not in request.headers and request.path != "/popup"  # which draws its own
    if visit and visit.person.agent and page_wanted and has_place:
        request[POPUP] = (await draw(request, Looking(onward=request.path_qs))).html
    return await handler(request)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The panel, and the key of what it was drawn of, which it carries."""

    html: Markup
    key: str


async def draw(request: web.Request, looking: Looking) -> Drawn:
    """The panel as its reader sees it now. Raises NotFoundError for a call that is not there."""
    body = render(request, "popup_panel.html", **await _data(request, looking))
    key = sha256(body.encode()).hexdigest()[:16]
    carried = Markup('<input type="hidden" name="key" value="{}" data-popup-state>').format(key)
    return Drawn(Markup(body) + carried, key)  # noqa: S704 - the template has escaped it


async def _data(request: web.Request, looking: Looking) -> dict[str, Any]:
    parts, visit = request.app[PARTS], visit_of(request)
    world, at, agent = parts.world(), parts.clock(), visit.person.agent
    async with parts.store.read() as session:
        if looking.call is not None:
            desk: tuple[OnDesk, ...] = (await call_asked_for(session, world, agent, visit.sight, looking.call),)
        elif looking.number:
            team = world.teams.get(visit.person.team_id or 0)
            desk = (number_asked_for(team, looking.number, at),) if team else ()
        else:
            desk = await on_desk(session, world, agent, parts.ringing.of(agent.id), at) if agent else ()
        shown = next((each for each in desk if each.key == looking.shown), desk[0] if desk else None)
        known = await know(session, world, agent, visit.sight, shown) if shown else Known()
    return {
        "desk": desk,
        "shown": shown,
        "known": known,
        "looking": looking,
        "agents": {each.id: each.name for each in world.agents.values()},
        "modules": world.modules,
        "asking": _asking(shown, looking),
        "offered_at": offered_at(at, request[LANGUAGE].zone),
        "may_act": agent is not None,
    }


def _asking(shown: OnDesk | None, looking: Looking) -> Result | None:
    offered = shown.module.results if shown and shown.module else ()
    return next((each for each in offered if each.identity == looking.asking), None)


async def show(request: web.Request, looking: Looking, shows: str = "") -> web.Response:
    """The panel as an answer; `shows` is the key of what the page shows already: 204 when it is the same."""
    drawn = await draw(request, looking)
    if shows == drawn.key:
        return web.Response(status=204)
    return web.Response(text=drawn.html, content_type="text/html")
