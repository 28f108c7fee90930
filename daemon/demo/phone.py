"""A SIP telephone, as small as can be: answers, calls, and transfers one talk into the other (RFC 3261, 3515, 3891).

UDP on loopback, where nothing is lost, so nothing is sent twice; no sound.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Self, cast
from urllib.parse import quote

from daemon.demo.asterisk import PrivateAsterisk

PATIENCE: Final = 10.0  # seconds for an answer
_SDP: Final = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
_ECHOED: Final = ("Via", "From", "To", "Call-ID", "CSeq")


@dataclass(slots=True)
class _Message:
    """What came: the first line, and the first header of each name."""

    first: str
    headers: dict[str, str]

    @classmethod
    def read(cls, data: bytes) -> Self:
        first, *lines = data.decode("utf-8", "replace").partition("\r\n\r\n")[0].split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name, value.strip())
        return cls(first, headers)


@dataclass(slots=True)
class _Talk:
    """A dialog: who we are in it, who the other is, and where he wants to be spoken to."""

    call_id: str
    ours: str
    theirs: str
    target: str
    sent: int = 1


class SipPhone(asyncio.DatagramProtocol):
    """`async with SipPhone.at(pbx, "1000") as phone`; it answers at once whoever calls; `user` is its number."""

    def __init__(self, user: str, exchange: tuple[str, int]) -> None:
        self.user = user
        self.port = 0
        self._exchange = exchange
        self._transport: asyncio.DatagramTransport | None = None
        self._talks: list[_Talk] = []
        self._answers: dict[str, asyncio.Future[_Message]] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, pbx: PrivateAsterisk, user: str) -> AsyncIterator[Self]:
        """A telephone on a free port."""
        loop = asyncio.get_running_loop()
        transport, phone = await loop.create_datagram_endpoint(
            lambda: cls(user, (pbx.host, pbx.sip_port)), local_addr=("127.0.0.1", 0)
        )
        try:
            yield phone
        finally:
            transport.close()

    async def call(self, extension: str) -> None:
        """Call and wait for the answer."""
        call_id = secrets.token_hex(8)
        ours = f"<sip:{self.user}@127.0.0.1:{self.port}>;tag={secrets.token_hex(4)}"
        uri = f"sip:{extension}@{self._exchange[0]}:{self._exchange[1]}"
        talk = _Talk(call_id, ours, f"<{uri}>", uri)
        answer = await self._ask("INVITE", talk, body=_SDP.format(port=self.port + 1))
        talk.theirs, talk.target = answer.headers["To"], _uri(answer.headers["Contact"])
        self._request("ACK", talk)
        self._talks.append(talk)

    async def hang_up(self) -> None:
        """End the last talk."""
        talk = self._talks.pop()
        talk.sent += 1
        await self._ask("BYE", talk)

    async def transfer(self) -> None:
        """Put the partner of the first talk in our place in the last."""
        first, last = self._talks[0], self._talks[-1]
        place = quote(f"{last.call_id};to-tag={_tag(last.theirs)};from-tag={_tag(last.ours)}", safe="")
        first.sent += 1
        await self._ask("REFER", first, f"Refer-To: <{last.target}?Replaces={place}>")

    # --- asyncio.DatagramProtocol ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand on final answers; say yes to every request."""
        message = _Message.read(data)
        if message.first.startswith("SIP/2.0 "):
            answer = self._answers.get(f"{message.headers['Call-ID']} {message.headers['CSeq']}")
            if answer is not None and not answer.done() and not message.first.startswith("SIP/2.0 1"):
                answer.set_result(message)
        elif message.first.startswith("INVITE "):
            self._pick_up(message)
        elif not message.first.startswith("ACK "):
            self._send("SIP/2.0 200 OK", [f"{name}: {message.headers[name]}" for name in _ECHOED])

    def _pick_up(self, invite: _Message) -> None:
        headers = dict(invite.headers)
        if "tag=" not in headers["To"]:
            headers["To"] += f";tag={secrets.token_hex(4)}"
            self._talks.append(_Talk(headers["Call-ID"], headers["To"], headers["From"], _uri(headers["Contact"])))
        echoed = [f"{name}: {headers[name]}" for name in _ECHOED]
        self._send("SIP/2.0 200 OK", [*echoed, self._contact], _SDP.format(port=self.port + 1))

    async def _ask(self, method: str, talk: _Talk, *more: str, body: str = "") -> _Message:
        answer = asyncio.get_running_loop().create_future()
        self._answers[f"{talk.call_id} {talk.sent} {method}"] = answer
        self._request(method, talk, *more, body=body)
        said: _Message = await asyncio.wait_for(answer, PATIENCE)
        if not said.first.startswith("SIP/2.0 2"):
            raise ConnectionError(f"{method}: {said.first}")
        return said

    def _request(self, method: str, talk: _Talk, *more: str, body: str = "") -> None:
        lines = [
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: {talk.ours}",
            f"To: {talk.theirs}",
            f"Call-ID: {talk.call_id}",
            f"CSeq: {talk.sent} {method}",
            "Max-Forwards: 70",
            self._contact,
            *more,
        ]
        self._send(f"{method} {talk.target} SIP/2.0", lines, body)

    @property
    def _contact(self) -> str:
        return f"Contact: <sip:{self.user}@127.0.0.1:{self.port}>"

    def _send(self, first: str, lines: list[str], body: str = "") -> None:
        assert self._transport is not None
        described = ["Content-Type: application/sdp"] if body else []
        text = "\r\n".join([first, *lines, *described, f"Content-Length: {len(body)}", "", body])
        self._transport.sendto(text.encode(), self._exchange)


def _uri(address: str) -> str:
    return address.partition("<")[2].partition(">")[0] or address


def _tag(address: str) -> str:
    return address.partition(";tag=")[2].partition(";")[0]
