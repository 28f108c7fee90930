"""Draw the state machines from their tables: `python docs/diagrams.py` writes, with --check it says what is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon.calls.call import State
from daemon.calls.tracker import TRANSITIONS

TARGET = Path(__file__).with_name("call-states.md")


def call_states() -> str:
    """The life of a call as a Mermaid diagram, one arrow for all events that lead from a state to another."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state, steps in TRANSITIONS.items():
        for event, step in steps.items():
            for to in step.to:
                if to is not state:
                    arrows.setdefault((state, to), []).append(event.__name__)
    lines = ["stateDiagram-v2", f"    [*] --> {State.ROUTING}"]
    lines += [f"    {a} --> {b}: {', '.join(sorted(names))}" for (a, b), names in arrows.items()]
    lines.append(f"    {State.ENDED} --> [*]")
    diagram = "\n".join(lines)
    return f"""# The life of a call

Drawn from the table `TRANSITIONS` in `daemon/calls/tracker.py`, which has the rules in prose, by `docs/diagrams.py`.

```mermaid
{diagram}
```
"""


def main() -> int:
    """Write the diagrams, or with --check say whether they are stale (exit code 1)."""
    drawn = call_states()
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text() != drawn:
            sys.stderr.write(f"{TARGET.name} is stale: run python docs/diagrams.py\n")
            return 1
        return 0
    TARGET.write_text(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
