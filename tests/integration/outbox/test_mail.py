"""Mail arrives: once for its reader, whatever the server does at whichever step of the dialogue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.language import read_languages
from daemon.outbox.mail import Composer, Letterhead
from daemon.outbox.policy import Rules
from daemon.outbox.smtp import Patience, Postman, Server
from daemon.outbox.worker import Worker
from daemon.storage.engine import Store
from daemon.storage.outbox import Parcel, Taken, message_id
from daemon.storage.tables import OutboxRow
from daemon.web import words
from tests.integration.outbox.desk import AT, all_delivered, posted, rows
from tests.integration.outbox.mail_server import STEPS, MailServer, Trouble, certificate, serving

HEAD = Letterhead("Service desk <desk@example.com>", "https://desk.example.com", "desk@example.com", b"k" * 32)
WORDS = {"status": words.STATUSES, "node_status": words.NODE_STATUSES}
PATIENCE = Patience()
LITTLE = Patience(step=0.5, after_dot=0.5)
RULES = Rules(attempts=30, first_pause=timedelta(seconds=1), longest_pause=timedelta(seconds=2))


def composer() -> Composer:
    return Composer(read_languages("en", "Europe/Berlin"), HEAD, WORDS)


def mail(n: int, order: int = 12, to: str = "ben@example.com") -> Parcel:
    payload = {
        "message": "assigned",
        "to": to,
        "agent_id": 3,
        "name": "Ben",
        "language": None,
        "at": AT.isoformat(),
        "order": {
            "id": order,
            "serial": f"#7-{n}",
            "title": "Kettle",
            "template": "Complaint",
            "team": "Acme",
            "group": "Support",
            "owner": "Ben",
            "status": "new",
            "node_status": "new",
            "due_at": None,
        },
        "by": "Anna",
        "note": ".\r\n.. a line of dots",
        "note_cut": False,
    }
    name = message_id("mail", n, order, to)
    return Parcel(1, "mail", "mail.example", f"order:{order}:{to}", name, "mail.assigned", 1, payload)


class Office:
    """A worker with a postman; time passes faster than by the clock."""

    def __init__(self, store: Store, postman: Postman) -> None:
        self.store, self.at = store, AT
        self.worker = Worker(store, {"mail": postman}, lambda _: None, lambda: self.at, lambda: 0.999, "one", RULES)

    async def until(self, fulfilled: Callable[[Sequence[OutboxRow]], bool]) -> Sequence[OutboxRow]:
        async with asyncio.timeout(60):
            while not fulfilled(found := await rows(self.store)):
                if not any(row.holder for row in found):
                    self.at += timedelta(seconds=1)
                self.worker.wake()
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def office(store: Store, server: Server, patience: Patience = PATIENCE) -> AsyncIterator[Office]:
    postman = Postman(server, composer(), 100_000, time.monotonic, patience)
    working = Office(store, postman)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(working.worker.run())
        try:
            yield working
        finally:
            task.cancel()
    postman.close()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    return certificate(tmp_path_factory.mktemp("tls"))


def secure(port: int, ca_file: Path | None) -> Server:
    return Server("localhost", port, "starttls", "desk", "s3cret", ca_file=ca_file)


@pytest.mark.parametrize("trouble", ["cut", "refuse", "hang"])
@pytest.mark.parametrize("step", STEPS)
async def test_whatever_goes_wrong_at_any_step_each_mail_is_read_once(
    step: str, trouble: Trouble, store: Store, tls: tuple[Path, object]
) -> None:
    ca_file, context = tls
    server = MailServer(context, lambda at, n, _: trouble if at == step and n <= 3 else None)  # type: ignore[arg-type]
    await posted(store, *(mail(n) for n in range(5)))
    patience = LITTLE if trouble == "hang" else PATIENCE
    async with serving(server), office(store, secure(server.port, ca_file), patience) as working:
        found = await working.until(all_delivered)
    assert server.seen[step] > 3
    read = {str(each["Message-ID"]): str(each["Subject"]) for each in server.mails}
    assert sorted(read) == sorted(f"<{row.message_id}@example.com>" for row in found)
    first = list(dict.fromkeys(str(each["Subject"]) for each in server.mails))
    assert first == [f"Yours: #7-{n} Kettle" for n in range(5)]
    if step != "kept" and trouble != "hang":  # who has little patience may have none for a slow machine
        assert len(server.mails) == 5


async def test_a_mail_that_comes_twice_is_the_same_to_the_last_byte(store: Store) -> None:
    server = MailServer(trouble=lambda step, n, _: "cut" if step == "kept" and n == 1 else None)
    await posted(store, mail(1))
    async with serving(server), office(store, Server("127.0.0.1", server.port, "none")) as working:
        await working.until(all_delivered)
    first, second = server.mails
    assert first.as_bytes() == second.as_bytes()


async def test_a_reader_who_is_refused_is_parked_and_nobody_else_waits(store: Store) -> None:
    server = MailServer(trouble=lambda step, _, text: "never" if step == "RCPT" and "gone@" in text else None)
    await posted(store, mail(1, to="gone@example.com"), mail(2), mail(3, to="gone@example.com"), mail(4))
    async with serving(server), office(store, Server("127.0.0.1", server.port, "none")) as working:
        found = await working.until(lambda all_: all(row.state != "waiting" for row in all_))
    assert [(row.state, row.code, row.answer) for row in found[::2]] == [("parked", "550", "never")] * 2
    assert [row.state for row in found[1::2]] == ["delivered"] * 2
    assert server.recipients == ["ben@example.com"] * 2


async def test_a_reader_whose_server_says_later_holds_up_nobody_else(store: Store) -> None:
    server = MailServer(trouble=lambda step, n, text: "refuse" if step == "RCPT" and "slow@" in text else None)
    await posted(store, mail(1, to="slow@example.com"), mail(2))
    async with serving(server), office(store, Server("127.0.0.1", server.port, "none")) as working:
        found = await working.until(lambda all_: all_[1].state == "delivered" and all_[0].attempts > 0)
        assert not working.worker.open_circuits()
    assert (found[0].state, found[0].code) == ("waiting", "451")


async def test_mails_that_follow_each_other_share_a_connection(store: Store) -> None:
    server = MailServer()
    await posted(store, *(mail(n) for n in range(6)))
    async with serving(server), office(store, Server("127.0.0.1", server.port, "none")) as working:
        await working.until(all_delivered)
    assert (server.seen["connect"], len(server.mails)) == (1, 6)


async def test_a_server_whose_certificate_is_not_trusted_gets_no_password(
    store: Store, tls: tuple[Path, object]
) -> None:
    server = MailServer(tls[1])  # type: ignore[arg-type]
    await posted(store, mail(1))
    async with serving(server), office(store, secure(server.port, None)) as working:
        found = await working.until(lambda all_: all_[0].attempts > 0)
    assert (found[0].state, found[0].code, server.seen["AUTH"], server.mails) == ("waiting", "tls", 0, [])


async def test_a_server_without_starttls_gets_nothing_where_it_is_demanded(store: Store) -> None:
    server = MailServer()
    await posted(store, mail(1))
    async with serving(server), office(store, secure(server.port, None)) as working:
        found = await working.until(lambda all_: all_[0].attempts > 0)
    assert (found[0].state, server.seen["AUTH"], server.seen["MAIL"]) == ("waiting", 0, 0)


async def test_a_dead_server_opens_the_circuit_and_costs_no_attempts(store: Store) -> None:
    await posted(store, *(mail(n, order=n) for n in range(20)))
    async with office(store, Server("127.0.0.1", 1, "none")) as working:
        found = await working.until(lambda _: bool(working.worker.open_circuits()))
    assert all(row.state == "waiting" for row in found)
    assert sum(row.attempts for row in found) < 20


async def test_what_can_not_be_written_is_parked(store: Store) -> None:
    bad = replace(mail(1), payload={"message": "nonsense", "language": None})
    await posted(store, bad)
    async with office(store, Server("127.0.0.1", 1, "none")) as working:
        found = await working.until(lambda all_: all_[0].state == "parked")
    assert found[0].code == "unwritten"


async def test_who_would_wait_for_too_long_for_his_turn_comes_later() -> None:
    postman = Postman(Server("127.0.0.1", 1, "none"), composer(), 60, lambda: 100.0, PATIENCE)
    taken = [Taken(n, mail(n), 0, AT) for n in range(18)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(postman.deliver(each)) for each in taken]
        assert (await tasks[0]).code == "unreachable"
        answers = [await task for task in tasks[16:]]
        for task in tasks[1:16]:
            task.cancel()
    assert [(each.code, each.retry_after) for each in answers] == [("throttled", timedelta(seconds=16))] * 2
