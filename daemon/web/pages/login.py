"""GET and POST /login, POST /logout."""

from __future__ import annotations

import math
from urllib.parse import quote

import structlog
from aiohttp import web

from daemon.web import session
from daemon.web.addresses import client_address, networks, safe_next
from daemon.web.forms import first, read_form
from daemon.web.parts import ATTEMPTS, PARTS, PASSWORDS, PEOPLE, VISIT
from daemon.web.rendering import page

LOGGED_IN = "web.logged_in"
REFUSED = "web.login_refused"
THROTTLED = "web.login_throttled"

log = structlog.get_logger()


def add_routes(router: web.UrlDispatcher) -> None:
    """What this page answers to."""
    router.add_get("/login", show_login)
    router.add_post("/login", log_in)
    router.add_post("/logout", log_out)


async def show_login(request: web.Request) -> web.StreamResponse:
    """The form; who is logged in already goes on."""
    onward = safe_next(request.query.get("next", "/"))
    if VISIT in request:
        return web.Response(status=303, headers={"Location": onward})
    return page(request, "login.html", onward=onward, username="", trouble="")


async def log_in(request: web.Request) -> web.StreamResponse:
    """A new session, or the form again; the same answer whether the name or the password is wrong."""
    parts = request.app[PARTS]
    form = await read_form(request)
    username, password, onward = (
        first(form, "username").strip(),
        first(form, "password"),
        safe_next(first(form, "next")),
    )
    address = client_address(request, networks(parts.http.trusted_proxies))
    wait = request.app[ATTEMPTS].begin(username, address)
    if wait is not None:
        log.warning(THROTTLED, username=username[:64], address=address)
        minutes, retry = math.ceil(wait.total_seconds() / 60), {"Retry-After": str(math.ceil(wait.total_seconds()))}
        return page(
            request,
            "login.html",
            status=429,
            headers=retry,
            onward=onward,
            username=username,
            trouble="wait",
            minutes=minutes,
        )
    account = request.app[PEOPLE].account(username)
    right = await request.app[PASSWORDS].right(account.password_hash if account else None, password)
    if not right or account is None or request.app[PEOPLE].person(username) is None:
        log.warning(REFUSED, username=username[:64], address=address)
        return page(request, "login.html", status=401, onward=onward, username=username, trouble="wrong")
    request.app[ATTEMPTS].succeeded(username, address)
    response = web.Response(status=303, headers={"Location": onward})
    await session.begin(request, account.username, response)
    log.info(LOGGED_IN, username=account.username, address=address)
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    """The session is over, here and in every open page of it."""
    response = web.Response(status=303, headers={"Location": "/login"})
    await session.end(request, response)
    return response


def login_address(onward: str) -> str:
    """The log-in page that goes on to a path of ours."""
    return "/login" if onward == "/" else f"/login?next={quote(onward, safe='')}"
