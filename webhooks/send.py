"""Sends a webhook, once, and says what came of it.

Nobody gets us to knock at doors inside the house: an address that is not public is refused unless the endpoint allows
it, after its name was resolved, and the connection goes to the address that was looked at, so that a name can't say
something else a moment later. Redirects are not followed. What answers gets a few seconds and may say a few bytes.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from webhooks.hook import signatures

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0
KEPT_BYTES: Final = 1000
USER_AGENT: Final = "workorderd-webhooks/1"
SECONDS: Final = re.compile(r"[0-9]{1,9}")
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
INNER: Final = tuple(
    map(ipaddress.ip_network, ("0.0.0.0/8", "100.64.0.0/10", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48"))
)
"""Not for everybody, beside those that Python's `is_global` says (it changed its mind about some between versions)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, and how it is signed."""

    url: str
    secrets: tuple[str, ...]
    allow_private: bool = False
    timeout: float = TOTAL_SECONDS


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `status` None: nothing, for the reason that `trouble` names in one word (`text`: in words).

    `retry_after`: seconds.
    """

    status: int | None
    trouble: str = ""
    text: str = ""
    retry_after: float | None = None


class PrivateAddressError(OSError):
    """The name leads to an address that is not public."""


def is_public(address: str) -> bool:
    """Whether everybody can reach this address: none of a private, local or reserved network, however it is written."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if int(ip) < 1 << 32:  # ::a.b.c.d, long deprecated
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in INNER)


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only; the connection goes to what was looked at here."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a name. Raises PrivateAddressError when there are others only."""
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            message = f"{host} leads to no public address"
            raise PrivateAddressError(message)
        return public

    async def close(self) -> None:
        """Let go of what it holds."""
        await self._inner.close()


class Sender:
    """Two pools of connections: one that goes to public addresses only, one for endpoints that allow others."""

    def __init__(
        self,
        resolver: AbstractResolver | None = None,
    ) -> None:
        inner = resolver or aiohttp.ThreadedResolver()
        self._public = _session(PublicResolver(inner))
        self._any = _session(inner)

    async def close(self) -> None:
        """Close all connections."""
        await self._public.close()
        await self._any.close()

    async def send(self, target: Target, id_: str, payload: Mapping[str, Any], timestamp: int) -> Response:
        """POST it, signed. Whatever happens is a Response."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(target.secrets, id_, timestamp, body),
        }
        if not target.allow_private and _is_literal(target.url) and not is_public(_host(target.url)):
            return Response(None, "private", "the address is not public; `allow_private` allows it")
        connect = min(CONNECT_SECONDS, target.timeout)
        timeout = aiohttp.ClientTimeout(total=target.timeout, sock_connect=connect, connect=connect)
        session = self._any if target.allow_private else self._public
        try:
            async with session.post(
                target.url, data=body, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                text = await _beginning(response)
                return Response(response.status, "", text, _retry_after(response.headers.get("Retry-After", "")))
        except PrivateAddressError as refused:
            return Response(None, "private", str(refused))
        except TimeoutError:
            return Response(None, "timeout", "no answer in time")
        except aiohttp.ClientConnectorCertificateError as error:
            return Response(None, "certificate", str(error.certificate_error))
        except aiohttp.ClientConnectorError as error:
            private = isinstance(error.os_error, PrivateAddressError)
            return Response(None, "private" if private else "connection", str(error.os_error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Response(None, "connection", f"{type(error).__name__}: {error}")


def _session(resolver: AbstractResolver) -> aiohttp.ClientSession:
    # A pool of its own for each process, cookies of nobody, no proxy of the environment; an endpoint has few
    # connections because it has few places in the outbox.
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=256)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    )


def _host(url: str) -> str:
    return URL(url).host or ""


def _is_literal(url: str) -> bool:
    """Whether the address is written in numbers: then nobody is asked what it means."""
    try:
        ipaddress.ip_address(_host(url).partition("%")[0])
    except ValueError:
        return False
    return True


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The first bytes of an answer, as text; the rest is not waited for."""
    raw = b""
    try:
        async for chunk in response.content.iter_chunked(KEPT_BYTES):
            raw += chunk
            if len(raw) >= KEPT_BYTES:
                response.close()
                break
    except (aiohttp.ClientError, TimeoutError):
        pass  # the status was there: that is the answer
    return raw[:KEPT_BYTES].decode("utf-8", "replace")


def _retry_after(header: str) -> float | None:
    """Seconds, from either form (RFC 9110, 10.2.3)."""
    if SECONDS.fullmatch(header):
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
