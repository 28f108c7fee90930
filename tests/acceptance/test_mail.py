"""With a real mail server, Debian's Postfix: our mail comes into a mailbox, and the answer into the history."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import select

from daemon.delivering import WORDS
from daemon.handlers.terms import by_of
from daemon.handlers.work_orders import Wanted, act, create_in
from daemon.handlers.world import MailView
from daemon.language import read_languages
from daemon.orders.commands import Assign
from daemon.orders.creation import New
from daemon.outbox.mail import Composer, Letterhead
from daemon.outbox.replies import Limits, Replies, listening
from daemon.outbox.smtp import Postman, Server
from daemon.outbox.worker import Worker
from daemon.storage.engine import Store, database_url
from daemon.storage.schema import migrate
from daemon.storage.tables import HistoryRow, OutboxRow
from tests.builders import NOON, agent_id, group_id
from tests.integration.handlers.test_notices import person
from tests.worlds import small_world

HEAD = Letterhead("Desk <desk@desk.example>", "https://desk.example", "desk@desk.example", b"k" * 32)
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Postfix:
    """A private Postfix on loopback, with a configuration and a spool of its own. `lmtp`: where replies go."""

    folder: Path
    port: int
    lmtp: int

    def mailbox(self) -> list[EmailMessage]:
        found = []
        for path in sorted((self.folder / "mail").glob("**/new/*")):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            assert isinstance(mail, EmailMessage)
            found.append(mail)
        return found

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else "no log"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configure(postfix: Postfix) -> None:
    folder, user = postfix.folder, pwd.getpwnam("nobody")
    for name in ("etc", "spool", "data", "mail"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    shutil.chown(folder / "data", "postfix")
    os.chown(folder / "mail", user.pw_uid, user.pw_gid)
    (folder / "etc" / "transport").write_text(f"/^desk\\+/ lmtp:inet:127.0.0.1:{postfix.lmtp}\n")
    (folder / "etc" / "main.cf").write_text(
        f"""compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
myhostname = mail.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
relay_domains = desk.example
default_transport = error:not here
alias_maps =
alias_database =
virtual_mailbox_domains = acme.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{user.pw_uid}
virtual_gid_maps = static:{user.pw_gid}
virtual_minimum_uid = 1
transport_maps = regexp:{folder}/etc/transport
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
"""
    )
    services = [f"127.0.0.1:{postfix.port} inet n - n - - smtpd", "postlog unix-dgram n - n - 1 postlogd"]
    services += [f"{name} unix - - n - - {name}" for name in ("lmtp", "error", "proxymap", "rewrite")]
    services = [each.replace(" rewrite", " trivial-rewrite") for each in services]
    services += ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "retry unix - - n - - error"]
    services += [f"{name} unix - - n - 0 bounce" for name in ("bounce", "defer", "trace")]
    services += [
        "virtual unix - n n - - virtual",
        "anvil unix - - n - 1 anvil",
        "pickup unix n - n 60 1 pickup",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
    ]
    (folder / "etc" / "master.cf").write_text("\n".join(services) + "\n")


@pytest.fixture
def postfix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postfix]:
    if shutil.which("postfix", path="/usr/sbin") is None or os.geteuid() != 0:
        if os.environ.get("WORKORDERD_REQUIRE_POSTFIX"):
            pytest.fail("postfix is missing, or we are not root")
        pytest.skip("needs Debian's postfix, and root")
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    private = Postfix(folder, free_port(), free_port())
    configure(private)
    command = ["/usr/sbin/postfix", "-c", str(folder / "etc")]
    started = subprocess.run([*command, "start"], check=False, capture_output=True, text=True)
    assert started.returncode == 0, started.stderr + private.log()
    yield private
    subprocess.run([*command, "stop"], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(database_url(f"sqlite:///{tmp_path}/workorderd.sqlite"))
    await migrate(opened)
    yield opened
    await opened.close()


async def until(holds: Callable[[], object], instead: Callable[[], str]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds():  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(instead())


def answer_to(mail: EmailMessage, text: str) -> EmailMessage:
    """As a mail program does it."""
    body = mail.get_body(("plain",))
    assert body is not None
    answer = EmailMessage()
    answer["From"], answer["To"] = "Ben <ben@acme.example>", mail["Reply-To"]
    answer["Subject"] = f"Re: {mail['Subject']}"
    answer["Message-ID"], answer["In-Reply-To"] = "<answer-1@acme.example>", mail["Message-ID"]
    quoted = "\n".join(f"> {line}" for line in body.get_content().splitlines())
    answer.set_content(f"{text}\n\nOn Monday, Desk <desk@desk.example> wrote:\n{quoted}\n")
    return answer


async def test_our_mail_comes_into_a_mailbox_and_its_answer_into_the_history(store: Store, postfix: Postfix) -> None:
    world = await small_world(store)
    agents = {id_: replace(each, email=f"{each.username}@acme.example") for id_, each in world.agents.items()}
    world = replace(world, agents=agents, mail=MailView("127.0.0.1"))
    languages = read_languages("en", "Europe/Berlin")
    anna = person(world, "anna")
    new = New(template=world.templates[7], title="Kettle 水壶", group_id=group_id(world, "acme", "support"))
    postman = Postman(Server("127.0.0.1", postfix.port, "none"), Composer(languages, HEAD, WORDS), 600, time.monotonic)
    worker = Worker(store, {"mail": postman}, lambda _: None, lambda: NOON, lambda: 0.5, "one")
    replies = Replies(store, lambda: world, languages, HEAD, Limits(), lambda _: None, lambda: NOON)
    async with listening(replies, "127.0.0.1", postfix.lmtp), asyncio.TaskGroup() as group:
        task = group.create_task(worker.run())
        async with store.write() as session:
            order = (await create_in(session, world, by_of(anna), Wanted(new=new), NOON)).row
        await act(store, world, anna, order.id, Assign(agent_id=agent_id(world, "ben")), NOON)
        await until(postfix.mailbox, postfix.log)
        [mail] = postfix.mailbox()
        assert mail["Subject"] == f"Yours: {order.serial} Kettle 水壶"
        assert mail["Message-ID"].startswith("<msg_")
        with smtplib.SMTP("127.0.0.1", postfix.port) as client:
            client.send_message(answer_to(mail, "It is mended."), to_addrs=[mail["Reply-To"].addresses[0].addr_spec])
        await until(lambda: "it is in the history" in postfix.log(), postfix.log)
        task.cancel()
    postman.close()
    async with store.read() as session:
        notes = (await session.scalars(select(HistoryRow.note).where(HistoryRow.action == "reply"))).all()
        states = (await session.scalars(select(OutboxRow.state))).all()
    assert (notes, states) == (["It is mended."], ["delivered"])
