"""A file of customers is looked at, every line of it, before one is written.

What is right is staged in a file without a name, so that numbers are read once, the writing transaction is short, and
whatever ends the process leaves nothing behind. The looking is done in a thread, a few hundred lines at a time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from daemon.handlers.customers import dialling_of
from daemon.handlers.world import TeamView
from daemon.orders.customer import Customer, Kind
from daemon.orders.customer_csv import LONGEST_LINE, LineError, Row, read_file
from daemon.orders.number import Number

AT_A_TIME: Final = 100
"""Rows that are looked at, or written, before others get their turn."""
MOST_ERRORS: Final = 1000
"""That are told; all are counted."""

Tell = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Source:
    """A file on its way in, open for reading at its beginning; `lines` are its line feeds, to say how far we are."""

    file: IO[bytes]
    name: str
    team: TeamView
    kind: Kind
    lines: int = 0


class Stage:
    """Rows that were found right, in the order in which they came; gone when it is closed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 (closed by close)
        self.rows = 0

    def put(self, row: Row) -> None:
        """Add one."""
        self._file.write(_packed(row) + b"\n")
        self.rows += 1

    def batches(self) -> Iterator[list[Row]]:
        """All of them from the beginning, some at a time."""
        self._file.seek(0)
        while batch := [_unpacked(line) for line in islice(self._file, AT_A_TIME)]:
            yield batch

    def close(self) -> None:
        """Forget them."""
        self._file.close()


@dataclass(slots=True)
class Findings:
    """What came out: the rows, or the first errors and how many there are. `seen`: lines looked at so far."""

    stage: Stage
    seen: int = 0
    error_count: int = 0
    errors: list[LineError] = field(default_factory=list)

    def add(self, found: Row | LineError) -> None:
        """One more; after the first error rows are not needed any more."""
        self.seen = max(self.seen, found.line)
        if isinstance(found, Row):
            if not self.error_count:
                self.stage.put(found)
            return
        self.error_count += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(found)


async def check_file(source: Source, stage: Stage, tell: Tell) -> Findings:
    """Look at every line; `tell` hears again and again how many were seen. Raises OSError where there is no room."""
    findings = Findings(stage)
    lines = iter(lambda: source.file.readline(LONGEST_LINE), b"")
    found = read_file(lines, source.kind, dialling_of(source.team))
    while await asyncio.to_thread(_some, found, findings):
        await tell(findings.seen)
    findings.errors.sort(key=lambda error: error.line)
    return findings


def count_lines(piece: bytes) -> int:
    """Line feeds in a piece of a file."""
    return piece.count(b"\n")


def _some(found: Iterator[Row | LineError], findings: Findings) -> int:
    """Look at some more; how many there were."""
    n = 0
    for each in islice(found, AT_A_TIME):
        findings.add(each)
        n += 1
    return n


def _packed(row: Row) -> bytes:
    customer = row.customer
    numbers = [[number.raw, number.e164, number.tail] for number in customer.numbers]
    texts = [customer.kind, customer.name, customer.reference, customer.email, customer.address, customer.note]
    return json.dumps([row.line, row.says_kind, texts, numbers]).encode()


def _unpacked(packed: bytes) -> Row:
    told: list[Any] = json.loads(packed)
    line, says_kind, texts, numbers = told
    kind, name, reference, email, address, note = texts
    read = tuple(Number(*number) for number in numbers)
    return Row(line, Customer(kind, name, reference, email, address, note, read), says_kind)
