"""One conversation with Asterisk: it tells its variables, then answers commands, one at a time.

    AgiError
    ├── BadRequest      what connected does not speak AGI, or says more than anybody needs
    ├── Refused         it may not ask: address, secret, or too many at once
    ├── Gone            the caller, Asterisk or the time is gone: nothing more can be said
    └── CommandFailed   Asterisk refuses a command (510, 511, 520)

Built on panoramisk's Request through what it lets one override. What is done otherwise: an answer has a deadline; a
peer that vanished is Gone; HANGUP is a line of its own, never a value; a usage text (520-) is read to its end; a value
may hold line breaks; nothing that could begin a second command is sent.

Source: res/res_agi.c of Asterisk 13 to 23 (agi_handle_command, handle_getvariablefull, run_agi).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from panoramisk.fast_agi import Request

LONGEST_LINE: Final = 8192  # bytes
MOST_LINES: Final = 200  # of the variables, and of one value or usage text
COMMAND_SECONDS: Final = 5.0  # for a command that neither plays nor waits for keys
ENCODING: Final = "utf-8"

_ANSWER: Final = re.compile(r"200 result=(-?[0-9*#]*)(?: \((.*)\))?(?: endpos=[0-9]+)?\s*", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_KEYS: Final = re.compile(r"[0-9*#]*")


class AgiError(Exception):
    """Whatever ends a conversation early; the dialplan goes on."""


class BadRequest(AgiError):  # noqa: N818 - named like its kind in daemon.ami
    """What connected does not speak AGI, or says more than anybody needs."""


class Refused(AgiError):  # noqa: N818
    """It may not ask."""


class Gone(AgiError):  # noqa: N818
    """The caller, Asterisk or the time is gone."""


class CommandFailed(AgiError):  # noqa: N818
    """Asterisk refuses a command; the text is what it says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to: `result` as digits ("" where Asterisk gives none), `data` from the parentheses."""

    result: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What Asterisk told when it connected: which script with which query, and the channel's variables."""

    script: str
    query: Mapping[str, str]
    arguments: tuple[str, ...]
    variables: Mapping[str, str]

    @property
    def uniqueid(self) -> str:
        """Of the channel that runs AGI()."""
        return self.variables.get("agi_uniqueid", "")

    @property
    def number(self) -> str:
        """The caller's number as Asterisk has it; "" when it is unknown or withheld (bit 5 of the presentation)."""
        presentation = self.variables.get("agi_callingpres", "")
        withheld = presentation.isascii() and presentation.isdigit() and int(presentation[:4]) & 0x60 != 0
        number = self.variables.get("agi_callerid", "")
        return "" if withheld or number == "unknown" else number

    @property
    def name(self) -> str:
        """The caller's name as Asterisk has it; "" when it is unknown."""
        name = self.variables.get("agi_calleridname", "")
        return "" if name == "unknown" else name


