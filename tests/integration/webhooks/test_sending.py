"""Sending for real, to receivers that are kind, slow, chatty, gone, or not who they seem to be."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks.webhooks import Webhook

from daemon.outbox.policy import Kind
from daemon.outbox.webhooks import judge
from webhooks.send import PublicResolver, Response, Sender, Target, is_public

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def receiver(answer: Answering) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


@asynccontextmanager
async def sending(resolver: AbstractResolver | None = None) -> AsyncIterator[Sender]:
    sender = Sender(resolver)
    yield sender
    await sender.close()


async def sent(answer: Answering, seconds: float = 5) -> Response:
    async with receiver(answer) as port, sending() as sender:
        target = Target(f"http://127.0.0.1:{port}/hook?a=b", (SECRET,), allow_private=True, timeout=seconds)
        return await sender.send(target, "msg_1", {"type": "order.created", "who": "Zoë"}, int(time.time()))


class TestReceivers:
    async def test_it_is_signed_json_that_the_independent_library_verifies(self) -> None:
        seen = []

        async def take(request: web.Request) -> web.Response:
            seen.append(Webhook(SECRET).verify(await request.read(), dict(request.headers)))
            seen.append((request.method, request.path_qs, request.content_type))
            return web.Response(text="thanks")

        assert await sent(take) == Response(200, "", "thanks")
        assert seen == [{"type": "order.created", "who": "Zoë"}, ("POST", "/hook?a=b", "application/json")]

    async def test_redirects_are_not_followed(self) -> None:
        asked = []

        async def redirect(request: web.Request) -> web.Response:
            asked.append(request.path)
            raise web.HTTPTemporaryRedirect("/elsewhere")

        response = await sent(redirect)
        assert (response.status, asked) == (307, ["/hook"])
        assert judge(response).kind is Kind.DOWN

    async def test_only_the_beginning_of_an_endless_answer_is_read(self) -> None:
        async def chat(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"<b>\xff" * 1000)

        response = await sent(chat)
        assert response.status == 200
        assert response.text.startswith("<b>�")
        assert len(response.text) == 1000

    async def test_one_that_says_its_status_and_then_hangs_has_answered(self) -> None:
        async def hang(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(status=202)
            await response.prepare(request)
            await response.write(b"wait")
            await asyncio.Event().wait()
            return response

        response = await sent(hang, 0.3)
        assert (response.status, response.text) == (202, "wait")

    async def test_one_that_hangs_before_its_status_is_a_timeout(self) -> None:
        async def hang(_: web.Request) -> web.StreamResponse:
            await asyncio.Event().wait()
            raise AssertionError

        response = await sent(hang, 0.3)
        assert (response.status, response.trouble) == (None, "timeout")

    async def test_one_that_closes_without_a_word(self) -> None:
        async def close(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        assert (await sent(close)).trouble == "connection"

    async def test_retry_after_is_read_in_both_forms_and_nonsense_is_not(self) -> None:
        async def busy(request: web.Request) -> web.Response:
            wishes = {"/hook": "120"}
            return web.Response(status=503, headers={"Retry-After": wishes[request.path]})

        assert (await sent(busy)).retry_after == 120

        async def dated(_: web.Request) -> web.Response:
            return web.Response(status=429, headers={"Retry-After": "Fri, 31 Dec 2099 23:59:59 GMT"})

        assert ((await sent(dated)).retry_after or 0) > 10**9

        async def mad(_: web.Request) -> web.Response:
            return web.Response(status=429, headers={"Retry-After": "9" * 400})

        assert (await sent(mad)).retry_after is None

    async def test_nobody_listens(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        async with sending() as sender:
            target = Target(f"http://127.0.0.1:{port}/", (SECRET,), allow_private=True)
            assert (await sender.send(target, "msg_1", {}, 1)).trouble == "connection"


class Liar(AbstractResolver):
    """A name server that says something else each time."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None: ...


class TestPrivateAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
            *("[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]"),
            *("[::127.0.0.1]", "[ff02::1]", "255.255.255.255", "224.0.0.1", "192.0.2.1"),
        ],
    )
    async def test_addresses_that_are_not_public_are_refused_unasked(self, host: str) -> None:
        async with sending() as sender:
            response = await sender.send(Target(f"http://{host}:1/", (SECRET,)), "msg_1", {}, 1)
        assert (response.status, response.trouble) == (None, "private")
        assert judge(response).kind is Kind.REFUSED

    @pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "LOCALHOST."])
    async def test_so_are_other_names_of_them(self, host: str) -> None:
        async def take(_: web.Request) -> web.Response:
            raise AssertionError

        async with receiver(take) as port, sending() as sender:
            response = await sender.send(Target(f"http://{host}:{port}/", (SECRET,)), "msg_1", {}, 1)
        assert response.status is None
        assert response.trouble in {"private", "connection"}

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:10.0.0.1", "169.254.169.254"])
    async def test_a_public_name_that_leads_inside_is_refused(self, address: str) -> None:
        async with sending(Liar(address)) as sender:
            response = await sender.send(Target("https://crm.example/", (SECRET,)), "msg_1", {}, 1)
        assert response.trouble == "private"

    async def test_of_a_name_that_leads_inside_and_outside_only_the_outside_is_connected_to(self) -> None:
        class Both(Liar):
            async def resolve(self, *asked: object, **more: object) -> list[ResolveResult]:
                outside, inside = Liar("93.184.216.34"), Liar("127.0.0.1")
                return [*await inside.resolve("crm.example"), *await outside.resolve("crm.example")]

        assert [each["host"] for each in await PublicResolver(Both("")).resolve("crm.example")] == ["93.184.216.34"]

    async def test_a_name_is_asked_for_once_so_that_it_can_not_say_something_else_a_moment_later(self) -> None:
        rebinding = Liar("10.0.0.1", "93.184.216.34")
        async with sending(rebinding) as sender:
            response = await sender.send(Target("http://crm.example/", (SECRET,)), "msg_1", {}, 1)
        assert (response.trouble, rebinding.asked) == ("private", 1)

    async def test_an_endpoint_may_allow_them(self) -> None:
        async def take(_: web.Request) -> web.Response:
            return web.Response(status=204)

        async with receiver(take) as port, sending(Liar("127.0.0.1")) as sender:
            target = Target(f"http://crm.example:{port}/", (SECRET,), allow_private=True)
            assert (await sender.send(target, "msg_1", {}, 1)).status == 204

    def test_public_ones_are_public(self) -> None:
        assert is_public("93.184.216.34")
        assert is_public("2606:2800:220:1::1")
        assert not is_public("no address")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Kind.TAKEN),
        (204, Kind.TAKEN),
        (301, Kind.DOWN),
        (400, Kind.LATER),
        (401, Kind.DOWN),
        (404, Kind.DOWN),
        (410, Kind.REFUSED),
        (422, Kind.LATER),
        (429, Kind.DOWN),
        (500, Kind.DOWN),
        (503, Kind.DOWN),
    ],
)
def test_what_an_answer_means(status: int, kind: Kind) -> None:
    assert judge(Response(status)).kind is kind
