from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from daemon.web.api.uploads import ANYTHING, Upload

MOST = 100_000
Client = TestClient[web.Request, web.Application]


async def pieces_of(size: int, sent: list[int]) -> AsyncIterator[bytes]:
    """So many bytes without saying how many; `sent` counts those that were taken."""
    while size > 0:
        piece = b"x" * min(size, 10_000)
        size -= len(piece)
        sent.append(len(piece))
        yield piece


@pytest.fixture(params=[("text/csv",), (ANYTHING,)])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A server that counts the bytes of uploads."""
    upload = Upload(request.param, MOST)

    async def take(asked: web.Request) -> web.Response:
        upload.admit(asked)
        return web.json_response(sum([len(piece) async for piece in upload.pieces(asked)]))

    app = web.Application(client_max_size=1000)
    app.router.add_post("/", take)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_an_upload_is_read_to_its_limit_which_is_not_that_of_other_bodies(client: Client) -> None:
    for size in (0, 1, MOST):
        answer = await client.post("/", data=b"x" * size, headers={"Content-Type": "text/csv"})
        assert await answer.json() == size
    answer = await client.post("/", data=pieces_of(MOST, []), headers={"Content-Type": "text/csv"})
    assert await answer.json() == MOST


async def test_one_byte_too_many_is_refused_whether_it_is_announced_or_not(client: Client) -> None:
    for data in (b"x" * (MOST + 1), pieces_of(MOST + 1, [])):
        answer = await client.post("/", data=data, headers={"Content-Type": "text/csv"})
        assert (answer.status, "at most 100000 bytes" in await answer.text()) == (413, True)


async def test_two_gigabytes_are_refused_by_what_they_announce(client: Client) -> None:
    sent: list[int] = []
    headers = {"Content-Type": "text/csv", "Content-Length": str(2 * 1024**3), "Expect": "100-continue"}
    answer = await client.post("/", data=pieces_of(2 * 1024**3, sent), headers=headers)
    assert answer.status == 413
    assert sum(sent) < 100 * 1024**2


async def test_another_media_type_is_refused_unless_any_will_do(client: Client, request: pytest.FixtureRequest) -> None:
    answer = await client.post("/", data=b"x", headers={"Content-Type": "application/x-msdownload"})
    anything = request.node.callspec.params["client"] == (ANYTHING,)
    assert answer.status == (200 if anything else 415)
