from __future__ import annotations

import pytest

from daemon.plain import plain, plain_line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("王小明 Ümlaut 👩‍💻", "王小明 Ümlaut 👩‍💻"),
        ("a\x00b\x1b[31m", "a␀b␛[31m"),
        ("invoice\u202efdp.exe", "invoice\ufffdfdp.exe"),
        ("zero\u200bwidth\ufeff", "zero\ufffdwidth\ufffd"),
        ("half\ud83d", "half\ufffd"),
        ("del\x7f c1\x85", "del␡ c1\ufffd"),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("\u2028line\u2029paragraph", "\ufffdline\ufffdparagraph"),
    ],
)
def test_text_from_outside_is_shown_without_tricks(given: str, shown: str) -> None:
    assert plain(given) == shown


def test_a_line_break_in_a_name_is_shown_and_not_made() -> None:
    assert plain_line("Ada\r\nBcc: x") == "Ada␍␊Bcc: x"
