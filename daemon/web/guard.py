"""What every request passes before its handler: who is it, may it, and how is an error told.

    measured -> told -> visited -> guarded -> with_popup (pages/popup_panel.py) -> handler

Closed by default: a route needs a log-in unless OPEN names it; of those in NAMELESS nobody asks who it is. Whoever
writes must come from our own pages and, when he is logged in, show his session's CSRF token: in the form field `csrf`
or the header X-CSRF-Token. A program that shows a token on /api/ need not: no browser sends that by itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from daemon.errors import WorkorderdError
from daemon.language import Language
from daemon.storage.engine import OUTAGES
from daemon.web.addresses import is_own
from daemon.web.forms import FORM_TYPE, first, read_form
from daemon.web.pages.error import show_error
from daemon.web.pages.login import login_address
from daemon.web.pages.preferences import chosen_language
from daemon.web.parts import LANGUAGE, LANGUAGES, PARTS, POSITION, VISIT
from daemon.web.problems import problem, problem_of
from daemon.web.session import bearer_token, find_visit, is_api

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NAMELESS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/static/{name}", "/favicon.ico"})
OPEN: Final = NAMELESS | {"/login", "/api/v1/openapi.json"}
SIGNED: Final = frozenset({"/popup"})  # a signature in the address opens these, if the page finds it right
FILES: Final = frozenset({"/work-orders/{id}/attachments"})  # its handler looks for the token before it takes a file
HOOKS: Final = "/api/v1/webhooks/in/"  # what comes in below this is signed, and verified there
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CHALLENGE: Final = 'Bearer realm="workorderd"'  # RFC 6750, 3
UNEXPECTED: Final = "web.unexpected_error"
DATABASE_SILENT: Final = "web.database_silent"

log = structlog.get_logger()


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
        return _tell_error(request, error)
    except WorkorderdError as error:
        return _tell_error(request, error)
    except OUTAGES as error:
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


def _tell_error(request: web.Request, error: web.HTTPException | WorkorderdError) -> web.StreamResponse:
    answer = problem_of(error, conditional="If-Match" in request.headers)
    if is_api(request):
        return answer
    headers = {name: value for name, value in answer.headers.items() if name in {"Allow", "Retry-After"}}
    return show_error(request, answer.status, str(error) if isinstance(error, WorkorderdError) else "", headers=headers)


@web.middleware
async def visited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks, and in which language he reads."""
    visit = None if _route(request) in NAMELESS else await find_visit(request)
    if visit is not None:
        request[VISIT] = visit
        request[LANGUAGE] = _language(request, visit.language)
    return await handler(request)


def _language(request: web.Request, wanted: str | None) -> Language:
    return request.app[LANGUAGES].choose(chosen_language(request) or wanted, request.headers.get("Accept-Language", ""))


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse who is not logged in, and writes that do not come from our own pages."""
    signed = _route(request) in SIGNED and "signature" in request.query
    if request.path.startswith(HOOKS):
        return await handler(request)
    if VISIT not in request and _route(request) not in OPEN and not signed:
        return _ask_to_log_in(request)
    if request.method not in READING and not await _is_meant(request):
        return _tell(request, 403, "the request does not come from our pages: its Origin or CSRF token is wrong")
    return await handler(request)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def _ask_to_log_in(request: web.Request) -> web.StreamResponse:
    if is_api(request) or request.path == "/live":
        return _ask_for_token(request)
    here = request.path_qs if request.method == "GET" and not wants_fragment(request) else "/"
    address = login_address(here)
    if wants_fragment(request):
        return web.Response(status=401, headers={"HX-Redirect": address})
    return web.Response(status=303, headers={"Location": address})


def _ask_for_token(request: web.Request) -> web.StreamResponse:
    if bearer_token(request) is None:
        return problem(401, "log in at /login, or send a token", headers={"WWW-Authenticate": CHALLENGE})
    detail = "this token is not known, is over, or was revoked"
    return problem(401, detail, headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'})


async def _is_meant(request: web.Request) -> bool:
    if VISIT in request and request[VISIT].token is not None:
        return True
    if not is_own(request, request.app[PARTS].http):
        return False
    if VISIT not in request or request.path == "/login":
        return True
    shown = request.headers.get("X-CSRF-Token")
    if shown is None and _route(request) in FILES and request.content_type == "multipart/form-data":
        return True
    if shown is None and not is_api(request) and request.content_type == FORM_TYPE:
        shown = first(await read_form(request), "csrf")
    return shown is not None and hmac.compare_digest(shown.encode(errors="replace"), request[VISIT].csrf.encode())
