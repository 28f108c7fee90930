"""What may be attached to an order: how its name is kept, and what kind of file it is said to be.

A name is shown and offered for saving, never used as a path. The kind is told by the ending of the name; of pictures
and PDF the first bytes must agree, and programs are refused whatever they are called. What the client says it is
counts for nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Final

from daemon.errors import WorkorderdError

HEAD: Final = 16  # bytes from the beginning of a file that tell its kind
LONGEST_NAME: Final = 255  # bytes in UTF-8
ANY_BYTES: Final = "application/octet-stream"

MEDIA_TYPES: Final = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eml": "message/rfc822",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "rtf": "application/rtf",
    "txt": "text/plain",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "flac": "audio/flac",
    "gsm": "audio/x-gsm",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "wav": "audio/x-wav",
}
ENDINGS: Final = tuple(ending for ending in MEDIA_TYPES if ending != "zip")  # taken unless the configuration says else

_PROGRAMS: Final = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"!<arch>")
_BEGINNINGS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_TOLD_BY_CONTENT: Final = frozenset({*(kind for _, kind in _BEGINNINGS), "image/webp"})
_JOINERS: Final = frozenset("\u200c\u200d")  # scripts and emoji need them
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
_NOT_IN_NAMES: Final = frozenset('<>:"|?*')  # Windows takes them in no name
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


class KindError(WorkorderdError):
    """A file of this kind is not taken; the text says why."""


def file_name(raw: str) -> str:
    """A name that can be saved anywhere: the last part of a path, without anything invisible, at most 255 bytes.

    `file` where nothing is left.
    """
    last = raw.replace("\\", "/").rstrip("/").rpartition("/")[2]
    visible = "".join(each for each in unicodedata.normalize("NFC", last[-4096:]) if not _is_hidden(each))
    name = "".join("_" if each in _NOT_IN_NAMES else each for each in visible).strip(" .\u00a0\u3000")
    if name.partition(".")[0].casefold() in _DEVICES:
        name = f"_{name}"
    return _cut(name) or "file"


def check_ending(name: str, endings: Collection[str]) -> None:
    """Raises KindError for a name that does not end as allowed."""
    ending = _ending(name)
    if ending not in endings:
        listed = ", ".join(sorted(endings)) or "none at all"
        wanted = f"files that end in .{ending}" if ending else "files whose names have no ending"
        message = f"{wanted} are not taken; allowed: {listed}"
        raise KindError(message)


def media_type(name: str, head: bytes) -> str:
    """The media type of a file by its name and its first HEAD bytes. Raises KindError for one that is not taken."""
    if head.startswith(_PROGRAMS):
        message = "it is a program, whatever its name says"
        raise KindError(message)
    named, found = MEDIA_TYPES.get(_ending(name), ANY_BYTES), _sniffed(head)
    if named in _TOLD_BY_CONTENT:
        if found is None:
            message = f"its name says {named}, and its content does not"
            raise KindError(message)
        return found
    return named


def _sniffed(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _BEGINNINGS if head.startswith(beginning)), None)


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return ending.casefold() if dot and stem else ""


def _is_hidden(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _HIDDEN


def _cut(name: str) -> str:
    """At most LONGEST_NAME bytes, with the ending kept."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    _, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}" if dot and len(ending.encode()) <= 20 else ""
    whole = name[: len(name) - len(tail)] if tail else name
    return whole.encode()[: LONGEST_NAME - len(tail.encode())].decode(errors="ignore").rstrip(" .") + tail
