from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from daemon.settings.models import Http
from daemon.web.addresses import client_address, is_own, networks, safe_next


def request(remote: str = "192.0.2.1", **headers: str) -> web.Request:
    given = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    given.setdefault("Host", "desk.example:8080")
    return make_mocked_request("POST", "/login", headers=given).clone(remote=remote)


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),  # nobody trusts who wrote this
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the browser wrote the first one itself
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "junk", "127.0.0.1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_browsers_address_is_taken_from_trusted_proxies_only(remote: str, forwarded: str, address: str) -> None:
    trusted = networks(["127.0.0.1", "10.0.0.0/8"])
    assert client_address(request(remote, X_Forwarded_For=forwarded), trusted) == address


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"Origin": "http://desk.example:8080"}, True),
        ({"Origin": "https://pages.example"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://[bad"}, False),
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "http://desk.example:8080"}, False),
    ],
)
def test_only_our_own_pages_write(headers: dict[str, str], own: bool) -> None:
    assert is_own(request(**headers), Http(base_url="https://pages.example")) is own


@pytest.mark.parametrize(
    ("wanted", "onward"),
    [
        ("/work-orders?whose=mine", "/work-orders?whose=mine"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nSet-Cookie: x=y", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
def test_after_the_log_in_nobody_is_led_elsewhere(wanted: str, onward: str) -> None:
    assert safe_next(wanted) == onward
