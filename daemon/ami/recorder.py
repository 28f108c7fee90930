"""Keep what an Asterisk says on its manager interface, byte for byte, for a bug report or a test.

The greeting, and all that follows the answer to the log-in; nothing that we sent, so no secret. Callers' numbers and
names are in it: a recording is as private as the calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from daemon.ami.errors import AmiDown, AmiInvalid, AmiRefused, AmiTimeout
from daemon.ami.frames import BANNER, END

PATIENCE: Final = 10.0  # seconds for connecting and logging in
_BANNER_BYTES: Final = 256
_CHUNK: Final = 1 << 16


async def record(
    host: str,
    port: int,
    username: str,
    secret: str,
    file: Path,
    *,
    seconds: float | None = None,
    tls: ssl.SSLContext | None = None,
) -> int:
    """Write to `file` until `seconds` are over, the PBX ends the connection, or the task is cancelled; bytes written.

    Each read is in the file before the next. Raises AmiDown, AmiRefused, AmiTimeout, AmiInvalid, OSError.
    """
    async with _logged_in(host, port, username, secret, tls) as (banner, reader):
        with file.open("wb", buffering=0) as out:
            size = out.write(banner)
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(seconds):
                    while data := await reader.read(_CHUNK):
                        size += out.write(data)
    return size


@contextlib.asynccontextmanager
async def _logged_in(
    host: str, port: int, username: str, secret: str, tls: ssl.SSLContext | None
) -> AsyncIterator[tuple[bytes, asyncio.StreamReader]]:
    """The greeting, and a reader that stands right after the answer to the log-in."""
    if any(character in username + secret for character in "\r\n\0"):
        raise AmiInvalid("user name and secret must each be one line")
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=_CHUNK)
    except TimeoutError:
        raise AmiTimeout(f"{host}:{port} does not answer") from None
    except OSError as problem:
        raise AmiDown(f"no connection to {host}:{port}: {problem}") from problem
    try:
        async with asyncio.timeout(PATIENCE):
            banner = await reader.readuntil(b"\r\n")
            if not banner.startswith(BANNER) or len(banner) > _BANNER_BYTES:
                raise AmiDown(f"{host}:{port} is no manager interface")
            login = ("Action: Login", f"Username: {username}", f"Secret: {secret}", "Events: on", "", "")
            writer.write("\r\n".join(login).encode())
            answer = await reader.readuntil(END)
        if not answer.startswith(b"Response: Success"):
            raise AmiRefused(f"{host}:{port} refuses the user {username}")
        yield banner, reader
    except TimeoutError:
        raise AmiTimeout(f"{host}:{port} does not answer") from None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as problem:
        raise AmiDown(f"{host}:{port} ended the connection or is no manager interface") from problem
    finally:
        writer.close()
