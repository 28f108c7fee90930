"""A mail, written out of a parcel's facts: the same facts give the same bytes, however often it is sent.

Each message is a folder of templates/. Whatever comes from outside is shown as text: escaped in HTML, without tricks
(plain.py), and on one line in headers, which are cut where they are too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from daemon.language import Language, Languages
from daemon.orders.letters import Message
from daemon.orders.reply_address import ReplyTo, write_address
from daemon.orders.reply_text import MARK
from daemon.plain import plain, plain_line

FOLDER: Final = Path(__file__).parent / "templates"
LONGEST_SUBJECT: Final = 150  # characters
LONGEST_NAME: Final = 80
Words = Mapping[str, Mapping[str, str]]
"""Tables of codes and what they are called: status, node_status."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is the same in every mail. `sender`: the From address; `pages`: where the pages are, without a slash behind.

    `reply_address` and `reply_key`: where agents reply to, and what signs it; "" and empty: nobody replies.
    """

    sender: str
    pages: str
    reply_address: str = ""
    reply_key: bytes = b""

    @property
    def domain(self) -> str:
        """Of the ids of our messages."""
        return parseaddr(self.sender)[1].rpartition("@")[2]

    @property
    def address(self) -> str:
        """Ours, without a name."""
        return parseaddr(self.sender)[1]

    def message_id(self, name: str) -> str:
        """The Message-ID of what is called so."""
        return f"<{name}@{self.domain}>"

    def is_ours(self, message_id: str) -> bool:
        """Whether a Message-ID is of a mail that we sent."""
        return message_id.startswith("<msg_") and message_id.endswith(f"@{self.domain}>")


class Composer:
    """Writes mails in every language. `words`: what the pages call the states of an order."""

    def __init__(self, languages: Languages, letterhead: Letterhead, words: Words) -> None:
        self._languages = languages
        self._by_tag = {tag: _environment(language, words) for tag, language in languages.known.items()}
        self.letterhead = letterhead

    def compose(self, payload: Mapping[str, Any], message_id: str, created_at: datetime) -> EmailMessage:
        """The mail of a parcel. Raises KeyError, ValueError for a payload that is none."""
        language = self._languages.choose(payload["language"])
        message = Message(payload["message"])
        facts = self._facts(payload, language)
        render = partial(_render, self._by_tag[language.tag], message, facts)
        mail = EmailMessage(policy=SMTP)
        self._address(mail, payload, message_id, created_at)
        mail["Subject"] = _header(" ".join(render("subject.txt").split()), LONGEST_SUBJECT)
        mail.set_content(render("body.txt"), cte="quoted-printable")
        mail.add_alternative(render("body.html"), subtype="html", cte="quoted-printable")
        mail["Content-Language"] = language.tag.replace("_", "-")
        mail.set_boundary(f"=_{message_id}")
        return mail

    def _facts(self, payload: Mapping[str, Any], language: Language) -> dict[str, Any]:
        return {
            **payload,
            "language": language,
            "pages": self.letterhead.pages,
            "replies": self._reply_address(payload) is not None,
            "mark": MARK,
            "now": datetime.fromisoformat(payload["at"]),
        }

    def _address(self, mail: EmailMessage, payload: Mapping[str, Any], name: str, created_at: datetime) -> None:
        """The headers that say from whom, to whom, and to what it belongs (RFC 5322, 3834, 2919, 2369)."""
        head = self.letterhead
        mail["From"] = _named(*parseaddr(head.sender))
        mail["To"] = _named(payload["name"], payload["to"])
        reply_address = self._reply_address(payload)
        if reply_address:
            mail["Reply-To"] = _named(parseaddr(head.sender)[0], reply_address)
        mail["Date"] = format_datetime(created_at.astimezone(UTC))
        mail["Message-ID"] = head.message_id(name)
        order = payload.get("order")
        if order:
            root = head.message_id(f"order.{int(order['id'])}")
            mail["In-Reply-To"] = root
            mail["References"] = root
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["List-Id"] = f"<work-orders.{head.domain}>"
        mail["List-Unsubscribe"] = f"<mailto:{head.address}?subject=unsubscribe>"

    def _reply_address(self, payload: Mapping[str, Any]) -> str | None:
        head, order, agent_id = self.letterhead, payload.get("order"), payload["agent_id"]
        if not head.reply_address or not order or not agent_id:
            return None
        return write_address(head.reply_address, head.reply_key, ReplyTo(int(order["id"]), int(agent_id)))


def cut(text: str, longest: int) -> str:
    """At most so many characters; what is cut says so by an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _header(text: str, longest: int) -> str:
    """Text for a header: on one line, cut, and never taken for an encoded word (RFC 2047), which would hide another."""
    return cut(plain_line(text).replace("=?", "= ?"), longest)


def _named(name: str, address: str) -> Address:
    """An address with a name before it. Raises ValueError for what is no address."""
    local, at, domain = address.rpartition("@")
    if not at or any(character.isspace() or not character.isprintable() for character in address):
        message = "is no mail address"
        raise ValueError(message)
    return Address(_header(name, LONGEST_NAME), local, domain)


def _render(environment: Environment, message: Message, facts: Mapping[str, Any], part: str) -> str:
    return environment.get_template(f"{message}/{part}").render(facts)


def _environment(language: Language, words: Words) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=_shown,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.texts.gettext, language.texts.ngettext, newstyle=True
    )
    environment.filters.update(
        {name: partial(_word, language, table) for name, table in words.items()},
        line=plain_line,
        dated=lambda at: language.dated(datetime.fromisoformat(at)),
        number=language.number,
        cut=cut,
    )
    return environment


def _word(language: Language, table: Mapping[str, str], code: str) -> str:
    return language.word(table.get(code, code))


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
