"""Asterisk's side of a FastAGI conversation, word by word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

DEADLINE = 10.0
CHANNEL = {
    "agi_request": "agi://127.0.0.1/caller",
    "agi_channel": "PJSIP/trunk-00000001",
    "agi_language": "en",
    "agi_uniqueid": "main-1790000000.1",
    "agi_version": "22.10.1",
    "agi_callerid": "03012345678",
    "agi_calleridname": "unknown",
    "agi_callingpres": "0",
    "agi_extension": "500",
}


class Peer:
    """A connection as res_agi opens it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def opens(self, script: str, *arguments: str, **more: str) -> None:
        """Tell the variables; the arguments of AGI() become agi_arg_N."""
        told: Mapping[str, str] = {
            "agi_network_script": script,
            **CHANNEL,
            **more,
            **{f"agi_arg_{n}": argument for n, argument in enumerate(arguments, 1)},
        }
        self.says("".join(f"{name}: {value}\n" for name, value in told.items()) + "\n")

    def says(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)

    async def hears(self) -> str:
        """The next command; "" when we were left."""
        async with asyncio.timeout(DEADLINE):
            return (await self.reader.readline()).decode().rstrip("\n")

    async def is_left(self) -> None:
        """The other side ends the conversation without another word."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionResetError):  # it left without reading all that was said
                assert await self.reader.read() == b""

    async def answers(self, *answers: str) -> list[str]:
        """Give these answers, one to each command, and what was commanded."""
        heard = []
        for answer in answers:
            heard.append(await self.hears())
            self.says(answer + "\n")
        return heard


@asynccontextmanager
async def peer(port: int) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Peer(reader, writer)
    writer.close()
