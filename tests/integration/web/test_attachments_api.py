"""Files over HTTP: what is taken, what is refused, and how they are given out."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData, MultipartWriter

from daemon.handlers.attachments import Depot, sweep
from daemon.orders.fields import Field
from daemon.storage.engine import Store
from daemon.web.api.operation import BASE
from daemon.web.downloads import disposition
from tests.builders import agent_id, group_id, team_id, work_order
from tests.integration.web.bearer import bearer
from tests.integration.web.desk import Client, Desk, csrf, open_desk

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
PDF = b"%PDF-1.7 " + b"y" * 1000


@pytest.fixture
async def files(desk_store: Store, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with one order that Ben owns, whose template has an upload field; files of at most 100,000 bytes."""
    async with open_desk(desk_store, depot=Depot(tmp_path / "files", 100_000, 3)) as desk:
        photo = Field("photo", "upload", {"en": "Photo"})
        remark = Field("remark", "text", {"en": "Remark"})
        templates = desk.world.templates
        desk.world = replace(desk.world, templates={**templates, 7: replace(templates[7], fields=(photo, remark))})
        acme, ben = team_id(desk.world, "acme"), agent_id(desk.world, "ben")
        await work_order(desk.store, acme, group_id(desk.world, "acme", "support"), owner=ben, creator=ben)
        yield desk


async def send(
    client: Client, data: Any, query: str = "?name=a.png", path: str = "/work-orders/1", **headers: str
) -> Any:
    answer = await client.post(
        f"{BASE}{path}/attachments{query}", data=data, headers={"X-CSRF-Token": await csrf(client), **headers}
    )
    told = await answer.json()
    return answer.status, told.get("items", told)


async def seen(client: Client, path: str) -> Any:
    answer = await client.get(BASE + path)
    assert answer.status == 200, await answer.text()
    return await answer.json()


def on_disk(desk: Desk, tmp_path: Path) -> list[str]:
    """The names of everything that lies in the folder of files."""
    return sorted(path.name for path in (tmp_path / "files").rglob("*") if path.is_file())


async def test_a_file_comes_back_as_it_was_to_be_saved_and_never_shown(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("anna")
    status, [made] = await send(client, PNG, "?name=%E7%85%A7%E7%89%87%20%22%3B%201.png")
    checksum = hashlib.sha256(PNG).hexdigest()
    assert (status, made["name"], made["size"], made["sha256"]) == (201, "照片 _; 1.png", len(PNG), checksum)
    assert (made["media_type"], made["field"], made["added_by"]) == ("image/png", None, agent_id(files.world, "anna"))
    assert (await seen(client, "/work-orders/1/attachments"))["items"] == [made]
    answer = await client.get(f"{BASE}/attachments/{made['id']}")
    assert await answer.read() == PNG
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"__ __ 1.png\"; filename*=UTF-8''%E7%85%A7%E7%89%87%20_%3B%201.png".replace(
            "__ __", "__ _;"
        )
    )
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["ETag"] == f'"{checksum}"'
    path = tmp_path / "files" / checksum[:2] / checksum[2:4] / checksum
    assert path.read_bytes() == PNG
    assert path.stat().st_mode & 0o077 == 0
    assert on_disk(files, tmp_path) == [checksum]


async def test_the_history_tells_who_added_what_with_its_checksum(files: Desk) -> None:
    client = await files.logged_in("ben")
    _, [made] = await send(client, PDF, "?name=offer.pdf")
    [_, entry] = (await seen(client, "/work-orders/1/history"))["items"]
    assert (entry["action"], entry["actor"], entry["note"]) == ("attach", "Ben", "offer.pdf")
    assert entry["changes"] == {"attachment": [None, [made["id"], made["sha256"]]]}


async def test_an_upload_field_takes_the_file_as_its_value(files: Desk) -> None:
    client = await files.logged_in("ben")
    _, [first] = await send(client, PNG, "?name=a.png&field=photo")
    _, [second] = await send(client, PNG, "?name=b.png&field=photo")
    assert (await seen(client, "/work-orders/1"))["fields"] == {"photo": str(second["id"])}
    history = (await seen(client, "/work-orders/1/history"))["items"]
    assert [each["changes"].get("fields.photo") for each in history[1:]] == [
        ["", str(first["id"])],
        [str(first["id"]), str(second["id"])],
    ]
    for field in ("remark", "other"):
        status, problem = await send(client, PNG, f"?name=a.png&field={field}")
        assert (status, problem["errors"][0]["where"], problem["errors"][0]["rule"]) == (422, "field", "unknown_field")
    form = FormData()
    for name in ("a.png", "b.png"):
        form.add_field("file", PNG, filename=name)
    assert (await send(client, form, "?field=photo"))[0] == 422


