"""Customers in CSV: from the lines of a file to customers, each with its line, or to what is wrong there.

UTF-8 with or without a byte order mark; comma, semicolon or tab, as the header has it; cells in quotes may go over
several lines (RFC 4180). The header names the columns in any order, case and
punctuation; `phone` may be there several times,
numbered or not, and a cell may hold several numbers separated by semicolons. What is wrong names the line where it
stands, counted from 1, and the column as the file calls it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Final

from daemon.errors import InvalidError
from daemon.orders.customer import Customer, Dialling, Draft, Kind, read_customer

COLUMNS: Final = ("reference", "kind", "name", "phone", "email", "address", "note")
MOST_LINES: Final = 1_000_000
MOST_COLUMNS: Final = 100
LONGEST_LINE: Final = 1024 * 1024
"""In bytes; who feeds lines cuts longer ones there."""

_PHONE: Final = re.compile(r"phone[0-9]{0,3}")
_NOT_IN_NAME: Final = re.compile(r"[\W_]+")
_OTHER_ENCODINGS: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_SAVE_AS: Final = "save the file as CSV in UTF-8"


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong at a line; `column` as the file calls it, "" for the line as a whole."""

    line: int
    column: str
    what: str

    def __str__(self) -> str:
        return f"{self.column}: {self.what}" if self.column else self.what


@dataclass(frozen=True, slots=True)
class Row:
    """A customer and the line where he begins. `says_kind`: the file says it, it is no default."""

    line: int
    customer: Customer
    says_kind: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """The header: for each column what it means, None for one without a name, and what the file calls it."""

    meanings: tuple[str | None, ...]
    titles: tuple[str, ...]


class _Ended(Exception):  # noqa: N818 (no error of ours: the way out of csv's iteration)
    """Nothing after this can be read."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.error = LineError(line, "", what)


def read_file(lines: Iterable[bytes], kind: Kind, dialling: Dialling) -> Iterator[Row | LineError]:
    """Every customer of a file and everything that is wrong with it, in the file's order.

    `lines` end with their line feed; `kind` is for rows that don't say. Whoever gets a LineError must use no Row.
    """
    texts = _Texts(lines)
    doubles = Doubles()
    columns: Columns | None = None
    rows = 0
    try:
        for record in _records(texts):
            rows += columns is not None
            if isinstance(record, LineError):
                yield record
            elif columns is None:
                columns, wrong = read_header(record.cells, record.line)
                yield from wrong
                if wrong:
                    return
            else:
                yield from _read(record, columns, kind, dialling, doubles)
    except _Ended as ended:
        yield ended.error
        return
    if columns is None:
        yield LineError(1, "", f"the file is empty: a header with the columns {', '.join(COLUMNS)} is expected")
    elif not rows:
        yield LineError(texts.line, "", "there is no customer below the header")


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]


class _Texts(Iterator[str]):
    """The lines as text; `line` is the one given last, `unreadable` those whose bytes are no UTF-8."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self.line = 0
        self.unreadable: list[LineError] = []

    def __next__(self) -> str:
        raw = next(self._lines)
        self.line += 1
        if self.line > MOST_LINES:
            raise _Ended(self.line, f"the file has more than {MOST_LINES:,} lines: cut it into several")
        if self.line == 1:
            raw = self._begin(raw)
        if len(raw) >= LONGEST_LINE and not raw.endswith(b"\n"):
            raise _Ended(self.line, f"the line is longer than {LONGEST_LINE:,} bytes: is this a CSV file?")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            what = f"byte {error.start + 1} of the line, 0x{raw[error.start]:02X}, is not UTF-8: {_SAVE_AS}"
            self.unreadable.append(LineError(self.line, "", what))
            return raw.decode(errors="replace")

    def _begin(self, raw: bytes) -> bytes:
        for mark, name in _OTHER_ENCODINGS:
            if raw.startswith(mark):
                raise _Ended(1, f"the file is in {name}: {_SAVE_AS}")
        return raw.removeprefix(b"\xef\xbb\xbf")


def _records(texts: _Texts) -> Iterator[_Record | LineError]:
    """Records that have cells, and lines that are none. Raises _Ended where the rest can't be read."""
    begun = 0
    try:
        blank = []
        first = next(texts, "")
        while first and not first.strip():
            blank.append(first)
            first = next(texts, "")
        reader = csv.reader(chain(blank, [first] if first else [], texts), delimiter=_delimiter(first), strict=True)
        while True:
            begun = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield _explained(error, begun, reader.line_num)
                continue
            unreadable, texts.unreadable = texts.unreadable, []
            yield from unreadable
            if cells is None:
                return
            if not unreadable and any(cell.strip() for cell in cells):
                yield _Record(begun, cells)
    except _Ended:
        yield from texts.unreadable
        raise


