"""Draw the state machines from their tables: `python docs/diagrams.py` writes, with --check it says what is stale."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon.calls.call import State
from daemon.calls.tracker import TRANSITIONS
from daemon.orders.commands import Action
from daemon.orders.order import Stand
from daemon.orders.permissions import Role
from daemon.orders.transitions import CONTENT
from daemon.orders.transitions import TRANSITIONS as STEPS

HERE = Path(__file__).parent
UNOWNED = {Stand.WAITING, Stand.HANDED_BACK}


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


def order_states() -> str:
    """The life of a work order as a Mermaid diagram, and who may do what in it as a table."""
    arrows: dict[tuple[Stand, Stand], list[str]] = {}
    for action, step in STEPS.items():
        for here in Stand:
            for to in Stand:
                if here in step.at and to in step.to and to is not here and _possible(action, here, to):
                    arrows.setdefault((here, to), []).append(action)
    lines = ["stateDiagram-v2", f"    [*] --> {Stand.WAITING}: create", f"    [*] --> {Stand.ASSIGNED}: create"]
    lines += [f"    {a} --> {b}: {', '.join(names)}" for (a, b), names in arrows.items()]
    lines.append(f"    {Stand.DONE} --> [*]")
    diagram = "\n".join(lines)
    return f"""# The life of a work order

Drawn from the table `TRANSITIONS` in `daemon/orders/transitions.py`, which has the rules in prose, by
`docs/diagrams.py`.

```mermaid
{diagram}
```

{_stands()}

## Who may do what

{_matrix()}

**O** its owner · **A** the admin of the group where it stands · **M** another agent who sees it (of that group, or its
creator, or the admin of its creator's group) · **S** a system by its token · **P** the program itself: assign rules,
timers, Asterisk. Team admins and system admins see orders and change nothing. Nobody else learns that it exists.

With `edit_limit: owner`, {", ".join(sorted(CONTENT))} are for O and A only. `assign` is refused while an order waits
for an automatic rule. `return_to_node` is refused at the first node. `close` needs an order that nobody has touched.
Everything is refused once it is done.
"""


def _possible(action: Action, here: Stand, to: Stand) -> bool:
    """Leaves out what the table allows in general and a release never does: it ends up by where it was."""
    if action is Action.RELEASE:
        return to is (Stand.WAITING if here is Stand.ASSIGNED else Stand.HANDED_BACK) and here is not Stand.VERIFYING
    return not (to is Stand.VERIFYING and here in UNOWNED)  # there only the admin says done, and agrees with himself


def _stands() -> str:
    from daemon.orders import order

    told = (order.__doc__ or "").split("\n\n")[2]
    rows = [line.strip().split(None, 1) for line in told.splitlines()]
    return "\n".join(["| | |", "|---|---|", *(f"| `{name.lower()}` | {text} |" for name, text in rows)])


def _matrix() -> str:
    letters = {Role.OWNER: "O", Role.GROUP_ADMIN: "A", Role.AGENT: "M", Role.SYSTEM: "S", Role.PROGRAM: "P"}
    head = ["| | " + " | ".join(stand.replace("_", " ") for stand in Stand) + " |", "|---" * (len(Stand) + 1) + "|"]
    rows = []
    for action, step in STEPS.items():
        cells = [
            "".join(
                letter
                for role, letter in letters.items()
                if role in step.by and stand in step.at and not (role is Role.OWNER and stand in UNOWNED)
            )
            or "·"
            for stand in Stand
        ]
        rows.append(f"| `{action}` | " + " | ".join(cells) + " |")
    return "\n".join([*head, *rows])


DRAWN = {"call-states.md": call_states, "order-states.md": order_states}


def main() -> int:
    """Write the diagrams, or with --check say whether they are stale (exit code 1)."""
    stale = [name for name, draw in DRAWN.items() if not _is_fresh(HERE / name, draw())]
    if "--check" in sys.argv:
        for name in stale:
            sys.stderr.write(f"{name} is stale: run python docs/diagrams.py\n")
        return 1 if stale else 0
    for name in stale:
        (HERE / name).write_text(DRAWN[name]())
    return 0


def _is_fresh(target: Path, drawn: str) -> bool:
    return target.exists() and target.read_text() == drawn


if __name__ == "__main__":
    sys.exit(main())
