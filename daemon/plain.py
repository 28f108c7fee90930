"""Text from outside, as it may be shown: what would hide, reorder or break it is made visible.

Control characters become their pictures (U+2400 and on), other invisible format characters (bidi overrides, zero
width, byte-order marks) and halves of surrogate pairs become U+FFFD. Joiners that scripts and emoji need stay.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PICTURES: Final = 0x2400
_DELETE: Final = "\x7f"
_SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u202f"))  # which Unicode's locales write in dates and numbers


def plain(text: str) -> str:
    """The text with its line breaks (all kinds become one) and without tricks."""
    if text.isprintable() or text.translate(_SPACES).isprintable():
        return text
    return "".join(_shown(character) for character in text.replace("\r\n", "\n").replace("\r", "\n"))


def plain_line(text: str) -> str:
    """The same on one line: a line break is shown, not made."""
    return plain(text.replace("\r", "␍").replace("\n", "␊"))


def _shown(character: str) -> str:
    if character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    if character < " ":
        return chr(_PICTURES + ord(character))
    return "␡" if character == _DELETE else "\ufffd"
