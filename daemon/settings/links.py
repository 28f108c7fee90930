"""References: each leads to something that exists, and none leads out of its team.

What is a reference stands in the models (`Ref`). The team by which a reference is read is that of the team, module
or template it stands in; a queue and a list of call results belong to their module's team.
"""

from __future__ import annotations

from collections.abc import Iterator

from daemon.settings.models import Ref
from daemon.settings.names import Files, Names
from daemon.settings.reading import Part
from daemon.settings.shape import Shape, members
from daemon.settings.words import shown, suggestion


def follow(files: Files, names: Names) -> None:
    """Refuse each reference that leads nowhere or to another team."""
    for file in files.all():
        for part, ref in references(file, Shape("model", models=(file.reading.model,))):
            team = _team_around(part, files, names)
            _follow(part, ref, names, team if team in names.of("team") else "")


def references(part: Part, shape: Shape) -> Iterator[tuple[Part, Ref]]:
    """Every part that names something, in the order of the models' keys."""
    value = part.value
    if shape.ref and isinstance(value, str):
        yield part, shape.ref
    elif isinstance(value, list) and shape.inner:
        for index in range(len(value)):
            yield from references(part.at(index), shape.inner)
    elif isinstance(value, dict) and shape.models:
        known = members(shape.model_for(set(value)))
        for key in value:
            yield from references(part.at(key), known[key])


def _team_around(part: Part, files: Files, names: Names) -> str:
    """The team to which the thing around a reference belongs; "" where there is none or nobody knows."""
    around = Part(part.reading, part.loc[:2])
    if part.reading is files.teams.reading:
        return around.text("name")
    if part.reading is files.queues.reading:
        return around.text("team") or names.team_of("module", around.text("module"))
    if part.reading is files.call_results.reading:
        return names.team_of("module", around.text("module"))
    return Part(part.reading).text("team")


def _follow(part: Part, ref: Ref, names: Names, team: str) -> None:
    name = str(part.value)
    if ref.kind in names.unknown or name == ref.also:
        return
    known = names.of(ref.kind)
    if name not in known:
        near = suggestion(name, _near(known, team)) or _listed(_near(known, team))
        part.refuse(f"there is no {ref.kind} {shown(name)}{near}")
    elif team and ref.kind != "team" and not known[name] & {team, ""}:
        owner = " and ".join(sorted(known[name]))
        near = suggestion(name, _near(known, team)) or _listed(_near(known, team))
        part.refuse(f"the {ref.kind} {shown(name)} belongs to the team {owner}, not to {team}{near}")


def _near(known: dict[str, set[str]], team: str) -> list[str]:
    return [name for name, owners in known.items() if not team or owners & {team, ""}]


def _listed(known: list[str]) -> str:
    if not known:
        return "; none is defined"
    return f"; allowed: {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}"
