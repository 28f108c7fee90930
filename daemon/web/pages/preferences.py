"""What somebody has chosen for his browser: the language of the pages, and whether single keys are shortcuts."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from daemon.storage import lists
from daemon.web.forms import first, read_form
from daemon.web.headers import SECURE
from daemon.web.parts import LANGUAGES, PARTS, visit_of
from daemon.web.rendering import page

LANGUAGE_COOKIE: Final = "workorderd_language"
SHORTCUTS_COOKIE: Final = "workorderd_shortcuts"
YEAR: Final = 365 * 24 * 3600  # seconds


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/preferences", show_preferences)
    router.add_post("/preferences", keep)


def chosen_language(request: web.Request) -> str | None:
    """The tag that was chosen in this browser, if there is such a language."""
    tag = request.cookies.get(LANGUAGE_COOKIE, "")
    return tag if tag in request.app[LANGUAGES].known else None


async def show_preferences(request: web.Request) -> web.Response:
    """GET: the form."""
    visit = visit_of(request)
    async with request.app[PARTS].store.read() as session:
        count = await lists.open_item_count(session, visit.sight)
    return page(
        request,
        "preferences.html",
        languages={
            tag: known.locale.get_display_name(known.locale) or tag
            for tag, known in request.app[LANGUAGES].known.items()
        },
        chosen=chosen_language(request),
        missed_count=count,
        kept=request.query.get("notice") == "kept",
    )


async def keep(request: web.Request) -> web.StreamResponse:
    """POST: kept in this browser for a year."""
    form = await read_form(request)
    response = web.HTTPSeeOther("/preferences?notice=kept")
    tag = first(form, "language")
    known = tag in request.app[LANGUAGES].known
    for name, value in (
        (LANGUAGE_COOKIE, tag if known else ""),
        (SHORTCUTS_COOKIE, "" if first(form, "shortcuts") else "off"),
    ):
        response.set_cookie(
            name,
            value,
            max_age=YEAR if value else 0,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=request.app[SECURE],
        )
    raise response
