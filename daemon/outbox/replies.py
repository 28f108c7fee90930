"""Replies by mail: a mail server hands them over by LMTP (RFC 2033), one recipient at a time.

What is refused is refused in the dialogue, with the reason, and never answered by a mail of ours; so is what a machine
sent, or what we did. 250 is said when the reply is in the history: who is cut off before may send it again, and it is
known by its Message-ID. While the database is away the answer is 451, and the mail server keeps it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from daemon.errors import ForbiddenError, NotFoundError, StartError
from daemon.handlers.live import Tell
from daemon.handlers.mail_replies import agent_of, take_reply
from daemon.handlers.world import World
from daemon.language import Languages
from daemon.orders.reply_address import ReplyTo, read_address
from daemon.orders.reply_text import reply_text
from daemon.orders.steps import IllegalStepError, NotAllowedError
from daemon.outbox.mail import Letterhead
from daemon.outbox.received import Received, UnreadableError, read_mail
from daemon.storage.engine import OUTAGES, Store

PATIENCE: Final = 60.0  # seconds without a word
AGAIN: Final = "451 4.3.0 it can't be written down now; try again"
HOUR: Final = timedelta(hours=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken at most: bytes of a mail, and replies of one agent in an hour."""

    size: int = 10_000_000
    per_hour: int = 60


class Replies:
    """The hooks of aiosmtpd: what is said to each command."""

    def __init__(
        self,
        store: Store,
        world: Callable[[], World],
        languages: Languages,
        letterhead: Letterhead,
        limits: Limits,
        tell: Tell,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._world = world
        self._languages = languages
        self._letterhead = letterhead
        self._tell = tell
        self._clock = clock
        self._taken: dict[int, deque[datetime]] = {}
        self.limits = limits

    async def handle_MAIL(  # noqa: N802 - so aiosmtpd calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        """Bounces have no sender: nobody wrote them."""
        if address in {"", "<>"}:
            return "550 5.7.1 bounces are not taken here"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Only addresses that we wrote and signed."""
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        if self._order(address) is None:
            return "550 5.1.1 there is no such address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The whole mail."""
        to, content = self._order(envelope.rcpt_tos[0]), envelope.content
        assert to is not None
        assert isinstance(content, bytes)
        try:
            mail = await asyncio.to_thread(read_mail, content)
            answer = await self._take(to, mail)
        except UnreadableError as error:
            answer = f"550 5.6.0 {error}"
        except (NotFoundError, ForbiddenError):
            answer = "550 5.1.1 there is no such order for you"
        except (NotAllowedError, IllegalStepError) as error:
            answer = f"550 5.7.1 {_ascii(str(error))}"
        except (*OUTAGES, OSError):
            answer = AGAIN
        log.info("mail_reply", order=to.order_id, agent=to.agent_id, answer=answer[:9].strip())
        return answer

    async def handle_exception(self, error: Exception) -> str:
        """A mistake of ours costs nobody his mail, and what it says is nobody's matter."""
        log.error("mail_reply_failed", error=type(error).__name__)
        return AGAIN

    async def _take(self, to: ReplyTo, mail: Received) -> str:
        if mail.automatic:
            return "550 5.7.1 what machines and lists send is not taken here"
        if self._letterhead.is_ours(mail.message_id):
            return "550 5.4.6 this is a mail of ours: a loop"
        world, at = self._world(), self._clock()
        agent = agent_of(world, to, mail.sender)
        if agent is None:
            return "550 5.7.1 this address is for another sender"
        text = await asyncio.to_thread(reply_text, mail.text)
        if not text:
            return "550 5.6.0 there is no text above what is quoted"
        if not self._may(agent.id, at):
            return "550 5.7.1 too many replies within an hour"
        note = text + self._left_out(mail, agent.language)
        for news in await take_reply(self._store, world, agent, to.order_id, note, mail.message_id, at):
            self._tell(news)
        return "250 2.0.0 it is in the history"

    def _order(self, address: str) -> ReplyTo | None:
        return read_address(self._letterhead.reply_address, self._letterhead.reply_key, address)

    def _may(self, agent_id: int, at: datetime) -> bool:
        recent = self._taken.setdefault(agent_id, deque())
        while recent and at - recent[0] > HOUR:
            recent.popleft()
        if len(recent) >= self.limits.per_hour:
            return False
        recent.append(at)
        return True

    def _left_out(self, mail: Received, tag: str | None) -> str:
        if not mail.attached:
            return ""
        ngettext = self._languages.choose(tag).texts.ngettext
        count = len(mail.attached)
        said = ngettext(
            "%(count)s attachment was left out: %(names)s", "%(count)s attachments were left out: %(names)s", count
        )
        return "\n\n[" + said % {"count": count, "names": ", ".join(mail.attached[:20])} + "]"


@asynccontextmanager
async def listening(replies: Replies, host: str, port: int) -> AsyncIterator[int]:
    """Listen for LMTP; the port. Raises StartError."""
    loop = asyncio.get_running_loop()

    def protocol() -> LMTP:
        return LMTP(
            replies,
            data_size_limit=replies.limits.size,
            enable_SMTPUTF8=True,
            hostname="workorderd",
            ident="workorderd",
            timeout=PATIENCE,
            loop=loop,
        )

    try:
        server = await loop.create_server(protocol, host, port)
    except OSError as problem:
        message = f"mail replies: can't listen on {host}:{port}: {problem.strerror}"
        raise StartError(message) from problem
    found = server.sockets[0].getsockname()[1]
    log.info("mail_replies_listening", address=f"{host}:{found}")
    try:
        yield found
    finally:
        server.close()


def _ascii(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())[:300]
