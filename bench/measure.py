"""What a measurement is, and how it is told."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `bound` such as "<= 1.3" and whether it holds, against what it was measured."""

    name: str
    value: float
    unit: str
    bound: str = ""
    holds: bool | None = None
    against: str = ""


def at_most(name: str, value: float, unit: str, limit: float, against: str = "") -> Figure:
    """A figure that must not exceed a limit."""
    return Figure(name, value, unit, f"<= {limit:g}", value <= limit, against)


def at_least(name: str, value: float, unit: str, limit: float, against: str = "") -> Figure:
    """A figure that must reach a limit."""
    return Figure(name, value, unit, f">= {limit:g}", value >= limit, against)


def in_turn(contestants: dict[str, Callable[[], float]], rounds: int = 5) -> dict[str, float]:
    """The median of each contestant, all of them measured in turn, round after round."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            taken[name].append(run())
    return {name: statistics.median(values) for name, values in taken.items()}


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def tell(figures: Iterable[Figure], *, as_json: bool) -> bool:
    """Print them; whether all bounds hold."""
    all_hold = True
    for figure in figures:
        all_hold &= figure.holds is not False
        if as_json:
            print(json.dumps(asdict(figure)), flush=True)
            continue
        mark = {True: "holds", False: "FAILS", None: ""}[figure.holds]
        bound = f"{figure.bound} {mark}".strip()
        print(f"{figure.name:<48}{figure.value:>14,.3f} {figure.unit:<12}{bound:<18}{figure.against}", flush=True)
    sys.stdout.flush()
    return all_hold
