"""A mail that came in, read without trust: broken MIME, lies about charsets, machines that answer."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Final

from daemon.orders.reply_text import readable

MOST_PARTS: Final = 200
LONGEST_PART: Final = 1_000_000  # bytes of text that are looked at
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_HIDDEN: Final = frozenset({"script", "style", "head", "title", "template"})
_BREAKS: Final = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "blockquote"})


class UnreadableError(ValueError):
    """It is refused; the message says why, in ASCII."""


@dataclass(frozen=True, slots=True)
class Received:
    """A mail. `text` with what it quotes; `attached`: names of files; `automatic`: a machine or a list sent it."""

    sender: str
    message_id: str
    text: str
    attached: tuple[str, ...]
    automatic: bool


def read_mail(raw: bytes) -> Received:
    """Read it. Raises UnreadableError."""
    try:
        return _read(raw)
    except UnreadableError:
        raise
    except Exception as error:  # noqa: BLE001 - the standard library's parser raises whatever it likes
        message = f"this is no mail that can be read ({type(error).__name__})"
        raise UnreadableError(message) from None


def _read(raw: bytes) -> Received:
    mail = message_from_bytes(raw)
    senders = [address for _, address in getaddresses([str(each) for each in mail.get_all("From", [])]) if address]
    if len(senders) != 1:
        message = "exactly one sender is allowed in From"
        raise UnreadableError(message)
    parts = [part for _, part in zip(range(MOST_PARTS), mail.walk(), strict=False) if not part.is_multipart()]
    bodies = [part for part in parts if part.get_content_maintype() == "text" and not _is_attached(part)]
    plain = next((part for part in bodies if part.get_content_subtype() == "plain"), None)
    html = next((part for part in bodies if part.get_content_subtype() == "html"), None)
    text = _text(plain) if plain is not None else ""
    if not text.strip() and html is not None:
        text = _of_html(_text(html))
    return Received(
        sender=senders[0],
        message_id=_id(mail, raw),
        text=text,
        attached=tuple(_name(part) for part in parts if part not in bodies and not part.get("Content-ID")),
        automatic=_is_automatic(mail),
    )


def _id(mail: Message, raw: bytes) -> str:
    said = " ".join(str(mail.get("Message-ID", "")).split())
    return said[:1000] or f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _is_automatic(mail: Message) -> bool:
    """RFC 3834, and what came before it."""
    submitted = str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    return (
        submitted != "no"
        or str(mail.get("Precedence", "")).strip().lower() in _BULK
        or any(mail.get(name) is not None for name in ("List-Id", "X-Autoreply", "X-Autorespond", "X-Loop"))
        or str(mail.get("Return-Path", "")).strip() == "<>"
        or mail.get_content_type() == "multipart/report"
    )


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _name(part: Message) -> str:
    name = part.get_filename() or part.get_content_type()
    with suppress(ValueError, LookupError):
        name = str(make_header(decode_header(name)))
    return " ".join(readable(name).split())[:100]


def _text(part: Message) -> str:
    """By the charset that it says; where that is no charset or a lie, as UTF-8, else as Latin-1."""
    raw = part.get_payload(decode=True)
    data = raw[:LONGEST_PART] if isinstance(raw, bytes) else b""
    said = part.get_content_charset("utf-8")
    for charset in (said, "utf-8"):
        try:
            return data.decode(charset)
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        self._quoted += tag == "blockquote"
        if tag in _BREAKS:
            self.words.append("\n" + "> " * bool(self._quoted))

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        self._quoted = max(0, self._quoted - (tag == "blockquote"))
        if tag == "blockquote":
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data.replace("\n", " "))


def _of_html(html: str) -> str:
    words = _Words()
    words.feed(html)
    words.close()
    return "".join(words.words)