def _explained(error: csv.Error, begun: int, line: int) -> LineError:
    """What csv's words mean to the writer of the file. Raises _Ended where what follows would be misread."""
    told = str(error)
    if "unexpected end" in told:
        raise _Ended(begun, "a cell in quotes begins here, and the file ends before its closing quote") from None
    if "field limit" in told:
        message = f"a cell has more than {csv.field_size_limit():,} characters: is a closing quote missing?"
        raise _Ended(begun, message) from None
    if "new-line" in told:
        return LineError(line, "", "a carriage return alone ends no line: save the file with CRLF or LF")
    return LineError(line, "", "a quote ends in the middle of a cell: a quote within quotes is written twice")


def _delimiter(header: str) -> str:
    """The one by which most columns have a known name; then the one that occurs most."""
    return max(",;\t", key=lambda each: (sum(map(_is_known, header.split(each))), header.count(each)))


def _is_known(title: str) -> bool:
    return _meaning(title) is not None


def _meaning(title: str) -> str | None:
    name = _NOT_IN_NAME.sub("", title.casefold())
    if _PHONE.fullmatch(name):
        return "phone"
    return name if name in COLUMNS else None


def read_header(cells: Sequence[str], line: int = 1) -> tuple[Columns, list[LineError]]:
    """The columns of a file, and what is wrong with them."""
    if len(cells) > MOST_COLUMNS:
        message = f"{len(cells)} columns, at most {MOST_COLUMNS} are allowed: is this a file of customers?"
        return Columns((), ()), [LineError(line, "", message)]
    titles = tuple(cell.strip() for cell in cells)
    meanings = tuple(map(_meaning, titles))
    wrong = [
        LineError(line, _short(title), _unknown(title))
        for title, meaning in zip(titles, meanings, strict=True)
        if title and meaning is None
    ]
    named = [meaning for meaning in meanings if meaning and meaning != "phone"]
    wrong += [LineError(line, name, "the column is there twice") for name in COLUMNS if named.count(name) > 1]
    if "name" not in named and not wrong:
        wrong.append(LineError(line, "", f"the column name is missing; there are: {', '.join(filter(None, titles))}"))
    return Columns(meanings, titles), wrong


def _unknown(title: str) -> str:
    near = get_close_matches(title.casefold()[:40], COLUMNS, n=1)
    return f"no such column: did you mean {near[0]}?" if near else f"no such column: there are {', '.join(COLUMNS)}"


def _short(title: str) -> str:
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in title[:40])


def _read(
    record: _Record, columns: Columns, kind: Kind, dialling: Dialling, doubles: Doubles
) -> Iterator[Row | LineError]:
    found = read_row(columns, record.cells, record.line, kind, dialling)
    if isinstance(found, Row):
        twice = doubles.find(found)
        yield twice or found
    else:
        yield from found


def read_row(
    columns: Columns, cells: Sequence[str], line: int, kind: Kind, dialling: Dialling
) -> Row | tuple[LineError, ...]:
    """The customer of one record, or everything that is wrong with it."""
    if len(cells) > len(columns.meanings) and any(cell.strip() for cell in cells[len(columns.meanings) :]):
        return (LineError(line, "", f"{len(cells)} cells, but the header has {len(columns.meanings)}"),)
    texts: dict[str, str] = {}
    numbers: list[str] = []
    titles: dict[str, str] = {}
    for cell, meaning, title in zip(cells, columns.meanings, columns.titles, strict=False):
        if meaning == "phone":
            for number in filter(None, map(str.strip, cell.split(";"))):
                titles[f"/numbers/{len(numbers)}"] = title
                numbers.append(number)
        elif meaning:
            texts[meaning], titles[f"/{meaning}"] = cell, title
        elif cell.strip():
            return (LineError(line, "", f"{_short(cell.strip())!r} stands in a column without a name"),)
    says_kind = bool(texts.get("kind", "").strip())
    texts["kind"] = texts["kind"] if says_kind else kind
    try:
        return Row(line, read_customer(Draft(**{"name": "", **texts}, numbers=tuple(numbers)), dialling), says_kind)
    except InvalidError as error:
        return tuple(LineError(line, titles.get(fault.where, "phone"), fault.what) for fault in error.faults)


class Doubles:
    """Who was there already. Hashes are kept, not texts: a million lines are a lot of text."""

    def __init__(self) -> None:
        self._references: dict[int, int] = {}
        self._twins: dict[int, int] = {}  # the line; negative where the customer has a reference

    def find(self, row: Row) -> LineError | None:
        """What is wrong where a line before has the same reference, or is the same customer without one."""
        reference, twin = row.customer.reference, hash(row.customer.twin)
        if reference is not None:
            first = self._references.setdefault(hash(reference), row.line)
            if first != row.line:
                return LineError(row.line, "reference", f"line {first} has the same reference")
            if self._twins.setdefault(twin, -row.line) > 0:
                return self._twin(row.line, self._twins[twin])
            return None
        first = self._twins.setdefault(twin, row.line)
        return None if first == row.line else self._twin(row.line, abs(first))

    @staticmethod
    def _twin(line: int, first: int) -> LineError:
        what = f"line {first} has the same name and first number: without a reference in both they are one customer"
        return LineError(line, "name", what)
