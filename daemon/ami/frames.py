"""Bytes from an Asterisk to frames: only what is wanted is ever decoded.

Bytes that are not UTF-8 come out as `\\xNN`: nothing is lost, two different names stay different, and every text can
be stored. (Asterisk passes on whatever a phone sends.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from daemon.ami.translate import WANTED
from daemon.calls.outgoing import MARK

LIMIT: Final = 4 << 20  # bytes; the longest frame seen in real life is some 100 KiB
BANNER: Final = b"Asterisk Call Manager/"
END: Final = b"\r\n\r\n"
_EVENT: Final = b"Event: "
_ACTION_ID: Final = b"\r\nActionID: "
_UNIQUEID: Final = b"\r\nUniqueid: "
_FOR_THE_LINK: Final[dict[bytes, tuple[bytes | None, bool, bytes]]] = {
    b"FullyBooted": (None, False, b""),
    b"Shutdown": (None, False, b""),
}
_OURS: Final = _UNIQUEID + MARK.encode()
_SIEVE: Final = _FOR_THE_LINK | {
    name.encode(): (wanted.only, wanted.of_known, _OURS if wanted.of_ours else wanted.only)
    for name, wanted in WANTED.items()
}


class Frame(NamedTuple):
    """An event as it came, and when, in seconds since the epoch. Decoded when it is asked, since most never are.

    `of_known`: it matters only for a call that is known already.
    """

    raw: bytes
    at: float
    of_known: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """All its headers."""
        return headers(self.raw)

    @property
    def uniqueid(self) -> str:
        """The channel of which it speaks, "" if none; without decoding the rest."""
        _, found, rest = self.raw.partition(_UNIQUEID)
        return text(rest.partition(b"\r\n")[0]) if found else ""


def text(frame: bytes) -> str:
    """A frame as text."""
    return frame.decode("utf-8", "backslashreplace")


def headers(frame: bytes) -> dict[str, str]:
    """The headers of a frame; of a header that comes twice, the last."""
    lines = text(frame).split("\r\n")
    try:
        return dict([line.split(": ", 1) for line in lines])
    except ValueError:  # a line without a colon
        return {name: value for name, colon, value in [line.partition(": ") for line in lines] if colon}


class FrameReader:
    """Cuts a stream at any byte and keeps what is wanted.

    `others` gets, undecoded, what is not for the tracker: answers, items of lists (while `expecting`), and events
    about the link itself. A frame over `limit` bytes is dropped and counted in `oversized`; the next one is read.
    """

    def __init__(self, others: Callable[[bytes], None] | None = None, limit: int = LIMIT) -> None:
        self.expecting: Mapping[str, object] = {}
        self.oversized = 0
        self._others = others
        self._limit = limit
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes, at: float) -> list[Frame]:
        """The wanted events that these bytes complete, in order."""
        if self._rest:
            data = self._rest + data
        if self._skipping:
            skipped, found, data = data.partition(END)
            if not found:
                self._rest = skipped[-3:]
                return []
            self._skipping = False
        parts = data.split(END)
        self._keep(parts.pop())
        return self._sieve(parts, at)

    def _sieve(self, parts: list[bytes], at: float) -> list[Frame]:
        frames: list[Frame] = []
        sieve, expecting, others = _SIEVE.get, self.expecting, self._others
        for part in parts:
            if part[:7] != _EVENT:
                self._unusual(part, at, frames)
                continue
            wanted = sieve(part[7 : part.find(b"\r\n", 7)])
            if wanted is not None:
                only, of_known, instead = wanted
                if only is None:
                    if others is not None:
                        others(part)
                    continue
                if only in part or instead in part:
                    frames.append(Frame(part, at, of_known))
            if expecting and others is not None and _ACTION_ID in part:
                others(part)
        return frames

    def _keep(self, rest: bytes) -> None:
        self._rest = rest
        if len(rest) > self._limit:
            self._rest = rest[-3:]
            self._skipping = True
            self.oversized += 1

    def _unusual(self, part: bytes, at: float, frames: list[Frame]) -> None:
        """An answer; or an event behind a stray line end or, in a recording, behind a banner."""
        bare = part.lstrip(b"\r\n")
        if bare.startswith(BANNER):
            bare = bare.partition(b"\r\n")[2]
        if bare.startswith(_EVENT):
            aside = FrameReader(self._others)
            aside.expecting = self.expecting
            frames += aside.feed(bare + END, at)
        elif bare and self._others is not None:
            self._others(bare)
