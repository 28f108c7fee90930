"""Where a request comes from, and whether it comes from our own pages."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from daemon.settings.models import Http

Network = IPv4Network | IPv6Network
NUMBER: Final = r":[0-9]{1,18}}"
ID: Final = "{id" + NUMBER  # the part of a path that names a row
OWN_SITES: Final = frozenset({"same-origin", "none"})


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as the configuration writes them."""
    return tuple(ip_network(text, strict=False) for text in texts)


def client_address(request: web.Request, proxies: Sequence[Network]) -> str:
    """The browser's address: the last one of X-Forwarded-For that is no trusted proxy's, read from the right.

    The header counts only where a trusted proxy sent it; anybody can write one.
    """
    address = request.remote or ""
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    while hops and _inside(address, proxies):
        nearer = hops.pop().strip()
        if not _is_address(nearer):
            break
        address = nearer
    return address


def is_own(request: web.Request, http: Http) -> bool:
    """Whether a browser sent this from our own pages: by Origin and Sec-Fetch-Site, where it says so."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in OWN_SITES:
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    ours = {request.host} | ({urlsplit(http.base_url).netloc} if http.base_url else set())
    return bool(host) and host in ours


def safe_next(wanted: str) -> str:
    """A path of ours to go on to; `/` for anything that leads elsewhere."""
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if inside and "\\" not in wanted and wanted.isascii() and len(wanted) <= 2000 else "/"


def _inside(address: str, proxies: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
