"""How long an admin waits for `workorderd check`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from bench.measure import Figure, at_most, in_turn


def _run(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def figures() -> Iterator[Figure]:
    """Seconds of the whole command, the interpreter's start included."""
    medians = in_turn(
        {
            "check": lambda: _run([sys.executable, "-m", "daemon", "check", "--config", "config"]),
            "python": lambda: _run([sys.executable, "-c", "pass"]),
        }
    )
    yield at_most("check: sample configuration", medians["check"], "s", 0.6, "wall clock")
    yield Figure("check: bare interpreter", medians["python"], "s")
