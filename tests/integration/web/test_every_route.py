"""What holds for every route, the ones of tomorrow too."""

from __future__ import annotations

import re

from aiohttp import web

from daemon.web.api.operation import BASE
from daemon.web.guard import HOOKS, OPEN
from daemon.web.headers import HEADERS
from tests.builders import group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Desk

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|<[^<>]*\s(style|on[a-z]+)=|=\"javascript:", re.IGNORECASE)


def routes(desk: Desk) -> list[tuple[str, str]]:
    app = desk.server.app
    assert isinstance(app, web.Application)
    found = []
    for route in app.router.routes():
        assert route.resource is not None
        path = re.sub(r"\{\w+\}", "1", route.resource.canonical.replace("{name}", "desk.css"))
        found.append((route.method, path))
    return [(method, path) for method, path in found if path != "/live"]


async def fill(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme, name="<img src=x onerror=alert(1)>")
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), item=item)


async def test_every_answer_carries_the_security_headers_and_nothing_inline(desk: Desk) -> None:
    await fill(desk)
    for client in (desk.visitor(), await desk.logged_in("anna")):
        for method, path in [*routes(desk), ("GET", "/nowhere"), ("GET", f"{BASE}/nowhere")]:
            answer = await client.request(method, path, allow_redirects=False)
            assert answer.status < 500, (method, path)
            for name, value in HEADERS.items():
                assert answer.headers.get(name) == value, (method, path, name)
            assert "Server" not in answer.headers
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            if answer.content_type == "text/html" and method == "GET":
                assert not INLINE.search(await answer.text()), path


async def test_every_route_needs_a_log_in_unless_it_is_named_open(desk: Desk) -> None:
    await fill(desk)
    client = desk.visitor()
    for method, path in routes(desk):
        answer = await client.request(method, path, allow_redirects=False)
        if path.startswith(HOOKS):  # their signature is asked for, not a log-in
            assert (answer.status, answer.headers.get("WWW-Authenticate")) == (401, None), (method, path)
        elif path.replace("desk.css", "{name}") in OPEN:
            assert answer.status not in {303, 401} or path == "/login", (method, path)
        elif path.startswith("/api/"):
            assert (answer.status, answer.content_type) == (401, "application/problem+json"), (method, path)
        else:
            assert answer.status == 303, (method, path)
            assert answer.headers["Location"].startswith("/login")


async def test_every_write_is_refused_without_the_token_of_the_session(desk: Desk) -> None:
    await fill(desk)
    client, other = await desk.logged_in("anna"), await desk.logged_in("ben")
    stolen = (await (await other.get("/api/v1/me")).json())["csrf_token"]
    for method, path in routes(desk):
        if method in {"GET", "HEAD", "OPTIONS"} or path == "/login" or path.startswith(HOOKS):
            continue
        for token in (None, "", "wrong", stolen, "\u00fc"):
            form = {} if token is None else {"csrf": token}
            answer = await client.request(method, path, data=form, allow_redirects=False)
            assert answer.status == 403, (method, path, token)
        answer = await client.request(method, path, headers={"X-CSRF-Token": stolen}, allow_redirects=False)
        assert answer.status == 403, (method, path)


async def test_a_write_from_another_page_is_refused_even_with_the_token(desk: Desk) -> None:
    await fill(desk)
    client = await desk.logged_in("anna")
    token = (await (await client.get("/api/v1/me")).json())["csrf_token"]
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await client.post(
            f"{BASE}/missed-calls/1/dismiss", json={"reason": "x"}, headers={"X-CSRF-Token": token, **headers}
        )
        assert answer.status == 403


async def test_pages_are_kept_nowhere_and_assets_for_ever(desk: Desk) -> None:
    client = await desk.logged_in("anna")
    page = await client.get("/missed-calls")
    assert page.headers["Cache-Control"] == "no-store"
    match = re.search(r'href="(/static/desk\.css\?v=\w+)"', await page.text())
    assert match
    asset = await client.get(match[1])
    assert "immutable" in asset.headers["Cache-Control"]
    assert asset.headers["Content-Type"] == "text/css; charset=utf-8"
    again = await client.get(match[1], headers={"If-None-Match": asset.headers["ETag"]})
    assert again.status == 304
    assert (await client.get("/static/desk.css?v=old")).headers["Cache-Control"] == "no-cache"
