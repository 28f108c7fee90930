"""Headers of every answer: a browser runs only our own scripts and styles, and frames us nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Pico draws its icons from data: addresses
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",  # the live stream of all tabs
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
TRANSPORT: Final = "max-age=31536000"


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Put them on an answer that is about to be sent; what is not said to be kept is kept nowhere."""
    for name, value in _headers(request.get(FRAMED_BY, ())).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.popall("Server", None)
    if request.app.get(SECURE, False):
        response.headers.setdefault("Strict-Transport-Security", TRANSPORT)


def _headers(framed_by: Sequence[str]) -> Mapping[str, str]:
    if not framed_by:
        return HEADERS
    sites = " ".join(("'self'", *framed_by))
    policy = POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {sites}")
    others = {name: value for name, value in HEADERS.items() if name != "X-Frame-Options"}
    return {**others, "Content-Security-Policy": policy}


SECURE: Final = web.AppKey("secure", bool)
FRAMED_BY: Final = web.RequestKey("framed_by", tuple[str, ...])
"""The sites that may show this answer in a frame; by default none may."""
