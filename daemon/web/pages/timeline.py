"""An order's history as people read it: ids become names, and what the step's badge says already is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from daemon.handlers.labels import Labels
from daemon.handlers.world import World
from daemon.language import Language
from daemon.orders.fields import label
from daemon.orders.template import Template
from daemon.storage.tables import HistoryRow
from daemon.web.words import CONTENTS

SAID_ELSEWHERE: Final = frozenset(
    {"status", "node_status", "node_index", "creator_id", "creator_group_id", "attachment"}
)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a step changed; "" is nothing."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the history and what it changed."""

    entry: HistoryRow
    changes: tuple[Change, ...]


def timeline(
    entries: Iterable[HistoryRow], world: World, template: Template | None, labels: Labels, language: Language
) -> tuple[Told, ...]:
    """The entries, oldest first. `labels` has the names of agents who left the configuration."""
    fields = (
        {f"fields.{each.identity}": label(each, language.tag, "en") for each in template.fields} if template else {}
    )

    def change(name: str, pair: Any) -> Change:
        old, new = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
        called = fields.get(name) or (
            language.word(CONTENTS[name]) if name in CONTENTS else name.removeprefix("fields.")
        )
        return Change(called, _shown(name, old, world, labels), _shown(name, new, world, labels))

    return tuple(
        Told(
            entry,
            tuple(
                change(name, pair)
                for name, pair in entry.changes.items()
                if name not in SAID_ELSEWHERE and not (entry.action == "create" and name in CONTENTS)
            ),
        )
        for entry in entries
    )


def named_values(
    values: Mapping[str, str], template: Template | None, language: Language
) -> tuple[tuple[str, str], ...]:
    """Custom fields as (label, value), in the template's order; those that it has no more come last, by identity."""
    known = template.fields if template else ()
    told = [(label(each, language.tag, "en"), values[each.identity]) for each in known if each.identity in values]
    gone = sorted(values.keys() - {each.identity for each in known})
    return (*told, *((name, values[name]) for name in gone))


def _shown(name: str, value: Any, world: World, labels: Labels) -> str:
    if value is None:
        return ""
    names: Mapping[str, Any] = {
        "owner_id": lambda: world.agents[value].name if value in world.agents else labels.agents.get(value, ""),
        "group_id": lambda: world.groups[value].label if value in world.groups else "",
    }
    return str(names[name]()) if name in names else str(value)
