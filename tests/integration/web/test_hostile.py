"""Whatever is sent: a clear answer, never an error of ours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import func, select

from daemon.storage.tables import SessionRow
from daemon.web.api.operation import BASE
from daemon.web.openapi import text
from tests.builders import group_id, missed_call, team_id, work_order
from tests.integration.web.desk import Desk, csrf


async def raw(desk: Desk, request: bytes) -> bytes:
    """The answer to bytes that no client library would send."""
    reader, writer = await asyncio.open_connection(desk.server.host, desk.server.port)
    writer.write(request)
    await writer.drain()
    async with asyncio.timeout(5):
        answer = await reader.readline()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "target",
    [
        b"/%00",
        b"/missed-calls/%00/work-order",
        b"/static/../../pyproject.toml",
        b"/static/..%2f..%2fpyproject.toml",
        b"/static/%2e%2e/%2e%2e/etc/passwd",
        b"/static/%00",
        b"/static/" + b"a" * 3000,
        b"/%ff%fe",
        b"/\xff\xfe",
        b"/login?next=%ff%00",
        b"/missed-calls?cursor=%ff%fe&tab=%00",
        b"/missed-calls?cursor=" + b"9" * 3000,
        b"/missed-calls/dismiss?id=99999999999999999999999",
        b"/missed-calls/dismiss?id=-1&id=abc",
        b"/work-orders/999999999999999999",
        b"/work-orders/9999999999999999999999999",
        b"/work-orders?whose=%00&tab=\xc3\x28",
        b"/api/v1/calls?cursor=MTAuMTA&limit=1e9",
        b"/api/v1/calls/000000000000000001",
        b"//evil.example/%2f..",
    ],
)
async def test_strange_addresses_are_answered(desk: Desk, target: bytes) -> None:
    client = await desk.logged_in("anna")
    token = client.session.cookie_jar.filter_cookies(client.make_url("/"))["workorderd"].value.encode()
    for cookie in (b"", b"Cookie: workorderd=" + token + b"\r\n"):
        line = await raw(desk, b"GET " + target + b" HTTP/1.1\r\nHost: desk\r\n" + cookie + b"\r\n")
        assert int(line.split()[1]) in {200, 303, 400, 401, 404, 405, 422}, line


@pytest.mark.parametrize(
    "headers",
    [
        b"Cookie: workorderd=\xff\xfe\xed\xa0\x80\r\n",
        b"Cookie: workorderd=" + b"x" * 5000 + b"\r\n",
        b"Accept-Language: \xff;q=\xfe,,,;q=,zh;q=nan\r\n",
        b"Accept-Language: " + b"zh-" * 2000 + b"\r\n",
        b"Last-Event-ID: \xff\xfe\r\n",
        b"If-None-Match: \xff\r\n",
        b"X-Forwarded-For: \xff, 1.2.3\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"X: " + b"y" * 20_000 + b"\r\n",
        b"Bad Header\r\n",
    ],
)
async def test_strange_headers_are_answered(desk: Desk, headers: bytes) -> None:
    for target in (b"/login", b"/missed-calls", b"/api/v1/calls", b"/static/desk.css"):
        line = await raw(desk, b"GET " + target + b" HTTP/1.1\r\nHost: desk\r\n" + headers + b"\r\n")
        assert int(line.split()[1]) < 500, line


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"username=%ff&password=%fe", "application/x-www-form-urlencoded"),
        (b"username=\xff\xfe", "application/x-www-form-urlencoded"),
        (b"username=a%00b&password=x", "application/x-www-form-urlencoded"),
        (b"a=b", "application/x-www-form-urlencoded; charset=nonsense"),
        (b"&".join(b"a=%d" % n for n in range(5000)), "application/x-www-form-urlencoded"),
        (b"a" * 400_000, "application/x-www-form-urlencoded"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (b"", ""),
    ],
)
async def test_strange_forms_are_refused(desk: Desk, body: bytes, content_type: str) -> None:
    client = await desk.logged_in("anna")
    token = await csrf(client)
    for path in ("/login", "/missed-calls/dismiss", "/missed-calls/1/work-order"):
        headers = {"Content-Type": content_type, "X-CSRF-Token": token}
        answer = await client.post(path, data=body, headers=headers, allow_redirects=False)
        assert answer.status in {303, 400, 401, 404, 413, 415}, (path, answer.status)
        assert "Content-Security-Policy" in answer.headers


async def test_sql_in_names_and_reasons_is_text(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    await missed_call(desk.store, acme, name="'; DROP TABLE session; --", number="1' OR '1'='1")
    client = await desk.logged_in("anna")
    form = {"csrf": await csrf(client), "id": "1", "other": "'); DELETE FROM session; --"}
    assert (await client.post("/missed-calls/dismiss", data=form)).status == 200
    async with desk.store.read() as session:
        assert await session.scalar(select(func.count()).select_from(SessionRow)) == 1
    assert "&#39;); DELETE FROM session; --" in await (await client.get("/missed-calls?tab=closed")).text()


async def test_a_machine_that_invents_requests_finds_no_error_of_ours(desk: Desk) -> None:
    acme = team_id(desk.world, "acme")
    item = await missed_call(desk.store, acme)
    await missed_call(desk.store, acme, number="030 7654321")
    await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), item=item)
    client = await desk.logged_in("anna")
    jar = client.session.cookie_jar.filter_cookies(client.make_url("/"))
    cookie, token = jar["workorderd"].value, await csrf(client)
    schema = schemathesis.openapi.from_dict(json.loads(text()))
    schema.config.update(base_url=str(desk.server.make_url(BASE)))

    def fuzz() -> None:
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()

            @settings(
                max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy())
            def try_it(case: schemathesis.Case[Any]) -> None:
                # a cursor and a reason are text to the document, and still not every text is one
                case.call_and_validate(
                    headers={"X-CSRF-Token": token},
                    cookies={"workorderd": cookie},
                    excluded_checks=[positive_data_acceptance],
                )

            try_it()

    await asyncio.to_thread(fuzz)
