"""Styles, scripts and pictures, read once: what is not in the list does not exist, whatever the path says."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent / "static"
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".ico": "image/x-icon"}
NEEDED: Final = ("vendor/htmx.js", "vendor/pico.css")
FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; its version is a hash of its contents."""

    media_type: str
    content: bytes
    packed: bytes
    version: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All of them by name, such as `desk.css` or `vendor/htmx.js`."""

    files: Mapping[str, Asset] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that `bin/assets` should have fetched."""
        return tuple(name for name in NEEDED if name not in self.files)

    def url(self, name: str) -> str:
        """Where a page finds it; the address changes with the contents, so that browsers may keep it for ever."""
        asset = self.files.get(name)
        return f"/static/{name}?v={asset.version}" if asset else f"/static/{name}"

    def answer(self, name: str, request: web.Request) -> web.Response:
        """The file, packed where the browser unpacks. Raises HTTPNotFound."""
        asset = self.files.get(name)
        if asset is None:
            raise web.HTTPNotFound
        kept = FOREVER if request.query.get("v") == asset.version else "no-cache"
        headers = {"Cache-Control": kept, "ETag": f'"{asset.version}"', "Vary": "Accept-Encoding"}
        if f'"{asset.version}"' in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        body = asset.content
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", asset.packed
        return web.Response(body=body, content_type=asset.media_type, charset="utf-8", headers=headers)


def read_assets(folder: Path = FOLDER) -> Assets:
    """Read the files of a folder whose kinds we serve."""
    return Assets(
        {
            path.relative_to(folder).as_posix(): _asset(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in MEDIA_TYPES and path.is_file()
        }
    )


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:12]
    return Asset(MEDIA_TYPES[path.suffix], content, gzip.compress(content, mtime=0), version)
