"""An SMTP server that does as it is told: refuses, cuts off or falls silent at any step of the dialogue."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Literal

STEPS = ("connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot", "kept")
"""`dot`: the mail came and is not kept; `kept`: it is, and no 250 was said."""
Trouble = Literal["cut", "refuse", "never", "hang"]


@dataclass
class MailServer:
    """`trouble(step, n, text)`: what goes wrong at the nth time of a step, with what the client said; None: nothing."""

    context: ssl.SSLContext | None = None
    trouble: Callable[[str, int, str], Trouble | None] = lambda *_: None
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._serve(reader, writer)
        writer.close()

    async def _step(self, name: str, text: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether it goes well; else it went as told."""
        self.seen[name] += 1
        match self.trouble(name, self.seen[name], text):
            case "cut":
                raise ConnectionResetError
            case "refuse":
                writer.write(b"451 not now\r\n")
            case "never":
                writer.write(b"550 never\r\n")
            case "hang":
                await reader.read()  # until the client goes
                raise ConnectionResetError
            case _:
                return True
        return False

    async def _serve(  # noqa: C901 - a dialogue, word by word
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not await self._step("connect", "", reader, writer):
            return
        writer.write(b"220 test\r\n")
        secure, to = False, ""
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            word = line.split(":")[0].split()[0].upper()
            if word == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            if not await self._step(word, line, reader, writer):
                continue
            match word:
                case "EHLO":
                    offers = ["STARTTLS"] if self.context and not secure else ["AUTH PLAIN"] if secure else []
                    lines = ["test", "SIZE 1000000", *offers]
                    writer.write("".join(f"250{'-' if n else ' '}{t}\r\n" for t, n in _numbered(lines)).encode())
                case "STARTTLS":
                    assert self.context
                    writer.write(b"220 go\r\n")
                    await writer.drain()
                    await writer.start_tls(self.context)
                    secure = True
                case "AUTH":
                    writer.write(b"235 welcome\r\n")
                case "RCPT":
                    to = line.partition("<")[2].partition(">")[0]
                    writer.write(b"250 yes\r\n")
                case "DATA":
                    writer.write(b"354 go\r\n")
                    data = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                    if await self._step("dot", to, reader, writer):
                        self.recipients.append(to)
                        mail = message_from_bytes(data, policy=default)
                        assert isinstance(mail, EmailMessage)
                        self.mails.append(mail)
                        if await self._step("kept", to, reader, writer):
                            writer.write(b"250 queued\r\n")
                case _:
                    writer.write(b"250 yes\r\n")


def _numbered(lines: list[str]) -> list[tuple[str, int]]:
    return [(line, len(lines) - n - 1) for n, line in enumerate(lines)]


@asynccontextmanager
async def serving(server: MailServer) -> AsyncIterator[MailServer]:
    """It listens on a port of loopback, `server.port`."""
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        await server.serve(reader, writer)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in connections:
            writer.close()
        await listening.wait_closed()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost, and the server's side of it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return cert, context
