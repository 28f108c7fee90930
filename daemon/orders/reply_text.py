"""What somebody wrote in a reply by mail, without the mail that he replied to.

Our mails begin with a mark. Where it stands quoted (`> ##--##`), every quoted line goes, so that answers below and
between the quoted lines stay; else all from the mark on goes. A signature (`-- `) goes, and so does the line by which
mail programs introduce what they quote. Each line is looked at once, whatever it holds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

MARK: Final = "##--##"
LONGEST: Final = 10_000  # characters that are kept
CUT: Final = "[…]"
_INTRODUCTION: Final = 3  # lines at most
_ENDS: Final = (":", "：")
_DASHES: Final = 5
_KEPT: Final = frozenset("\n\t")


def reply_text(text: str) -> str:
    """The reply; "" where there is none. What is too long is cut, and says so."""
    lines = readable(text).split("\n")
    mark = next((n for n, line in enumerate(lines) if MARK in line), None)
    if mark is not None and not lines[mark].lstrip().startswith(">"):
        lines = _without_introduction(lines[:mark])
    else:
        lines = _without_quotes(lines)
    reply = "\n".join(_without_signature(lines)).strip()
    return reply if len(reply) <= LONGEST else reply[: LONGEST - len(CUT) - 1].rstrip() + " " + CUT


def readable(text: str) -> str:
    """Without control characters and halves of surrogate pairs; all line breaks are one."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each for each in unified if each in _KEPT or unicodedata.category(each) not in {"Cc", "Cs"})


def _without_quotes(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    quoting = False
    for line in lines:
        if line.lstrip().startswith(">"):
            if not quoting:
                kept = _without_introduction(kept)
            quoting = True
        elif _is_rule(line):
            break
        else:
            quoting = quoting and not line.strip()
            kept.append(line)
    return kept


def _is_rule(line: str) -> bool:
    """Such as -----Original Message-----, with words between, in any language."""
    text = line.strip()
    dashed = text.startswith("-" * _DASHES) and text.endswith("-" * _DASHES)
    return dashed and bool(text.strip("- "))


def _without_introduction(lines: Sequence[str]) -> list[str]:
    """Without the last lines, if they are such as `On Monday, Desk <desk@example.com> wrote:`."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    if not kept or not kept[-1].rstrip().endswith(_ENDS):
        return kept
    for count in range(1, _INTRODUCTION + 1):
        said = kept[-count:]
        if len(said) < count or not said[0].strip():
            break
        if "@" in "".join(said):
            return kept[:-count]
    return kept


def _without_signature(lines: Sequence[str]) -> list[str]:
    end = next((n for n, line in enumerate(lines) if line in {"-- ", "--"}), len(lines))
    return list(lines[:end])
