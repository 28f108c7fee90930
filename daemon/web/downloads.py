"""Files given out: to be saved, never shown or run, whatever they hold."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from aiohttp import web

from daemon.errors import NotFoundError
from daemon.web.problems import problem

PIECE: Final = 256 * 1024  # bytes
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_NOT_ASCII: Final = re.compile(r'[^\x20-\x7e]|["\\%]')


def disposition(name: str) -> str:
    """The header Content-Disposition for a file to be saved under this name (RFC 6266, 8187)."""
    plain, exact = _NOT_ASCII.sub("_", name), quote(name, safe="!#$&+^`|~")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


async def send_file(request: web.Request, path: Path, name: str, media_type: str, checksum: str) -> web.StreamResponse:
    """A file as an answer, or the part of it that is asked for (RFC 9110, 14). Raises NotFoundError."""
    tag = f'"{checksum}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if _names(request.headers.get("If-None-Match", ""), tag, weak=True):
        return web.Response(status=304, headers=headers)
    if "If-Match" in request.headers and not _names(request.headers["If-Match"], tag, weak=False):
        raise web.HTTPPreconditionFailed
    headers |= {"Accept-Ranges": "bytes", "Content-Disposition": disposition(name), "Content-Type": media_type}
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        message = "its file can't be read on the server"
        raise NotFoundError(message) from error
    with file:
        size = os.fstat(file.fileno()).st_size
        part = _part(request, size, tag)
        if part is None:
            return await _send(request, file, range(size), headers)
        if not part:
            return problem(416, f"it has {size} bytes", headers={"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        return await _send(request, file, part, headers)


async def _send(request: web.Request, file: BinaryIO, part: range, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(status=206 if "Content-Range" in headers else 200, headers=headers)
    response.content_length = left = len(part)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    await asyncio.to_thread(file.seek, part.start)
    try:
        while left:
            piece = await asyncio.to_thread(file.read, min(PIECE, left))
            if not piece:  # it became shorter: better a broken connection than a file that seems whole
                if request.transport is not None:
                    request.transport.abort()
                break
            await response.write(piece)
            left -= len(piece)
    except ConnectionError:  # he has left
        pass
    return response


def _part(request: web.Request, size: int, tag: str) -> range | None:
    """The bytes that are asked for, empty where there are none such. None: all of it, for no range or what is none."""
    asked = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or request.headers.get("If-Range", tag) != tag or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        return range(max(0, size - int(asked[2])), size)
    first, last = int(asked[1]), int(asked[2] or size)
    return range(first, min(size, last + 1)) if first <= last or not asked[2] else None


def _names(header: str, tag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags has this one; `weak`: also as W/."""
    told = [each.strip() for each in header.split(",")]
    return "*" in told or tag in told or (weak and f"W/{tag}" in told)
