"""python -m bench [NAME...] [--json]."""

from __future__ import annotations

import argparse
import importlib
import sys

from bench.measure import tell

MEASUREMENTS = {
    "intake": "AMI events through link, translation and tracker, against stock panoramisk and a bare protocol",
    "latency": "abandonment by Asterisk's own clock to the committed order, 20 calls a second, SQLite FULL",
    "memory": "5,000 waiting calls above idle",
    "lists": "lists, filters and search of work orders among 1,000,000 against among 1,000, on both databases",
    "check": "workorderd check of the sample configuration",
    "streams": "2,000 open pages on one node: memory, and how long news take to reach each",
    "pages": "each page with 100,000 orders of one team, and the first visit to the popup",
    "outbox": "20,000 notifications through kill -9 and an unreliable receiver; what dead receivers cost an order",
    "agi": "FastAGI with 200 calls at once, beside panoramisk.fast_agi and pystrix",
    "paint": "when pages stand in a browser, and whether they move after that",
    "create": "an order over HTTP against the bare INSERTs of its rows, and beside django-helpdesk",
}


def main() -> int:
    """Run what is asked for; exit code 1 when a bound does not hold."""
    listed = "\n".join(f"  {name:<10}{text}" for name, text in MEASUREMENTS.items())
    parser = argparse.ArgumentParser(
        prog="bin/bench", epilog=f"measurements:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", choices=[*MEASUREMENTS, []], help="what to measure; default: everything")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    holds = True
    for name in options.name or MEASUREMENTS:
        holds &= tell(importlib.import_module(f"bench.{name}").figures(), as_json=options.json)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
