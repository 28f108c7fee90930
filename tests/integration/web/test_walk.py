"""Every page where every text that others wrote wants to do harm: it is text, and nothing else."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from daemon.plain import plain, plain_line
from daemon.storage.engine import Store
from daemon.web.assets import FOREVER
from daemon.web.headers import POLICY
from tests.integration.web.desk import Client
from tests.integration.web.office import Office
from tests.integration.web.walk import ELSEWHERE, NASTY, PARTS, TABLES, WHOLE, hostile_office

WALKERS = ("anna", "chen", "boss", "root-admin", "dora")
LINKS = frozenset({"href", "src", "action", "formaction", "poster", "data", "srcset", "hx-get", "hx-post"})
FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")


@pytest.fixture
async def hostile(desk_store: Store, tmp_path: Path) -> AsyncIterator[Office]:
    async with hostile_office(desk_store, tmp_path) as opened:
        yield opened


class Look(HTMLParser):
    """What is wrong with a page, and which addresses it names."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.addresses: set[str] = set()
        self._forms = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        drawn = tag == "svg" and "chart" not in (named.get("class") or "").split()
        of_others = tag in {"iframe", "object", "embed", "base"} or drawn
        if tag.startswith("zq") or of_others:
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not (named.get("src") or "").startswith("/static/"):
            self.wrong.append("a script within the page")
        self._forms += tag == "form"
        if {"hx-get", "hx-post"} & named.keys() and not self._works_without_scripts(tag, named):
            self.wrong.append(f"<{tag}> that only a script makes work")
        for name, value in attrs:
            if name.startswith(("on", "zq", "hx-on")) or name in {"style", "srcdoc", "autofocus"}:
                self.wrong.append(f"<{tag} {name}>")
            if name in LINKS:
                self.addresses.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._forms -= tag == "form"

    def _works_without_scripts(self, tag: str, named: dict[str, str | None]) -> bool:
        if tag in {"button", "input", "select"}:
            return self._forms > 0 or "form" in named
        return tag not in {"a", "form"} or "href" in named or "action" in named

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def stays_here(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme in {"tel", "mailto"}:
        return True
    return not parts.scheme and not parts.netloc and not address.startswith("\\")


async def shown(client: Client, path: str) -> str:
    """What a page says, once nothing is wrong with it; "" where he may not see it."""
    answer = await client.get(path, allow_redirects=False)
    assert answer.status in {200, 403, 404, 303}, (path, answer.status)
    assert answer.headers["Content-Security-Policy"].startswith(POLICY.partition("frame-ancestors")[0]), path
    text = await answer.text()
    look = Look(text)
    assert look.wrong == [], path
    assert [each for each in look.addresses if not stays_here(each)] == [], path
    assert plain(text) == text, path  # nothing that hides, reorders or breaks a line
    return text if answer.status == 200 else ""


def test_every_page_is_walked(hostile: Office) -> None:
    app = hostile.desk.server.app
    assert isinstance(app, web.Application)
    found = {route.resource.canonical for route in app.router.routes() if route.method == "GET" and route.resource}
    pages = {each for each in found if not each.startswith("/api/")} - ELSEWHERE
    walked = [urlsplit(each).path for each in (*WHOLE, *PARTS, *TABLES)]
    shapes = {
        each: re.compile(re.sub(r"\{\w+\}", r"[^/]+", re.escape(each).replace(r"\{", "{").replace(r"\}", "}")))
        for each in pages
    }
    assert {each for each in pages if not any(shapes[each].fullmatch(path) for path in walked)} == set()


@pytest.mark.parametrize("username", WALKERS)
async def test_what_others_wrote_is_text_on_every_page(hostile: Office, username: str) -> None:
    client = await hostile.browser(username)
    said = {path: await shown(client, path) for path in (*WHOLE, *PARTS)}
    everything = html.unescape("\n".join(said.values()))
    for text in NASTY:
        assert plain_line(text) in everything or plain(text) in everything, text


async def test_an_agent_finds_every_page_of_his(hostile: Office) -> None:
    client = await hostile.browser("anna")
    closed = {path for path in (*WHOLE, *PARTS) if (await client.get(path, allow_redirects=False)).status != 200}
    assert closed == {path for path in (*WHOLE, *PARTS) if path.startswith(("/log", "/deliveries"))}


async def test_no_cell_of_a_table_is_a_formula(hostile: Office) -> None:
    client = await hostile.browser("boss")
    for path in TABLES:
        answer = await client.get(path)
        assert (answer.status, answer.content_type) == (200, "text/csv"), path
        assert answer.headers["Content-Disposition"].startswith("attachment"), path
        rows = list(csv.reader(io.StringIO((await answer.text()).removeprefix("\ufeff"), newline="")))
        assert len(rows) > len(NASTY)
        assert {len(row) for row in rows} == {len(rows[0])}
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell.lstrip().startswith(FORMULA)] == []
        for text in NASTY:
            assert any(text.strip()[:40] in cell or plain(text)[:40] in cell for cell in cells), text


async def test_everything_that_pages_load_is_ours_and_kept_for_ever(hostile: Office) -> None:
    client = await hostile.browser("anna")
    loaded = set[str]()
    for path in WHOLE:
        text = await (await client.get(path, allow_redirects=False)).text()
        loaded |= set(re.findall(r'(?:src|href|data-stream)="(/static/[^"]+)"', text))
    assert len(loaded) > 8
    for address in sorted(loaded):
        answer = await client.get(address)
        assert (answer.status, answer.headers["Cache-Control"]) == (200, FOREVER), address
        assert not re.search(r"(?:url\(|@import|import\()\s*[\"']?(?:https?:)?//", await answer.text()), address
