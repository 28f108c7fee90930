"""FastAGI over TCP: everything that panoramisk's original gets wrong, and who may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from agi.dialogue import Answer, CommandFailed, Dialogue, Gone
from agi.server import Limits, Script, Server, Told
from tests.integration.agi.peer import DEADLINE, Peer, peer

LOOPBACK = (ip_network("127.0.0.0/8"),)


class House:
    """A server with one script and what became of its conversations."""

    def __init__(self, script: Script, name: str = "ask", **settings: object) -> None:
        self.told: list[Told] = []
        self._news = asyncio.Event()
        self.server = Server({name: script}, **{"allow": LOOPBACK, "told": self._hear, **settings})  # type: ignore[arg-type]
        self.port = 0

    def _hear(self, told: Told) -> None:
        self.told.append(told)
        self._news.set()

    async def ends(self, *outcomes: str) -> None:
        """Wait until so many conversations are over, and how."""
        async with asyncio.timeout(DEADLINE):
            while len(self.told) < len(outcomes):
                self._news.clear()
                await self._news.wait()
        assert [told.outcome for told in self.told] == list(outcomes)


@asynccontextmanager
async def house(script: Script, name: str = "ask", **settings: object) -> AsyncIterator[House]:
    opened = House(script, name, **settings)
    async with opened.server.listen("127.0.0.1", 0) as port:
        opened.port = port
        yield opened


@asynccontextmanager
async def talk(
    script: Script, *arguments: str, address: str = "", name: str = "ask", **settings: object
) -> AsyncIterator[tuple[House, Peer]]:
    async with house(script, name, **settings) as opened, peer(opened.port) as asterisk:
        asterisk.opens(address or name, *arguments)
        yield opened, asterisk


def says(heard: list[object], command: Callable[[Dialogue], object]) -> Script:
    async def script(dialogue: Dialogue) -> None:
        heard.append(await command(dialogue))  # type: ignore[misc]

    return script


async def nothing(_: Dialogue) -> None:
    """A script that asks nothing."""


async def noop(dialogue: Dialogue) -> None:
    await dialogue.command("NOOP")


# --- connections -----------------------------------------------------------------------------------------------------


async def test_who_connects_and_goes_costs_nothing() -> None:
    async with house(nothing) as opened:
        for _ in range(50):
            async with peer(opened.port):
                pass
        await opened.ends(*["gone"] * 50)
        async with peer(opened.port) as asterisk:
            asterisk.opens("ask")
            assert await asterisk.hears() == ""
        await opened.ends(*["gone"] * 50, "done")


@pytest.mark.parametrize("after", ["", "agi_network_script: ask\n", "agi_network"])
async def test_who_goes_in_the_middle_of_his_variables_is_gone(after: str) -> None:
    async with house(nothing) as opened:
        async with peer(opened.port) as asterisk:
            asterisk.says(after)
        await opened.ends("gone")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"x" * 100_000,
        b"agi_x: " + b"y" * 10_000_000,
        b"agi_x: y\n" * 500,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
    ],
    ids=["http", "no line", "ten megabytes", "many variables", "tls"],
)
async def test_what_is_no_agi_is_told_off_once_and_costs_no_memory(garbage: bytes) -> None:
    async with house(nothing) as opened:
        with capture_logs() as logs:
            for _ in range(2):
                async with peer(opened.port) as asterisk:
                    asterisk.says(garbage)
                    await asterisk.is_left()
            await opened.ends("bad", "bad")
    assert [entry["event"] for entry in logs] == ["agi.refused"]


async def test_who_says_nothing_is_not_waited_for() -> None:
    async with house(nothing, limits=Limits(opening=0.05)) as opened, peer(opened.port) as asterisk:
        await asterisk.is_left()
        await opened.ends("slow")


async def test_a_script_that_takes_too_long_is_ended() -> None:
    async with talk(noop, limits=Limits(script=0.05)) as (opened, asterisk):
        assert await asterisk.hears() == "NOOP"
        await asterisk.is_left()
        await opened.ends("slow")


async def test_a_script_that_breaks_ends_one_conversation_and_is_logged() -> None:
    async def broken(_: Dialogue) -> None:
        raise KeyError("x")

    with capture_logs() as logs:
        async with talk(broken) as (opened, asterisk):
            await asterisk.is_left()
            await opened.ends("broken")
    assert [entry["event"] for entry in logs] == ["agi.script_broken"]


async def test_a_stop_ends_a_script_instead_of_being_swallowed() -> None:
    begun = asyncio.Event()

    async def waits(_: Dialogue) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(DEADLINE):
        async with house(waits) as opened, peer(opened.port) as asterisk:
            asterisk.opens("ask")
            await begun.wait()
            [task] = [each for each in asyncio.all_tasks() if "handler" in repr(each.get_coro())]
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()


# --- who may ask -----------------------------------------------------------------------------------------------------


async def test_an_address_that_is_not_allowed_gets_no_word() -> None:
    with capture_logs() as logs:
        async with talk(noop, allow=(ip_network("10.0.0.0/8"),)) as (opened, asterisk):
            await asterisk.is_left()
            await opened.ends("refused")
    assert "agi.allow" in logs[0]["problem"]


@pytest.mark.parametrize("shown", [(), ("wrong",), ("",), ("sesam ",)])
async def test_without_the_secret_nobody_asks(shown: tuple[str, ...]) -> None:
    with capture_logs() as logs:
        async with talk(noop, *shown, secret="sesam") as (opened, asterisk):
            await asterisk.is_left()
            await opened.ends("refused")
    assert "sesam" not in str(logs)


async def test_the_secret_is_no_argument_of_the_script() -> None:
    heard: list[object] = []

    async def arguments(dialogue: Dialogue) -> object:
        return dialogue.asked.arguments

    async with talk(says(heard, arguments), "sesam", "a", "b", secret="sesam") as (opened, _):
        await opened.ends("done")
    assert heard == [("a", "b")]


async def test_a_script_that_is_not_there_is_refused_with_those_that_are() -> None:
    with capture_logs() as logs:
        async with talk(noop, address="../etc/passwd") as (opened, _):
            await opened.ends("refused")
    assert "there are ask" in logs[0]["problem"]


async def test_more_than_the_limit_at_once_are_refused() -> None:
    async with house(noop, limits=Limits(at_once=1)) as opened, peer(opened.port) as first, peer(opened.port) as second:
        first.opens("ask")
        assert await first.hears() == "NOOP"
        second.opens("ask")
        assert await second.reader.read() == b""
        await opened.ends("refused")


async def test_an_address_with_a_query_finds_its_script() -> None:
    heard: list[object] = []

    async def query(dialogue: Dialogue) -> object:
        return dialogue.asked.query

    async with talk(says(heard, query), address="ask?pbx=main&queue=a%20b&empty=") as (opened, _):
        await opened.ends("done")
    assert heard == [{"pbx": "main", "queue": "a b", "empty": ""}]


# --- answers ---------------------------------------------------------------------------------------------------------


async def get(dialogue: Dialogue) -> object:
    return await dialogue.get("X")


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("200 result=1 (hangup)", "hangup"),
        ("200 result=1 (HANGUP)", "HANGUP"),
        ("200 result=1 (a (b) c)", "a (b) c"),
        ("200 result=1 ()", ""),
        ("200 result=1 (result=2 code=520)", "result=2 code=520"),
        ("200 result=1 (two\nlines)", "two\nlines"),
        ("200 result=1 (王伟)", "王伟"),
        ("200 result=0", None),
        ("100 result=0 Trying...\n200 result=1 (late)", "late"),
        ("HANGUP\n200 result=1 (still)", "still"),
    ],
)
async def test_a_value_is_what_asterisk_says(answer: str, value: str | None) -> None:
    heard: list[object] = []
    async with talk(says(heard, get)) as (opened, asterisk):
        assert await asterisk.answers(answer) == ['GET FULL VARIABLE "${X}"']
        await opened.ends("done")
    assert heard == [value]


async def test_an_answer_in_pieces_is_one_answer() -> None:
    heard: list[object] = []
    async with talk(says(heard, get)) as (opened, asterisk):
        await asterisk.hears()
        for byte in "200 result=1 (é)\n".encode():
            asterisk.says(bytes([byte]))
            await asterisk.writer.drain()
        await opened.ends("done")
    assert heard == ["é"]


async def test_a_usage_text_is_read_to_its_end_and_the_next_answer_is_the_next() -> None:
    heard: list[object] = []

    async def twice(dialogue: Dialogue) -> object:
        with pytest.raises(CommandFailed, match="Invalid command syntax"):
            await dialogue.command("BADUSE")
        return await dialogue.command("NOOP")

    async with talk(says(heard, twice)) as (opened, asterisk):
        usage = "520-Invalid command syntax.  Proper usage follows:\nUsage: X\n\tmore\n520 End of proper usage."
        await asterisk.answers(usage, "200 result=0")
        await opened.ends("done")
    assert heard == [Answer("0")]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("510 Invalid or unknown command", "failed"),
        ("511 Command Not Permitted on a dead channel or intercept routine", "failed"),
        ("HANGUP\n511 Command Not Permitted on a dead channel or intercept routine", "gone"),
        ("200 result=x", "bad"),
        ("lorem ipsum", "failed"),
    ],
)
async def test_a_refused_command_ends_the_script_by_its_name(answer: str, outcome: str) -> None:
    async with talk(noop) as (opened, asterisk):
        await asterisk.answers(answer)
        await opened.ends(outcome)


async def test_a_peer_that_vanishes_before_it_answers_is_gone() -> None:
    async with talk(noop) as (opened, asterisk):
        await asterisk.hears()
        asterisk.writer.close()
        await opened.ends("gone")


async def test_a_command_that_is_not_answered_has_a_deadline() -> None:
    heard: list[object] = []

    async def impatient(dialogue: Dialogue) -> object:
        with pytest.raises(Gone, match="no answer to NOOP"):
            await dialogue.command("NOOP", seconds=0.01)
        return True

    async with talk(says(heard, impatient)) as (opened, _):
        await opened.ends("done")
    assert heard == [True]


@pytest.mark.parametrize("value", ["a\nSET VARIABLE X 1", "a\rb", "a\0b", "\x1b[2J"])
async def test_no_value_begins_a_second_command(value: str) -> None:
    heard: list[object] = []

    async def hostile(dialogue: Dialogue) -> object:
        with pytest.raises(ValueError, match="one line"):
            await dialogue.set("X", value)
        return await dialogue.command("NOOP")

    async with talk(says(heard, hostile)) as (opened, asterisk):
        assert await asterisk.answers("200 result=0") == ["NOOP"]
        await opened.ends("done")


async def test_quotes_and_backslashes_arrive_as_they_are() -> None:
    async def quoted(dialogue: Dialogue) -> None:
        await dialogue.set("CALLERID(name)", 'O"Brien \\ Söhne, $(x)')

    async with talk(quoted) as (opened, asterisk):
        heard = await asterisk.answers("200 result=1")
        await opened.ends("done")
    assert heard == ['SET VARIABLE "CALLERID(name)" "O\\"Brien \\\\ Söhne, $(x)"']


async def test_keys_are_those_that_were_pressed() -> None:
    heard: list[object] = []

    async def keys(dialogue: Dialogue) -> object:
        return await dialogue.play("menu"), await dialogue.play("menu"), await dialogue.ask_digits("enter", 3, 6)

    async with talk(says(heard, keys)) as (opened, asterisk):
        commands = await asterisk.answers("200 result=53 endpos=800", "200 result=0 endpos=16000", "200 result=1234")
        await opened.ends("done")
    assert heard == [("5", "", "1234")]
    assert commands[2] == 'GET DATA "enter" "3000" "6"'


@pytest.mark.parametrize(
    ("variables", "number"),
    [
        ({"agi_callerid": "030123"}, "030123"),
        ({"agi_callerid": "unknown"}, ""),
        ({"agi_callerid": "030123", "agi_callingpres": "35"}, ""),
        ({"agi_callerid": "030123", "agi_callingpres": "67"}, ""),
        ({"agi_callerid": "030123", "agi_callingpres": "3"}, "030123"),
        ({"agi_callerid": "030123", "agi_callingpres": "x"}, "030123"),
    ],
)
async def test_a_withheld_number_is_none(variables: dict[str, str], number: str) -> None:
    heard: list[object] = []

    async def asked(dialogue: Dialogue) -> object:
        return dialogue.asked.number

    async with house(says(heard, asked)) as opened, peer(opened.port) as asterisk:
        asterisk.opens("ask", **variables)
        await opened.ends("done")
    assert heard == [number]