async def test_a_form_brings_several_files_or_none(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("ben")
    form = FormData(quote_fields=False)
    form.add_field("note", "not a file")
    form.add_field("files", PNG, filename="C:\\pictures\\one.png", content_type="text/html")
    form.add_field("files", PDF, filename="two.pdf")
    status, made = await send(client, form, "")
    assert (status, [(each["name"], each["media_type"]) for each in made]) == (
        201,
        [("one.png", "image/png"), ("two.pdf", "application/pdf")],
    )
    bad = FormData()
    bad.add_field("files", b"fine", filename="fine.txt")
    bad.add_field("files", b"MZ\x90", filename="fine.pdf.exe")
    assert (await send(client, bad, ""))[0] == 415
    many = FormData()
    for n in range(2):
        many.add_field("files", b"%d" % n, filename=f"{n}.txt")
    status, problem = await send(client, many, "")
    assert (status, problem["detail"]) == (409, "an order has at most 3 files")
    assert len((await seen(client, "/work-orders/1/attachments"))["items"]) == 2
    assert len(on_disk(files, tmp_path)) == 4  # the last two lie without a row until they are swept
    depot = Depot(tmp_path / "files")
    assert await sweep(files.store, depot, datetime.now(UTC)) == 0
    assert await sweep(files.store, depot, datetime.now(UTC) + timedelta(hours=2)) == 2
    assert on_disk(files, tmp_path) == sorted(each["sha256"] for each in made)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.exe", b"MZ", "files that end in .exe are not taken"),
        ("x.html", b"<script>", "files that end in .html are not taken"),
        ("x.svg", b"<svg>", "files that end in .svg are not taken"),
        ("x.js", b"alert(1)", "files that end in .js are not taken"),
        ("png", PNG, "files whose names have no ending are not taken"),
        (".png", PNG, "files whose names have no ending are not taken"),
        ("x.txt", b"MZ\x90\x00", "it is a program"),
        ("x.pdf", b"#!/bin/sh", "it is a program"),
        ("x.png", b"<html>", "its name says image/png, and its content does not"),
        ("x.png\u202etxt.exe", PNG, "files that end in .exe are not taken"),
        ("x.exe.", b"MZ", "files that end in .exe are not taken"),
        ("x.exe\x00.png", b"MZ", "it is a program"),
    ],
)
async def test_what_is_not_taken_is_said_and_leaves_nothing(
    files: Desk, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    client = await files.logged_in("ben")
    form = FormData(quote_fields=False)
    form.add_field("file", content, filename=name.replace("\x00", "%00") if "\x00" in name else name)
    from urllib.parse import quote

    status, problem = await send(client, content, f"?name={quote(name)}")
    assert (status, problem["detail"][: len(why)]) == (415, why)
    assert on_disk(files, tmp_path) == []


async def test_a_picture_under_another_pictures_name_is_told_as_what_it_is(files: Desk) -> None:
    _, [made] = await send(await files.logged_in("ben"), b"\xff\xd8\xff\xe0", "?name=scan.png")
    assert made["media_type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ('attachment; filename="../../etc/passwd.txt"', "passwd.txt"),
        ("attachment; filename*=UTF-8''%2e%2e%2f%2e%2e%2fx%0d%0aSet-Cookie%3a%20a.txt", "xSet-Cookie_ a.txt"),
        (f'attachment; filename="{"x" * 8000}.txt"', "x" * 251 + ".txt"),
        ("attachment; filename*=UTF-8''%E2%80%AEtxt.txt", "txt.txt"),
        ('attachment; filename="con.txt"', "_con.txt"),
    ],
)
async def test_a_name_is_a_name_and_never_a_path_or_a_header(
    files: Desk, tmp_path: Path, header: str, kept: str
) -> None:
    client = await files.logged_in("ben")
    status, made = await send(client, b"text", "", **{"Content-Disposition": header})
    assert (status, made if status != 201 else made[0]["name"]) == (201, kept)
    answer = await client.get(f"{BASE}/attachments/{made[0]['id']}")
    assert "Set-Cookie" not in answer.headers
    assert on_disk(files, tmp_path) == [hashlib.sha256(b"text").hexdigest()]


async def test_a_name_that_is_too_long_for_any_header_and_one_that_is_missing_are_refused(files: Desk) -> None:
    client = await files.logged_in("ben")
    status, problem = await send(client, b"text", "")
    assert (status, problem["errors"][0]["rule"]) == (422, "required")
    status, problem = await send(client, b"text", f"?name={'x' * 5000}.txt")
    assert (status, problem["errors"][0]["rule"]) == (422, "too_long")
    answer = await client.post(
        f"{BASE}/work-orders/1/attachments", data=b"x", headers={"Content-Disposition": f"a; filename={'x' * 10_000}"}
    )
    assert answer.status == 400


