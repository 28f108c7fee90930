"""A mail's headers say what we mean, whatever its order, its reader and its words are called."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.language import read_languages
from daemon.orders.letters import Message
from daemon.orders.reply_address import ReplyTo, read_address
from daemon.outbox.mail import LONGEST_SUBJECT, Composer, Letterhead
from daemon.web import words

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEAD = Letterhead("Service desk <desk@example.com>", "https://desk.example.com", "desk@example.com", b"k" * 32)
COMPOSER = Composer(
    read_languages("en", "Europe/Berlin"), HEAD, {"status": words.STATUSES, "node_status": words.NODE_STATUSES}
)
HEADERS = {
    *("From", "To", "Reply-To", "Date", "Message-ID", "In-Reply-To", "References", "Subject", "MIME-Version"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe", "Content-Type", "Content-Language"),
}
TRICKS = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "a\r\nBcc: all@example.com",
            "\r\n\r\nbody",
            "\x00",
            "x" * 10_000,
            "张" * 5_000,
            '"\\" <a@b>, c@d',
            "=?utf-8?b?DQpCY2M6IGE=?=",
            "\u202eevil",
            "\ud800",
        ]
    ),
)


def order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 12,
        "serial": "#7-123",
        "title": "Kettle",
        "template": "Complaint",
        "team": "Acme",
        "group": "Support",
        "owner": "Ben",
        "status": "pending",
        "node_status": "return",
        "due_at": "2026-11-24T09:00:00+00:00",
    } | changes


def payload(message: str = "assigned", **changes: Any) -> dict[str, Any]:
    return {
        "message": message,
        "to": "ben@example.com",
        "agent_id": 3,
        "name": "Ben",
        "language": None,
        "at": AT.isoformat(),
        "order": order(),
        "by": "Anna",
        "note": "",
        "note_cut": False,
    } | changes


def sent(facts: dict[str, Any], name: str = "msg_1") -> EmailMessage:
    mail = message_from_bytes(COMPOSER.compose(facts, name, AT).as_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


@settings(deadline=None)
@given(title=TRICKS, name=TRICKS, by=TRICKS, note=TRICKS, message=st.sampled_from([*Message][:-1]))
def test_nothing_from_outside_makes_a_header_or_markup(title: str, name: str, by: str, note: str, message: str) -> None:
    facts = payload(message, order=order(title=title, group=by), name=name, by=by, note=f"{note}<b>")
    raw = COMPOSER.compose(facts, "msg_1", AT).as_bytes()
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert {*mail.keys()} == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert [address.addr_spec for address in mail["To"].addresses] == ["ben@example.com"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["desk@example.com"]
    assert len(str(mail["Subject"])) <= LONGEST_SUBJECT
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322, 2.1.1
    assert b"\r\n" in raw
    assert b"\x00" not in raw
    assert raw.isascii()
    assert "<b>" not in text_of(mail, "html")


def test_an_order_is_one_conversation_and_a_retry_the_same_mail() -> None:
    first, second = sent(payload(), "msg_1"), sent(payload("returned"), "msg_2")
    assert first["References"] == second["References"] == first["In-Reply-To"] == "<order.12@example.com>"
    assert (first["Message-ID"], second["Message-ID"]) == ("<msg_1@example.com>", "<msg_2@example.com>")
    assert first.as_bytes() == sent(payload(), "msg_1").as_bytes()
    assert HEAD.is_ours(str(first["Message-ID"]))


def test_machines_are_told_that_a_machine_wrote_it() -> None:
    mail = sent(payload())
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


def test_an_agent_can_reply_and_somebody_in_copy_can_not() -> None:
    mail, copy = sent(payload()), sent(payload(agent_id=None, name=""))
    address = mail["Reply-To"].addresses[0].addr_spec
    assert read_address("desk@example.com", b"k" * 32, address) == ReplyTo(12, 3)
    assert copy["Reply-To"] is None
    assert "##--##" in text_of(mail)
    assert "##--##" not in text_of(copy)


@pytest.mark.parametrize("message", [*Message][:-1])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_message_reads_in_every_language(message: str, language: str) -> None:
    mail = sent(payload(message, language=language, note="Ring\nagain"))
    for text in (text_of(mail), text_of(mail, "html")):
        assert "#7-123" in text
        assert "https://desk.example.com/work-orders/12" in text
        assert "again" in text
        assert ("2026年11月24日 10:00" if language == "zh" else "Nov 24, 2026 10:00") in text
    assert mail["Content-Language"] == language


def test_a_note_that_was_cut_says_so() -> None:
    mail = sent(payload(note="x" * 4000, note_cut=True))
    assert "the rest is in the order" in text_of(mail)
    assert "the rest is in the order" in text_of(mail, "html")


def test_a_digest_names_what_is_late_and_how_many_more() -> None:
    facts = payload("digest", orders=[order(), order(id=13, serial="#7-124", owner="")], count=61)
    del facts["order"]
    mail = sent(facts)
    assert mail["Subject"] == "61 orders are late"
    assert mail["References"] is None
    for text in (text_of(mail), text_of(mail, "html")):
        assert "/work-orders/13" in text
        assert "59 more" in text


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.com", "a\r\nb@example.com", "a@b@\x00"])
def test_what_is_no_address_gets_no_mail(address: str) -> None:
    with pytest.raises(ValueError, match=r"address|Address|invalid"):
        sent(payload(to=address))
