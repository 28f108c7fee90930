"""Replies by mail, over LMTP: taken once from whom the address was given to, and refused with the reason otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from daemon.handlers.live import News
from daemon.handlers.work_orders import Wanted, create_in
from daemon.handlers.world import World
from daemon.language import read_languages
from daemon.orders.creation import New
from daemon.orders.history import Actor
from daemon.orders.permissions import By
from daemon.orders.reply_address import ReplyTo, write_address
from daemon.outbox.mail import Letterhead
from daemon.outbox.replies import Limits, Replies, listening
from daemon.storage.engine import Store
from daemon.storage.tables import HistoryRow, WorkOrderRow
from tests.builders import NOON, agent_id, group_id
from tests.worlds import small_world

HEAD = Letterhead("Desk <desk@example.com>", "https://desk.example.com", "desk@example.com", b"k" * 32)


@dataclass
class Post:
    """A listener, an order of Ben's, and what was told."""

    store: Store
    world: World
    order_id: int
    port: int = 0
    news: list[News] = field(default_factory=list)
    minutes: int = 0

    def address(self, username: str = "ben", order_id: int | None = None) -> str:
        to = ReplyTo(order_id or self.order_id, agent_id(self.world, username))
        return write_address(HEAD.reply_address, HEAD.reply_key, to)

    async def send(self, raw: bytes, to: str | None = None, sender: str = "ben@example.com") -> str:
        """Hand a mail over; the last thing that was said."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await reader.readline()
            said = ""
            body = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
            for line in (
                b"LHLO test",
                f"MAIL FROM:<{sender}>".encode(),
                f"RCPT TO:<{to or self.address()}>".encode(),
                b"DATA",
                body + b"\r\n.",
            ):
                writer.write(line + b"\r\n")
                await writer.drain()
                said = await self._answer(reader)
                if said[0] in "45":
                    break
            return said
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> str:
        while (line := (await reader.readline()).decode())[3:4] == "-":
            pass
        return line.strip()

    async def notes(self) -> list[tuple[str, str]]:
        async with self.store.read() as session:
            rows = await session.scalars(select(HistoryRow).where(HistoryRow.action == "reply").order_by(HistoryRow.n))
            return [(row.actor, row.note) for row in rows]


@asynccontextmanager
async def posted(store: Store, limits: Limits) -> AsyncIterator[Post]:
    world = await small_world(store)
    agents = {id_: replace(each, email=f"{each.username}@example.com") for id_, each in world.agents.items()}
    world = replace(world, agents=agents)
    ben = agents[agent_id(world, "ben")]
    by = By(Actor("agent", ben.name, ben.id), "agent", ben.id, ben.team_id)
    wanted = Wanted(new=New(template=world.templates[7], title="Kettle", group_id=group_id(world, "acme", "support")))
    async with store.write() as session:
        order_id = (await create_in(session, world, by, wanted, NOON)).row.id
    post = Post(store, world, order_id)
    replies = Replies(
        store,
        lambda: post.world,
        read_languages("en", "Europe/Berlin"),
        HEAD,
        limits,
        post.news.append,
        lambda: NOON + timedelta(minutes=post.minutes),
    )
    async with listening(replies, "127.0.0.1", 0) as port:
        post.port = port
        yield post


@pytest.fixture
async def post(store: Store) -> AsyncIterator[Post]:
    async with posted(store, Limits(size=200_000, per_hour=3)) as ready:
        yield ready


def reply(
    body: str = "It is mended.", headers: str = "", sender: str = "Ben <ben@example.com>", id_: str = "1"
) -> bytes:
    return (f"From: {sender}\nMessage-ID: <{id_}@example.com>\nSubject: Re: Kettle\n{headers}\n\n{body}").encode()


async def test_a_reply_stands_in_the_history_without_what_it_quotes(post: Post) -> None:
    body = "It is mended.\n\nOn Monday, Desk <desk@example.com> wrote:\n> ##--## Write your reply\n> Kettle\n"
    assert (await post.send(reply(body))).startswith("250")
    assert await post.notes() == [("Ben", "It is mended.")]
    assert [news.topic for news in post.news] == ["work_orders"]


async def test_the_same_mail_again_is_taken_and_written_down_once(post: Post) -> None:
    answers = [await post.send(reply()) for _ in range(3)]
    assert [answer[:3] for answer in answers] == ["250"] * 3
    assert len(await post.notes()) == 1


async def test_two_at_once_with_one_message_id_are_one_reply(post: Post) -> None:
    answers = await asyncio.gather(post.send(reply()), post.send(reply()))
    assert [answer[:3] for answer in answers] == ["250"] * 2
    assert len(await post.notes()) == 1


@pytest.mark.parametrize(
    ("mail", "answer"),
    [
        (reply(sender="anna@example.com"), "550 5.7.1 this address is for another sender"),
        (reply(sender="ben@example.com, anna@example.com"), "550 5.6.0 exactly one sender"),
        (reply(headers="From: anna@example.com"), "550 5.6.0 exactly one sender"),
        (b"Subject: nobody\n\nhello", "550 5.6.0 exactly one sender"),
        (reply(headers="Auto-Submitted: auto-replied"), "550 5.7.1 what machines"),
        (reply(headers="Precedence: bulk"), "550 5.7.1 what machines"),
        (reply(headers="List-Id: <l.example.com>"), "550 5.7.1 what machines"),
        (reply(headers="Content-Type: multipart/report; boundary=x"), "550 5.7.1 what machines"),
        (reply(id_="msg_0123"), "550 5.4.6 this is a mail of ours"),
        (reply(body="> only\n> quoted"), "550 5.6.0 there is no text"),
        (reply(body=("x" * 70 + "\n") * 4_000), "552"),
    ],
)
async def test_what_is_refused_is_told_why(post: Post, mail: bytes, answer: str) -> None:
    assert (await post.send(mail)).startswith(answer)
    assert await post.notes() == []


async def test_a_bounce_and_an_address_that_we_did_not_write_are_refused_before_their_mail(post: Post) -> None:
    assert (await post.send(reply(), sender="")).startswith("550 5.7.1 bounces")
    assert (await post.send(reply(), to="desk+1-1-aaaaaaaaaaaaaaaa@example.com")).startswith("550 5.1.1")
    assert (await post.send(reply(), to="desk@example.com")).startswith("550 5.1.1")


async def test_another_teams_order_does_not_exist(post: Post) -> None:
    answer = await post.send(reply(sender="olga@example.com"), to=post.address("olga"))
    assert answer.startswith("550 5.1.1 there is no such order")
    assert answer == await post.send(reply(sender="olga@example.com"), to=post.address("olga", 999_999))


async def test_nobody_replies_to_an_order_that_is_done(post: Post) -> None:
    async with post.store.write() as session:
        row = await session.get(WorkOrderRow, post.order_id)
        assert row is not None
        row.status, row.finished_at, row.owner_id = "done", NOON, agent_id(post.world, "ben")
    assert (await post.send(reply())).startswith("550 5.7.1 the order is done")


async def test_who_left_replies_no_more(post: Post) -> None:
    agents = {id_: each for id_, each in post.world.agents.items() if each.username != "ben"}
    address = post.address()
    post.world = replace(post.world, agents=agents)
    assert (await post.send(reply(), to=address)).startswith("550 5.7.1 this address is for another")


async def test_a_machine_that_learned_to_pass_for_a_person_is_stopped_for_an_hour(post: Post) -> None:
    answers = [(await post.send(reply(id_=str(n))))[:9] for n in range(5)]
    assert answers == ["250 2.0.0"] * 3 + ["550 5.7.1"] * 2
    post.minutes = 61
    assert (await post.send(reply(id_="later"))).startswith("250")


async def test_files_are_left_out_and_named(post: Post) -> None:
    mail = reply(
        "--x\nContent-Type: text/html; charset=nonsense\n\n<style>a</style><p>See <b>it</b></p><script>x</script>\n"
        '--x\nContent-Type: image/png; name="../a\x00.png"\nContent-Transfer-Encoding: base64\n\nAAAA\n--x--',
        "Content-Type: multipart/mixed; boundary=x",
    )
    assert (await post.send(mail)).startswith("250")
    [(_, note)] = await post.notes()
    assert note.startswith("See it\n\n[1 attachment was left out: ")


@pytest.mark.parametrize(
    ("charset", "body", "said"),
    [
        ("utf-8", "Grüße 张".encode(), "Grüße 张"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("utf-8", "Grüße".encode("latin-1"), "Grüße"),
        ("x-none", b"a\x01b", "ab"),
        ("utf-16", b"abc", "abc"),
    ],
)
async def test_a_charset_that_lies_costs_no_text(post: Post, charset: str, body: bytes, said: str) -> None:
    head = reply("", f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit").rstrip()
    assert (await post.send(head + b"\n\n" + body)).startswith("250")
    assert [note for _, note in await post.notes()] == [said]


async def test_broken_mails_are_answered_and_the_next_is_taken(post: Post) -> None:
    deep = "".join(f"Content-Type: multipart/mixed; boundary={n}\n\n--{n}\n" for n in range(3000))
    for broken in (b"\xff\xfe\x00" * 100, deep.encode(), b"From: " + b"(" * 50_000, b"\n\n\n"):
        assert (await post.send(broken))[0] == "5"
    assert (await post.send(reply())).startswith("250")


async def test_while_the_database_is_away_the_mail_server_keeps_it(post: Post) -> None:
    async with post.store.write() as session:
        await session.execute(text("ALTER TABLE receipt RENAME TO receipt_gone"))
    answer = await post.send(reply())
    async with post.store.write() as session:
        await session.execute(text("ALTER TABLE receipt_gone RENAME TO receipt"))
    assert answer.startswith("451")
    assert (await post.send(reply())).startswith("250")
    assert len(await post.notes()) == 1
