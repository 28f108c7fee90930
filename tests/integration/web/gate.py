"""A network that breaks when a test says so: between a browser and a desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.integration.web.desk import Desk


@dataclass
class Gate:
    """Passes bytes on to a desk while it is open."""

    desk: Desk
    url: str = ""
    passing: bool = True
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def shut(self) -> None:
        """Break every connection, and take none."""
        self.passing = False
        for writer in self._writers:
            writer.transport.abort()

    def open_to(self, desk: Desk) -> None:
        """Let browsers through, to this desk."""
        self.desk, self.passing = desk, True

    async def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        if not self.passing:
            writer.transport.abort()
            return
        port = self.desk.server.port
        assert port is not None
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        self._writers |= {writer, outer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, outer))
                both.create_task(_pass(inner, writer))
        finally:
            self._writers -= {writer, outer}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def gate_to(desk: Desk) -> AsyncIterator[Gate]:
    """A gate on a port of its own, until the block is left."""
    gate = Gate(desk)
    server = await asyncio.start_server(gate.admit, "127.0.0.1", 0)
    gate.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield gate
        gate.shut()