class Dialogue(Request):  # type: ignore[misc]
    """A conversation that has begun; every method may raise Gone, and CommandFailed where Asterisk refuses."""

    def __init__(self, app: Any, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(app, asked.variables, reader, writer, ENCODING)
        self.asked = asked
        self.hung_up = False

    async def get(self, variable: str) -> str | None:
        """The value of a channel's variable or function; None where it is not set."""
        answer = await self.command("GET FULL VARIABLE", f"${{{variable}}}")
        return answer.data if answer.result == "1" else None

    async def set(self, variable: str, value: str) -> None:
        """Set a channel's variable or write to a function, such as CALLERID(name)."""
        await self.command("SET VARIABLE", variable, value)

    async def play(self, sound: str, seconds: float = 60.0) -> str:
        """Play a sound file; the key that ended it, "" where it played to its end. Gone when it is not there."""
        answer = await self.command("STREAM FILE", sound, "0123456789*#", seconds=seconds)
        return _key(answer)

    async def say_digits(self, digits: str, seconds: float = 60.0) -> str:
        """Say digit by digit; the key that ended it, or ""."""
        return _key(await self.command("SAY DIGITS", digits, "0123456789*#", seconds=seconds))

    async def ask_digits(self, sound: str, wait_seconds: float, most: int) -> str:
        """Play a sound and take keys until #, a pause of that length, or so many; "" when none was pressed."""
        milliseconds = str(round(wait_seconds * 1000))
        answer = await self.command("GET DATA", sound, milliseconds, str(most), seconds=60 + wait_seconds * (most + 1))
        if answer.result == "-1":
            raise Gone("the channel is gone")
        return answer.result if _KEYS.fullmatch(answer.result) else ""

    async def command(self, words: str, *arguments: str, seconds: float = COMMAND_SECONDS) -> Answer:
        """Send a command and give its answer. Raises ValueError for an argument that Asterisk could misread."""
        line = " ".join((words, *(_quoted(argument) for argument in arguments)))
        try:
            async with asyncio.timeout(seconds):
                return await self.send_command(line)
        except TimeoutError:
            raise Gone(f"no answer to {words} in {seconds:g} s") from None
        except OSError as problem:
            raise Gone(f"the connection is lost: {problem}") from None

    async def send_command(self, command: str) -> Answer:
        """Panoramisk's hook: one line out, one answer in."""
        if _CONTROL.search(command):
            message = "an AGI command is one line of printable text"
            raise ValueError(message)
        self.writer.write(command.encode(ENCODING, "surrogateescape") + b"\n")
        await self.writer.drain()
        return await self._read_result()

    async def _read_result(self) -> Answer:
        """Panoramisk's hook: skips what is no answer yet."""
        for _ in range(MOST_LINES):
            line = await self._line()
            if line == "HANGUP":
                self.hung_up = True
            elif line.startswith("200 result="):
                return await self._success(line)
            elif line.startswith("520-"):
                raise CommandFailed(await self._usage(line))
            elif self.hung_up and line.startswith("511 "):
                raise Gone("the caller hung up")
            elif not line.startswith("100 "):
                raise CommandFailed(line[:200])
        raise BadRequest("no answer among very many lines")

    async def _success(self, line: str) -> Answer:
        for _ in range(MOST_LINES):
            found = _ANSWER.fullmatch(line)
            if found is not None:
                return Answer(found[1], found[2] or "")
            if " (" not in line:
                raise BadRequest(f"not an answer of Asterisk: {line[:80]!r}")
            line += "\n" + await self._line()  # a value with a line break
        raise BadRequest("a value of very many lines")

    async def _usage(self, line: str) -> str:
        told = [line[4:]]
        for _ in range(MOST_LINES):
            line = await self._line()
            if line.startswith("520 "):
                return "; ".join(told)[:200]
            told.append(line.strip())
        raise BadRequest("a usage text without an end")

    async def _line(self) -> str:
        return await read_line(self.reader)


async def read_line(reader: asyncio.StreamReader) -> str:
    """A line without its end. Raises Gone at the end of the stream, BadRequest when it is too long."""
    try:
        line = await reader.readline()
    except ValueError:
        raise BadRequest(f"a line of more than {LONGEST_LINE} bytes") from None
    if not line.endswith(b"\n"):
        raise Gone("the connection ended")
    return line.decode(ENCODING, "surrogateescape").rstrip("\r\n")


async def read_asked(reader: asyncio.StreamReader) -> Asked:
    """What Asterisk sends first: `agi_name: value` lines up to an empty one. Raises BadRequest, Gone."""
    variables: dict[str, str] = {}
    for _ in range(MOST_LINES):
        line = await read_line(reader)
        if not line:
            return _asked(variables)
        name, colon, value = line.partition(":")
        if not colon or not name.startswith("agi_"):
            raise BadRequest(f"not AGI: {line[:80]!r}")
        variables[name] = value.removeprefix(" ")
    raise BadRequest(f"more than {MOST_LINES} variables")


def _asked(variables: Mapping[str, str]) -> Asked:
    parts = urlsplit("//x/" + variables.get("agi_network_script", ""))
    query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20))
    return Asked(parts.path.strip("/"), query, tuple(_arguments(variables)), variables)


def _arguments(variables: Mapping[str, str]) -> Sequence[str]:
    found: list[str] = []
    while (argument := variables.get(f"agi_arg_{len(found) + 1}")) is not None:
        found.append(argument)
    return found


def _quoted(argument: str) -> str:
    """Asterisk's own way (res_agi.c, parse_args): quotes and backslashes are escaped by a backslash."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _key(answer: Answer) -> str:
    if answer.result == "-1":
        raise Gone("the channel is gone, or there is no such sound")
    return chr(int(answer.result)) if answer.result not in {"", "0"} else ""
