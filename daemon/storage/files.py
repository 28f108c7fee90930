"""Files on disk, each under the SHA-256 of what it holds: `<folder>/ab/cd/<sha256>`, there whole or not at all.

What comes in is written to `<folder>/incoming`, synced, and renamed when all of it is there; only then a row may speak
of it. Two equal files are one. What a crash leaves behind (incoming files, and files without a row) is swept later.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

from daemon.errors import WorkorderdError
from daemon.orders.attachment import HEAD

INCOMING: Final = "incoming"
OLD: Final = 3600.0  # seconds: nothing younger is swept, for its row may be about to come
_BATCH: Final = 256 * 1024  # bytes that are gathered before the disk is asked
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

P = ParamSpec("P")
T = TypeVar("T")
Known = Callable[[Collection[str]], Awaitable[Set[str]]]
"""Which of these checksums rows speak of."""


class TooLargeError(WorkorderdError):
    """More came than is taken; nothing of it was kept."""

    def __init__(self, most: int) -> None:
        super().__init__(f"a file of at most {most} bytes is taken, and this one is larger")
        self.most = most


class NoRoomError(WorkorderdError):
    """The disk takes no files; nothing was kept. The text says why, without paths."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file that has come in whole. `head`: its first bytes."""

    path: Path
    sha256: str
    size: int
    head: bytes


class Tray:
    """Where files wait until all of a request are there; what is not kept is gone when the tray is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[Path] = []

    async def __aenter__(self) -> Tray:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(_remove, self._waiting)

    async def take(self, pieces: AsyncIterable[bytes], most: int) -> Parcel:
        """Write a file as it comes. Raises TooLargeError at the first byte too many, NoRoomError, what they raise."""
        incoming = await _on_disk(_Incoming, self._folder, self._waiting)
        try:
            async for piece in pieces:
                if incoming.size + len(piece) > most:
                    raise TooLargeError(most)
                incoming.add(piece)
                if len(incoming.batch) >= _BATCH:
                    await _on_disk(incoming.write)
            await _on_disk(incoming.sync)
        finally:
            await asyncio.to_thread(incoming.close)
        return Parcel(incoming.path, incoming.digest.hexdigest(), incoming.size, incoming.head)

    async def keep(self, parcel: Parcel) -> None:
        """Put a file to its place for good. Raises NoRoomError."""
        await _on_disk(_place, parcel.path, path_of(self._folder, parcel.sha256))


class _Incoming:
    """A file that is being written. Only one thread at a time is in it."""

    def __init__(self, folder: Path, waiting: list[Path]) -> None:
        _make(folder / INCOMING)
        number, name = tempfile.mkstemp(dir=folder / INCOMING)
        self.path = Path(name)
        waiting.append(self.path)
        self.file = os.fdopen(number, "wb")
        self.digest = hashlib.sha256()
        self.batch = bytearray()
        self.head = b""
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.head += piece[: HEAD - len(self.head)] if len(self.head) < HEAD else b""
        self.batch += piece
        self.size += len(piece)

    def write(self) -> None:
        self.digest.update(self.batch)
        self.file.write(self.batch)
        self.batch = bytearray()

    def sync(self) -> None:
        self.write()
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self) -> None:
        with suppress(OSError):  # of bytes that nobody wants any more
            self.file.close()


def path_of(folder: Path, sha256: str) -> Path:
    """Where a file lies. Raises ValueError for what is no checksum."""
    if not _SHA256.fullmatch(sha256):
        message = "a SHA-256 in hexadecimal is expected"
        raise ValueError(message)
    return folder / sha256[:2] / sha256[2:4] / sha256


def is_sound(folder: Path, sha256: str) -> bool | None:
    """Whether a file holds what its name says; None: it is not there, or can't be read."""
    digest = hashlib.sha256()
    try:
        with path_of(folder, sha256).open("rb") as file:
            while piece := file.read(_BATCH):
                digest.update(piece)
    except OSError:
        return None
    return digest.hexdigest() == sha256


async def sweep(folder: Path, known: Known, now: float) -> int:
    """Remove incoming files and files without a row that are older than OLD seconds; how many. `now`: of the epoch."""
    gone = await asyncio.to_thread(_sweep_incoming, folder, now)
    for names in await asyncio.to_thread(lambda: list(_old(folder, now))):
        for name in set(names) - await known(names):
            gone += await asyncio.to_thread(_sweep, folder, name, now)
    return gone


def _sweep(folder: Path, name: str, now: float) -> int:
    """Remove a file unless the same has come again meanwhile: taken away first, then looked at, lest one is lost."""
    path, grave = path_of(folder, name), folder / INCOMING / f"{name}.gone"
    try:
        path.rename(grave)
        if now - grave.stat().st_mtime < OLD:
            grave.replace(path)
            return 0
        grave.unlink()
    except OSError:
        return 0
    return 1


def _old(folder: Path, now: float) -> Iterator[list[str]]:
    """The old files, folder by folder."""
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]")):
        with suppress(OSError):
            files = [each for each in path.iterdir() if _SHA256.fullmatch(each.name)]
            names = [each.name for each in files if now - each.stat().st_mtime >= OLD]
            if names:
                yield names


def _sweep_incoming(folder: Path, now: float) -> int:
    gone = 0
    for path in (folder / INCOMING).glob("*.gone"):  # a sweep was interrupted: it is looked at again
        with suppress(OSError, ValueError):
            back = path_of(folder, path.stem)
            path.unlink() if back.exists() else path.rename(back)
    for path in (folder / INCOMING).glob("*"):
        with suppress(OSError):
            if now - path.stat().st_mtime >= OLD:
                path.unlink()
                gone += 1
    return gone


async def _on_disk(do: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """In a thread, because disks are slow. Raises NoRoomError for what the system refuses."""
    try:
        return await asyncio.to_thread(do, *arguments, **named)
    except OSError as error:
        message = f"the server can't keep files at the moment: {error.strerror or type(error).__name__}"
        raise NoRoomError(message) from error


def _place(incoming: Path, path: Path) -> None:
    made = [each for each in (path.parent.parent, path.parent) if not each.exists()]
    _make(path.parent)
    incoming.replace(path)  # also over an equal one: its new age keeps it from being swept before its row is there
    for folder in {path.parent, *(each.parent for each in made)}:
        _sync_folder(folder)


def _make(folder: Path) -> None:
    for each in reversed((folder, *folder.parents)):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
