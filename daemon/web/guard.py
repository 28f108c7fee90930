"""What every request passes before its handler: who is it, may it, and how is an error told.

    measured -> told -> visited -> guarded -> handler

Closed by default: a route needs a log-in unless OPEN names it; of those in NAMELESS nobody asks who it is. Whoever
writes must come from our own pages and, when he is logged in, show his session's CSRF token: in the form field `csrf`
or the header X-CSRF-Token.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from sqlalchemy.exc import InterfaceError, OperationalError

from daemon.errors import WorkorderdError
from daemon.web.addresses import is_own
from daemon.web.forms import FORM_TYPE, first, read_form
from daemon.web.language import Language
from daemon.web.pages.error import show_error
from daemon.web.pages.login import login_address
from daemon.web.parts import LANGUAGE, LANGUAGES, PARTS, POSITION, VISIT
from daemon.web.problems import InvalidError, problem, status_of
from daemon.web.session import find_visit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NAMELESS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/static/{name}", "/favicon.ico"})
OPEN: Final = NAMELESS | {"/login", "/api/v1/openapi.json"}
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
UNEXPECTED: Final = "web.unexpected_error"
DATABASE_SILENT: Final = "web.database_silent"

log = structlog.get_logger()


def is_api(request: web.Request) -> bool:
    """Whether a program asks, who gets problem documents."""
    return request.path.startswith("/api/")


def wants_fragment(request: web.Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return "HX-Request" in request.headers


@web.middleware
async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes an answer that says what was wrong: a problem document, or a page that he can read."""
    request[LANGUAGE] = _language(request, None)
    request[POSITION] = request.app[PARTS].live.position  # taken before anything is read
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _tell(request, error.status, headers=_kept_headers(error))
    except InvalidError as error:
        if is_api(request):
            return problem(422, "the request says what is not allowed", error.faults)
        return show_error(request, 422, str(error))
    except WorkorderdError as error:
        return _tell(request, status_of(error), str(error))
    except (OperationalError, InterfaceError) as error:
        log.error(DATABASE_SILENT, path=request.path, error=type(error.orig).__name__)
        return _tell(request, 503, headers={"Retry-After": "5"})
    except Exception:
        log.exception(UNEXPECTED, method=request.method, path=request.path)
        return _tell(request, 500)


def _tell(
    request: web.Request, status: int, detail: str = "", headers: dict[str, str] | None = None
) -> web.StreamResponse:
    if is_api(request):
        return problem(status, detail, headers=headers)
    return show_error(request, status, detail, headers=headers)


def _kept_headers(error: web.HTTPException) -> dict[str, str]:
    return {name: value for name, value in error.headers.items() if name in {"Allow", "Retry-After"}}


@web.middleware
async def visited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks, and in which language he reads."""
    visit = None if _route(request) in NAMELESS else await find_visit(request)
    if visit is not None:
        request[VISIT] = visit
        request[LANGUAGE] = _language(request, visit.language)
    return await handler(request)


def _language(request: web.Request, wanted: str | None) -> Language:
    return request.app[LANGUAGES].choose(wanted, request.headers.get("Accept-Language", ""))


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse who is not logged in, and writes that do not come from our own pages."""
    if VISIT not in request and _route(request) not in OPEN:
        return _ask_to_log_in(request)
    if request.method not in READING and not await _is_meant(request):
        return _tell(request, 403, "the request does not come from our pages: its Origin or CSRF token is wrong")
    return await handler(request)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def _ask_to_log_in(request: web.Request) -> web.StreamResponse:
    if is_api(request) or request.path == "/live":
        return problem(401, "log in at /login first")
    here = request.path_qs if request.method == "GET" and not wants_fragment(request) else "/"
    address = login_address(here)
    if wants_fragment(request):
        return web.Response(status=401, headers={"HX-Redirect": address})
    return web.Response(status=303, headers={"Location": address})


async def _is_meant(request: web.Request) -> bool:
    if not is_own(request, request.app[PARTS].http):
        return False
    if VISIT not in request or request.path == "/login":
        return True
    shown = request.headers.get("X-CSRF-Token")
    if shown is None and not is_api(request) and request.content_type == FORM_TYPE:
        shown = first(await read_form(request), "csrf")
    return shown is not None and hmac.compare_digest(shown.encode(errors="replace"), request[VISIT].csrf.encode())