def test_the_header_of_a_download_holds_any_name() -> None:
    assert disposition('a"\\%;é.txt') == "attachment; filename=\"a___;_.txt\"; filename*=UTF-8''a%22%5C%25%3B%C3%A9.txt"


async def test_a_range_of_bytes_is_given_and_what_there_is_not_is_refused(files: Desk) -> None:
    client = await files.logged_in("ben")
    _, [made] = await send(client, b"0123456789", "?name=a.txt")
    tag = f'"{made["sha256"]}"'

    async def part(**headers: str) -> tuple[int, bytes, str | None]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await client.get(f"{BASE}/attachments/{made['id']}", headers=sent)
        return answer.status, await answer.read(), answer.headers.get("Content-Range")

    whole = (200, b"0123456789", None)
    assert await part(Range="bytes=2-4") == (206, b"234", "bytes 2-4/10")
    assert await part(Range="bytes=7-") == (206, b"789", "bytes 7-9/10")
    assert await part(Range="bytes=-3") == (206, b"789", "bytes 7-9/10")
    assert await part(Range="bytes=-99") == (206, b"0123456789", "bytes 0-9/10")
    assert await part(Range="bytes=0-99") == (206, b"0123456789", "bytes 0-9/10")
    for ignored in ("bytes=4-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=x"):
        assert await part(Range=ignored) == whole
    assert await part(Range="bytes=2-4", If_Range=tag) == (206, b"234", "bytes 2-4/10")
    assert await part(Range="bytes=2-4", If_Range='"other"') == whole
    for nothing in ("bytes=10-", "bytes=-0", "bytes=99-100"):
        status, _, content_range = await part(Range=nothing)
        assert (status, content_range) == (416, "bytes */10")
    assert (await part(If_None_Match=f'"x", W/{tag}'))[:2] == (304, b"")
    assert await part(If_None_Match='"x"') == whole
    assert (await part(If_Match='"x"'))[0] == 412
    assert await part(If_Match=tag) == whole
    head = await client.head(f"{BASE}/attachments/{made['id']}")
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, "10", b"")


async def test_an_empty_file_is_a_file(files: Desk) -> None:
    client = await files.logged_in("ben")
    _, [made] = await send(client, b"", "?name=empty.txt")
    answer = await client.get(f"{BASE}/attachments/{made['id']}")
    assert (made["size"], answer.status, await answer.read()) == (0, 200, b"")


async def test_files_of_an_order_that_one_does_not_see_are_not_there(files: Desk) -> None:
    _, [made] = await send(await files.logged_in("ben"), PNG)
    olga = await files.logged_in("olga")
    for path in ("/work-orders/1/attachments", f"/attachments/{made['id']}"):
        there, nowhere = await olga.get(BASE + path), await olga.get(BASE + path.replace("1", "4711"))
        assert there.status == nowhere.status == 404
        assert (await there.json())["detail"].replace("1", "4711") == (await nowhere.json())["detail"]
    assert (await send(olga, PNG))[0] == 404
    for admin in ("boss", "root"):
        client = await files.logged_in(admin)
        assert (await client.get(f"{BASE}/attachments/{made['id']}")).status == 200
        assert (await send(client, PNG))[0] == 403


async def test_a_token_needs_the_scope(files: Desk) -> None:
    reader = await bearer(files, "reader", scopes=["orders:read"])
    writer = await bearer(files, "writer", scopes=["orders:write"])
    address = f"{BASE}/work-orders/1/attachments?name=a.png"
    assert (await reader.post(address, data=PNG)).status == 403
    made = await writer.post(address, data=PNG)
    assert (made.status, (await made.json())["items"][0]["added_by"]) == (201, None)
    assert (await writer.get(f"{BASE}/attachments/1")).status == 403
    assert (await reader.get(f"{BASE}/attachments/1")).status == 200


async def test_a_request_that_comes_twice_adds_its_files_once(files: Desk) -> None:
    client = await files.logged_in("ben")

    def form() -> FormData:
        told = FormData()
        told.add_field("a", PNG, filename="a.png")
        told.add_field("b", PDF, filename="b.pdf")
        return told

    key = {"Idempotency-Key": "once"}
    status, first = await send(client, form(), "", **key)
    again, second = await send(client, form(), "", **key)
    assert (status, again, first) == (201, 200, second)
    assert len((await seen(client, "/work-orders/1/attachments"))["items"]) == 2
    other, problem = await send(client, PNG, "?name=a.png", **key)
    assert (other, problem["errors"][0]["rule"]) == (422, "idempotency_key_reused")


