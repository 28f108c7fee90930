"""Judge a recorded manager connection, without a PBX, a database or a configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from daemon.ami.errors import BadFrame
from daemon.ami.protocol import FrameReader
from daemon.ami.translate import translate
from daemon.calls.board import Board
from daemon.calls.effects import CallJudged, Effect


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call came to; `wait` in seconds."""

    pbx: str
    uniqueid: str
    caller: str
    queues: tuple[str, ...]
    reason: str
    missed: bool
    wait: float


def judge_recording(file: Path) -> list[Outcome]:
    """The calls of a recording, in the order in which they ended; the PBX is named after the file.

    Where the recording ends while a caller still waits, nothing tells what became of him: `lost`.
    """
    board = Board()
    reader = FrameReader()
    effects: list[Effect] = []
    at = 0.0
    with file.open("rb") as recording:
        while data := recording.read(1 << 16):
            for frame in reader.feed(data, at):
                try:
                    event = translate(frame.headers, at)
                except BadFrame:
                    continue
                if event is not None:
                    at = max(at, event.at)
                    effects += board.feed(event)
    effects += board.end(at)
    return list(_outcomes(file.stem, effects))


def _outcomes(pbx: str, effects: Iterable[Effect]) -> Iterable[Outcome]:
    for effect in effects:
        if isinstance(effect, CallJudged):
            call, verdict = effect.call, effect.verdict
            yield Outcome(
                pbx, call.uniqueid, call.number, call.queues, verdict.reason, verdict.missed(), round(verdict.wait, 3)
            )


def print_json(outcomes: Iterable[Outcome], out: TextIO) -> None:
    """One object a line."""
    for outcome in outcomes:
        out.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")


def print_table(outcomes: Iterable[Outcome], out: TextIO) -> None:
    """Columns for people."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("PBX", "Uniqueid", "Caller", "Queues", "Reason", "Missed", "Wait (s)")
    for o in outcomes:
        missed = Text("missed", style="bold red") if o.missed else Text("no", style="green")
        cells = (o.pbx, o.uniqueid, o.caller or "hidden", ", ".join(o.queues), o.reason)
        table.add_row(*(Text(cell) for cell in cells), missed, f"{o.wait:.1f}")
    Console(file=out).print(table)
