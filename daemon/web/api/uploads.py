"""Bodies that are no JSON: read piece by piece, never whole, and never more than is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

ANYTHING: Final = "*/*"
PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """What an operation takes instead of JSON. `media_types`: one of these, or ANYTHING; `most_bytes` of the body."""

    media_types: tuple[str, ...]
    most_bytes: int

    def admit(self, request: web.Request) -> None:
        """Refuse what can be seen not to fit. Raises HTTPUnsupportedMediaType, HTTPRequestEntityTooLarge."""
        if ANYTHING not in self.media_types and request.content_type not in self.media_types:
            raise web.HTTPUnsupportedMediaType(text=f"{' or '.join(self.media_types)} is expected")
        if request.content_length is not None and request.content_length > self.most_bytes:
            raise self.too_large(request.content_length)

    async def pieces(self, request: web.Request) -> AsyncIterator[bytes]:
        """The body as it comes. Raises HTTPRequestEntityTooLarge at the first byte too many."""
        seen = 0
        async for piece in request.content.iter_chunked(PIECE):
            seen += len(piece)
            if seen > self.most_bytes:
                raise self.too_large(seen)
            yield piece

    def too_large(self, size: int) -> web.HTTPRequestEntityTooLarge:
        """The refusal, which names the limit."""
        return web.HTTPRequestEntityTooLarge(
            self.most_bytes, size, text=f"at most {self.most_bytes} bytes are taken, and these are {size} or more"
        )