async def test_two_gigabytes_are_cut_off_at_the_limit_without_growing(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("ben")
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2 * 1024**3:
            sent += 64 * 1024
            yield b"x" * 64 * 1024

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await client.post(
        f"{BASE}/work-orders/1/attachments?name=a.txt", data=endless(), headers={"X-CSRF-Token": await csrf(client)}
    )
    assert (answer.status, "at most 100000 bytes" in (await answer.json())["detail"]) == (413, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024  # KiB
    assert sent < 2 * 1024**3
    assert on_disk(files, tmp_path) == []
    status, _ = await send(client, b"x" * 100_001, "?name=a.txt")
    assert status == 413
    form = FormData()
    form.add_field("file", b"x" * 100_001, filename="a.txt")
    assert (await send(client, form, ""))[0] == 413
    assert (await send(client, b"x" * 100_000, "?name=a.txt"))[0] == 201


@pytest.mark.parametrize("headers", ["Content-Length: 90000", "Transfer-Encoding: chunked"])
async def test_a_connection_that_is_cut_leaves_neither_file_nor_row(files: Desk, tmp_path: Path, headers: str) -> None:
    client = await files.logged_in("ben")
    cookies = "; ".join(f"{each.key}={each.value}" for each in client.session.cookie_jar)
    _, writer = await asyncio.open_connection("127.0.0.1", files.server.port)
    writer.write(
        f"POST {BASE}/work-orders/1/attachments?name=a.txt HTTP/1.1\r\nHost: 127.0.0.1:{files.server.port}\r\n"
        f"Cookie: {cookies}\r\nX-CSRF-Token: {await csrf(client)}\r\n{headers}\r\n\r\n".encode()
    )
    body = b"x" * 40_000
    writer.write(b"%x\r\n%s\r\n" % (len(body), body) if "chunked" in headers else body)
    await writer.drain()
    while not on_disk(files, tmp_path):  # noqa: ASYNC110
        await asyncio.sleep(0)
    writer.close()
    while on_disk(files, tmp_path):  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert (await seen(client, "/work-orders/1/attachments"))["items"] == []


async def test_a_form_that_ends_too_early_is_refused_whole(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("ben")
    whole = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n--B--\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=B"}
    assert (await send(client, whole, "", **form))[0] == 201
    for broken in (whole[:-12], whole[:40], b"", b"nonsense", whole.replace(b"--B\r", b"--C\r")):
        status, problem = await send(client, broken, "", **form)
        assert (status in {400, 422}, problem["errors"] != []) == (True, True), broken
    for kind in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 200):
        assert (await send(client, whole, "", **{"Content-Type": kind}))[0] == 400
    assert (await send(client, whole, "", **{"Content-Type": "multipart/mixed; boundary=B"}))[0] == 415
    assert len((await seen(client, "/work-orders/1/attachments"))["items"]) == 1
    assert [name for name in on_disk(files, tmp_path) if len(name) != 64] == []


async def test_forms_within_forms_and_endless_words_are_refused(files: Desk) -> None:
    client = await files.logged_in("ben")
    outer, inner = MultipartWriter("form-data"), MultipartWriter("mixed")
    inner.append(b"x")
    outer.append(inner)
    assert (await send(client, outer, ""))[0] == 400
    words = FormData({f"w{n}": "x" for n in range(30)})
    words.add_field("file", b"x", filename="a.txt")
    assert (await send(client, words, ""))[0] == 400
    long = FormData()
    long.add_field("word", "x" * 100_000)
    long.add_field("file", b"x", filename="a.txt")
    assert (await send(client, long, ""))[0] == 400


async def test_equal_files_at_once_are_one_file_and_two_rows(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("ben")
    token = {"X-CSRF-Token": await csrf(client)}
    address = f"{BASE}/work-orders/1/attachments?name="
    answers = await asyncio.gather(*(client.post(f"{address}{n}.png", data=PNG, headers=token) for n in range(3)))
    assert [answer.status for answer in answers] == [201, 201, 201]
    assert on_disk(files, tmp_path) == [hashlib.sha256(PNG).hexdigest()]
    assert len((await seen(client, "/work-orders/1/attachments"))["items"]) == 3
    assert (await send(client, PNG))[0] == 409


async def test_a_folder_that_takes_nothing_is_507_and_nothing_is_half_written(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("ben")
    (tmp_path / "files").write_text("no folder")
    status, problem = await send(client, PNG)
    assert (status, str(tmp_path) in problem["detail"]) == (507, False)
    assert "can't keep files" in problem["detail"]
    assert (await seen(client, "/work-orders/1/attachments"))["items"] == []


async def test_a_file_that_is_gone_from_the_disk_is_said_to_be(files: Desk, tmp_path: Path) -> None:
    client = await files.logged_in("ben")
    _, [made] = await send(client, PNG)
    for path in (tmp_path / "files").rglob(made["sha256"]):
        os.unlink(path)
    answer = await client.get(f"{BASE}/attachments/{made['id']}")
    assert (answer.status, (await answer.json())["detail"]) == (404, "its file can't be read on the server")
