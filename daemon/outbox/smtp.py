"""The channel `mail`: one parcel is one mail to one reader, so that a server that takes some and refuses others is
answered exactly.

    what the server says                             answer
    250 after the dot                                TAKEN
    4xx to RCPT or to the mail                       LATER: the server lives
    5xx to RCPT or to the mail, 552 to MAIL          REFUSED
    421 at any time; anything else but 2xx before    DOWN: it concerns every mail
    no connection, a lost one, no answer in time     DOWN

Who is cut off after the dot does not know whether the mail was taken: it goes again under the same Message-ID, as after
a crash between the server's 250 and our commit, and mail servers and readers that know the id show it once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)
from aiosmtplib.response import SMTPResponse

from daemon.outbox.mail import Composer
from daemon.outbox.policy import Answer, Kind
from daemon.storage.outbox import Taken

IDLE: Final = 20.0  # seconds for which a connection is kept for the next mail
LONGEST_WAIT: Final = 15.0  # seconds that a mail waits for its turn
MAILS_PER_CONNECTION: Final = 100
UNAVAILABLE: Final = 421
TOO_LARGE: Final = 552


@dataclass(frozen=True, slots=True)
class Server:
    """The server that takes our mail. `password` belongs to `username`; both or none."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: str | None = None
    verify: bool = True
    ca_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Certificates are verified, unless somebody said otherwise. Raises OSError for a file that is none."""
        context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the server may take to answer a command, and a whole mail after its dot, in seconds."""

    step: float = 10.0
    after_dot: float = 20.0


@dataclass(slots=True)
class Line:
    """A connection that is open; `mails` were sent over it."""

    client: SMTP
    mails: int = 0
    idle_since: float = 0.0


class _Said(Exception):  # noqa: N818 - it is an answer
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


class Postman:
    """A Deliverer. `clock` counts seconds; `per_minute` mails are begun at most, evenly."""

    def __init__(
        self,
        server: Server,
        composer: Composer,
        per_minute: int,
        clock: Callable[[], float],
        patience: Patience = Patience(),
    ) -> None:
        self._server = server
        self._context = None if server.security == "none" else server.context()
        self._composer = composer
        self._between = 60 / per_minute
        self._clock = clock
        self._patience = patience
        self._next = 0.0
        self._idle: list[Line] = []
        self._closing: asyncio.TimerHandle | None = None

    async def deliver(self, taken: Taken) -> Answer:
        """Send it."""
        try:
            mail = self._composer.compose(taken.parcel.payload, taken.parcel.message_id, taken.created_at)
        except (KeyError, TypeError, ValueError) as error:
            return Answer(Kind.REFUSED, "unwritten", f"the mail can't be written: {type(error).__name__}")
        late = await self._turn()
        if late:
            return Answer(Kind.LATER, "throttled", "more mails wait than may be sent in a minute", late)
        try:
            line = await self._line()
        except _Said as said:
            return said.answer
        try:
            answer = await self._send(line.client, mail, taken.parcel.payload["to"])
        except _Said as said:
            answer = said.answer
        except BaseException:
            line.client.close()
            raise
        self._keep(line, answer)
        return answer

    def close(self) -> None:
        """Let the server go."""
        if self._closing:
            self._closing.cancel()
        for line in self._idle:
            line.client.close()
        self._idle.clear()

    # --- turns and connections -------------------------------------------------------------------------------------

    async def _turn(self) -> timedelta | None:
        """Wait for our turn; how long it is where that is too long."""
        now = self._clock()
        wait = max(0.0, self._next - now)
        if wait > LONGEST_WAIT:
            return timedelta(seconds=wait)
        self._next = max(now, self._next) + self._between
        if wait:
            await asyncio.sleep(wait)
        return None

    async def _line(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            try:
                if self._clock() - line.idle_since < IDLE and (await line.client.rset()).code // 100 == 2:
                    return line
            except (SMTPException, OSError):
                pass
            except BaseException:
                line.client.close()
                raise
            line.client.close()
        return Line(await self._connect())

    async def _connect(self) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self._context,
            username=server.username,
            password=server.password,
            timeout=self._patience.step,
        )
        try:
            await client.connect()
        except (SMTPException, OSError, ValueError) as problem:
            client.close()
            raise _Said(_trouble(problem)) from None
        except BaseException:
            client.close()
            raise
        return client

    def _keep(self, line: Line, answer: Answer) -> None:
        line.mails += 1
        if answer.kind is Kind.DOWN or not line.client.is_connected or line.mails >= MAILS_PER_CONNECTION:
            line.client.close()
            return
        line.idle_since = self._clock()
        self._idle.append(line)
        if self._closing:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(IDLE, self.close)

    # --- the dialogue ----------------------------------------------------------------------------------------------

    async def _send(self, client: SMTP, mail: EmailMessage, to: str) -> Answer:
        data = mail.as_bytes()
        options = [f"SIZE={len(data)}"] if client.supports_extension("size") else []
        encoding = "ascii"
        if not to.isascii():
            if not client.supports_extension("smtputf8"):
                return Answer(Kind.REFUSED, "smtputf8", "the server takes no addresses with such letters")
            options, encoding = [*options, "SMTPUTF8"], "utf-8"
        try:
            await client.mail(self._composer.letterhead.address, options=options, encoding=encoding)
        except (SMTPException, OSError) as problem:
            code = getattr(problem, "code", None)
            return _refused(problem) if code == TOO_LARGE else _trouble(problem)
        try:
            await client.rcpt(to, encoding=encoding)
            response = await client.data(data, timeout=self._patience.after_dot)
        except (SMTPException, OSError) as problem:
            return _refused(problem)
        return Answer(Kind.TAKEN, str(response.code), _text(response))


def _trouble(problem: Exception) -> Answer:
    """Something that concerns every mail."""
    if isinstance(problem, SMTPResponseException):
        return Answer(Kind.DOWN, str(problem.code), _text(problem))
    if isinstance(problem, SMTPTimeoutError | TimeoutError):
        return Answer(Kind.DOWN, "timeout", "no answer in time")
    if isinstance(problem, SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
        return Answer(Kind.DOWN, "lost", "the connection was lost")
    if isinstance(problem, ssl.SSLError) or isinstance(problem.__cause__, ssl.SSLError):
        return Answer(Kind.DOWN, "tls", str(problem)[:500])
    return Answer(Kind.DOWN, "unreachable", str(problem)[:500])


def _refused(problem: Exception) -> Answer:
    """Something that concerns this mail, if the server said so."""
    code = getattr(problem, "code", None)
    if not isinstance(problem, SMTPResponseException) or code == UNAVAILABLE or code is None or code < 400:
        return _trouble(problem)
    return Answer(Kind.REFUSED if code >= 500 else Kind.LATER, str(code), _text(problem))


def _text(response: SMTPResponse | SMTPResponseException) -> str:
    return " ".join(str(response.message).split())
