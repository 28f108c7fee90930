"""Who asks: by session or by token.

A session is a random cookie, whose hash is stored; it ends by log-out, by time, and with the account. A token comes in
the header Authorization, on /api/ only, and counts where both are sent.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web

from daemon.handlers.tokens import grant_of
from daemon.settings.models import Http
from daemon.storage import sessions
from daemon.web.parts import PARTS, PEOPLE, VISIT, Visit, WebParts

COOKIE: Final = "workorderd"
LONGEST: Final = 200
NEVER: Final = datetime.max.replace(tzinfo=UTC)


def cookie_name(http: Http) -> str:
    """With https only, the prefix lets browsers refuse one that another host set (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{COOKIE}" if http.secure_cookies else COOKIE


def token_hash(token: str) -> str:
    """What is stored of a cookie."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def is_api(request: web.Request) -> bool:
    """Whether a program asks, who gets problem documents."""
    return request.path.startswith("/api/")


def bearer_token(request: web.Request) -> str | None:
    """The token of a request to the API, which may be none of ours; None where there is none (RFC 6750, 2.1)."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if is_api(request) and scheme.lower() == "bearer" else None


async def find_visit(request: web.Request) -> Visit | None:
    """Who sent this token or this cookie; None where there is none, or it is over, or its person is gone."""
    token = bearer_token(request)
    return await _by_cookie(request) if token is None else await _by_token(request, token)


async def _by_token(request: web.Request, token: str) -> Visit | None:
    parts = request.app[PARTS]
    grant = await grant_of(parts.store, parts.world(), token, parts.clock())
    if grant is None:
        return None
    return Visit(grant.person, None, "", "", grant.expires_at or NEVER, grant.name, grant.scopes)


async def _by_cookie(request: web.Request) -> Visit | None:
    parts = request.app[PARTS]
    token = request.cookies.get(cookie_name(parts.http))
    if not token or len(token) > LONGEST:
        return None
    async with parts.store.glance() as connection:
        row = await sessions.find(connection, token_hash(token), parts.clock())
    person = request.app[PEOPLE].person(row.username) if row else None
    account = request.app[PEOPLE].account(row.username) if row else None
    if row is None or person is None or account is None:
        return None
    return Visit(person, account.language, row.token_hash, row.csrf, row.expires_at)


async def begin(request: web.Request, username: str, response: web.Response) -> None:
    """A new session with a new cookie, whatever the browser had before; that one ends."""
    parts = request.app[PARTS]
    token, now = parts.random_token(), parts.clock()
    expires = now + timedelta(hours=parts.http.session_hours)
    async with parts.store.write() as session:
        await sessions.forget_expired(session, now)
        if VISIT in request:
            await sessions.end(session, request[VISIT].token_hash)
        await sessions.add(session, token_hash(token), username, parts.random_token(), now, expires)
    _set_cookie(parts, response, token, round(parts.http.session_hours * 3600))


async def end(request: web.Request, response: web.Response) -> None:
    """Log out: the session is gone, its live pages end."""
    parts, visit = request.app[PARTS], request[VISIT]
    async with parts.store.write() as session:
        await sessions.end(session, visit.token_hash)
    parts.live.revoke(visit.token_hash)
    _set_cookie(parts, response, "", 0)


def _set_cookie(parts: WebParts, response: web.Response, token: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(parts.http),
        token,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=parts.http.secure_cookies,
    )
