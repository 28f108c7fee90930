"""What was written is kept; what was quoted, signed or introduced is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.orders.reply_text import LONGEST, MARK, reply_text

OURS = f"{MARK} Write your reply above this line.\n\nYours: #7-1 Kettle"
QUOTED = "\n".join(f"> {line}" for line in OURS.split("\n"))


@pytest.mark.parametrize(
    ("mail", "reply"),
    [
        (f"It is mended.\n\n{OURS}", "It is mended."),
        (f"It is mended.\r\n\r\nOn Mon, Desk <desk@example.com>\r\nwrote:\r\n{QUOTED}", "It is mended."),
        (f"Am Montag schrieb Desk <desk+1@example.com>:\n{QUOTED}\n\nUnten.", "Unten."),
        (f"在 2026年11月23日，Desk <desk@example.com> 写道：\n{QUOTED}\n\n好的", "好的"),
        (f"Two things:\n> first\nyes\n> second\nno\n{QUOTED}", "Two things:\nyes\nno"),
        ("Fine.\n-- \nBen\nAcme", "Fine."),
        ("Fine.\n\n-----Ursprüngliche Nachricht-----\nVon: Desk", "Fine."),
        ("Three parts:\nan a@b.example, and\na list:", "Three parts:\nan a@b.example, and\na list:"),
        (QUOTED, ""),
        (OURS, ""),
        ("a\x00b\x1b[31mc\ud800d\te", "ab[31mcd\te"),
    ],
)
def test_only_what_was_written_is_left(mail: str, reply: str) -> None:
    assert reply_text(mail) == reply


def test_what_is_too_long_is_cut_and_says_so() -> None:
    reply = reply_text("word " * 1_000_000)
    assert len(reply) <= LONGEST
    assert reply.endswith(" […]")


@given(st.text())
def test_whatever_comes_is_kept_as_text_that_any_database_takes(text: str) -> None:
    reply = reply_text(text)
    reply.encode()
    assert len(reply) <= LONGEST
    assert not {"\x00", "\r", "\x1b"} & set(reply)
