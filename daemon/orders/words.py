"""Words by which orders are found, and what somebody looks for.

Case, width and accents don't matter: Müller is muller, ß is ss. Scripts that are written without blanks (Chinese,
Japanese, Korean, Thai, ...) are cut to pairs of neighbours: 退款单 is 退款, 款单 and, so that one character alone is
found wherever it stands, 单. A phone number is, beside its digits, one word from behind: ~ and the digits reversed, so
that its last digits are the beginning of a word, however it was written and with or without a country's code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from daemon.orders.customer import Dialling
from daemon.orders.number import read_number

LONGEST_WORD: Final = 40
"""In characters; longer ones are found by their beginnings."""
MOST_WORDS: Final = 200
"""Of one order: the first ones."""
LONGEST_QUERY: Final = 200
"""In characters."""
MOST_TERMS: Final = 20
"""Of one query: the first ones."""
FEWEST_DIGITS: Final = 4
"""By which a number is found."""

_UNSPACED: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u1000-\u109f\u1780-\u17d3"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN: Final = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_])+")
_PLAIN_TOKEN: Final = re.compile(r"[a-z0-9]+")
_IS_UNSPACED: Final = re.compile(rf"[{_UNSPACED}]")
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_LETTERS: Final = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_NUMBER: Final = re.compile(r"(?<![\w.-])(?!\d{4}-\d\d-\d\d(?!\d))[+(]*\d[\d ()/.-]{4,30}\d(?!\w)")
_NOT_DIGIT: Final = re.compile(r"\D", re.ASCII)
_SERIAL: Final = re.compile(r"#\s?(\d{1,18})\s?-\s?(\d{1,18})(?!\w)", re.ASCII)
_ANYWHERE: Final = Dialling("")
_SERIAL_ALONE: Final = re.compile(r"\s*(\d{1,18})\s?-\s?(\d{1,18})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an order; `prefix`: any word that begins like this."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """Something that must occur: one of these."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for: all terms; with `serial` the order of that serial.

    Where nothing but a serial was written, without its #, `terms` say how else it may have been meant: `doubtful`.
    """

    terms: tuple[Term, ...] = ()
    serial: str | None = None
    doubtful: bool = False

    def __bool__(self) -> bool:
        return bool(self.terms or self.serial)


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The distinct words of an order's texts: MOST_WORDS at the most, the first text's first."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _words(text):
            found[word] = None
            if len(found) == MOST_WORDS:
                return tuple(found)
    return tuple(found)


def read_query(text: str, dialling: Dialling | None = None) -> Query:
    """What a person's words look for; `dialling` tells how the team reads numbers. The last word may be unfinished."""
    text = text[:LONGEST_QUERY]
    alone = _SERIAL_ALONE.fullmatch(text)
    if alone:
        return Query(_terms(text, dialling), f"#{alone[1]}-{alone[2]}", doubtful=True)
    named = _SERIAL.search(text)
    if named:
        rest = f"{text[: named.start()]} {text[named.end() :]}"
        return Query(_terms(rest, dialling), f"#{named[1]}-{named[2]}")
    return Query(_terms(text, dialling))


def fold(text: str) -> str:
    """Text without case, width and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENT.sub("", plain)).translate(_LETTERS)


def _words(text: str) -> Iterator[str]:
    folded = fold(text)
    for token in _tokens(folded):
        if _IS_UNSPACED.match(token):
            yield from _pairs(token)
            yield token[-1]
        else:
            yield token[:LONGEST_WORD]
    for number in _NUMBER.findall(folded):
        yield _from_behind(_NOT_DIGIT.sub("", number))


def _tokens(folded: str) -> list[str]:
    return (_PLAIN_TOKEN if folded.isascii() else _TOKEN).findall(folded)


def _pairs(run: str) -> Iterator[str]:
    return (run[n : n + 2] for n in range(len(run) - 1))


def _from_behind(digits: str) -> str:
    return "~" + digits[:-LONGEST_WORD:-1]


def _terms(text: str, dialling: Dialling | None) -> tuple[Term, ...]:
    """The numbers that are written as such first, then the words around them."""
    folded = fold(text)
    terms: dict[Term, None] = {}
    for written in _NUMBER.findall(folded):
        if not written.isdigit() and _is_number(written, dialling):
            terms[Term(_suffixes(written, dialling))] = None
            folded = folded.replace(written, " ", 1)
    tokens = _tokens(folded)
    for n, token in enumerate(tokens):
        unfinished = n == len(tokens) - 1 and folded.endswith(token)
        terms |= dict.fromkeys(_token_terms(token, unfinished, dialling))
    return tuple(terms)[:MOST_TERMS]


def _is_number(written: str, dialling: Dialling | None) -> bool:
    return written[0] in "+(0" or (dialling is not None and read_number(written, dialling.region).e164 is not None)


def _suffixes(written: str, dialling: Dialling | None) -> tuple[Word, ...]:
    """The last digits, by which a number is known: of its E.164, and of what was written if those are others."""
    numbers = [written]
    if dialling:
        numbers.insert(0, read_number(written, dialling.region).e164 or written)
    tails = (_NOT_DIGIT.sub("", number)[-(dialling or _ANYWHERE).last_digits :] for number in numbers)
    return tuple(Word(_from_behind(tail), prefix=True) for tail in dict.fromkeys(tails))


def _token_terms(token: str, unfinished: bool, dialling: Dialling | None) -> Iterator[Term]:
    if _IS_UNSPACED.match(token):
        if len(token) == 1:
            yield Term((Word(token, prefix=True),))
        yield from (Term((Word(pair),)) for pair in _pairs(token))
        return
    word = Word(token[:LONGEST_WORD], prefix=unfinished and len(token) < LONGEST_WORD)
    if len(token) >= FEWEST_DIGITS and token.isascii() and token.isdigit():
        yield Term((word, *_suffixes(token, dialling)))
    else:
        yield Term((word,))
