"""One file as plain data in which every part knows its place.

The models say what is meant at each place: text stays as it was written (1000, 08:00 and no are text where text is
wanted), secrets are followed, relative paths are taken from the folder of the configuration. Unknown and duplicate
keys are found here; values are left to pydantic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from daemon.errors import Problem
from daemon.settings.models import Model
from daemon.settings.secrets import Keeper
from daemon.settings.shape import Shape, members
from daemon.settings.source import DEEPEST, UnreadableError, nodes
from daemon.settings.words import shown, suggestion

Loc = tuple[str | int, ...]
MOST_REPEATED = 10_000
_STANDARD = "tag:yaml.org,2002:"
_TAGS = frozenset(_STANDARD + name for name in ("null", "bool", "int", "float", "str", "map", "seq"))


@dataclass
class Reading:
    """What is read from one file so far: data, places and all that is wrong."""

    file: str
    model: type[Model]
    data: object = None
    readable: bool = True
    places: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    secrets: set[Loc] = field(default_factory=set)
    bad: set[Loc] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def refuse(self, loc: Loc, message: str) -> None:
        """A problem at a part, or at the nearest part around it; a part that is known to be bad is left alone."""
        if loc not in self.bad:
            self.bad.add(loc)
            self.problems.append(self.problem(loc, message))

    def missing(self, loc: Loc, message: str) -> None:
        """A problem of a mapping that lacks something; there may be several of one mapping."""
        self.problems.append(self.problem(loc, message))

    def warn(self, loc: Loc, message: str) -> None:
        """Something that is allowed and probably not meant."""
        self.warnings.append(self.problem(loc, message))

    def problem(self, loc: Loc, message: str) -> Problem:
        """What is said about a part, at its place or at that of the nearest part around it."""
        while loc and loc not in self.places:
            loc = loc[:-1]
        return Problem(self.file, *self.places.get(loc, (1, 1)), message)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file's data that tolerates everything: what is not there or of another kind is just empty."""

    reading: Reading
    loc: Loc = ()

    @property
    def value(self) -> object:
        """What stands there; None where nothing does."""
        here = self.reading.data
        for step in self.loc:
            if isinstance(here, dict):
                here = here.get(step)
            elif isinstance(here, list) and isinstance(step, int):
                here = here[step]
            else:
                return None
        return here

    def at(self, *steps: str | int) -> Part:
        """A part of this part, there or not."""
        return Part(self.reading, (*self.loc, *steps))

    def parts(self, key: str) -> Iterator[Part]:
        """The parts of a list."""
        value = self.at(key).value
        return (self.at(key, index) for index in range(len(value) if isinstance(value, list) else 0))

    def text(self, key: str, default: str = "") -> str:
        """The text of a key; the default where there is none."""
        value = self.at(key).value
        return value if isinstance(value, str) else default

    def says(self, key: str) -> bool:
        """Whether a key is there and not empty, whatever it says."""
        return self.at(key).value not in (None, "", [], {})

    def number(self, key: str) -> float | None:
        """The number of a key, or None."""
        value = self.at(key).value
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def refuse(self, message: str) -> None:
        """This part cannot stay so."""
        self.reading.refuse(self.loc, message)

    def warn(self, message: str) -> None:
        """This part is allowed and probably not meant."""
        self.reading.warn(self.loc, message)

    def problem(self, message: str) -> Problem:
        """Something about this part, only told."""
        return self.reading.problem(self.loc, message)


def read(path: Path, model: type[Model], keeper: Keeper) -> Reading:
    """One file, read as far as it goes; never raises for what the file says."""
    reading = Reading(str(path), model)
    try:
        root = nodes(path)
    except UnreadableError as error:
        reading.readable = False
        reading.problems.append(error.problem)
        return reading
    reading.data = _Builder(reading, keeper).build(root, Shape("model", models=(model,)), ())
    return reading


class _Builder:
    """Turns nodes to data; counts what aliases repeat, so that a small file cannot become a large one."""

    def __init__(self, reading: Reading, keeper: Keeper) -> None:
        self.reading = reading
        self.keeper = keeper
        self.seen: set[int] = set()
        self.repeated = 0

    def build(self, node: Node, shape: Shape, loc: Loc) -> object:
        """The data of a node that stands where `shape` is expected."""
        self.reading.places.setdefault(loc, (node.start_mark.line + 1, node.start_mark.column + 1))
        self.repeated += id(node) in self.seen
        self.seen.add(id(node))
        if len(loc) > DEEPEST or self.repeated > MOST_REPEATED:
            self.reading.refuse((), "aliases repeat too much, or themselves; write it out")
            return None
        if node.tag not in _TAGS:
            self.reading.refuse(loc, f"the tag {shown(node.tag.removeprefix(_STANDARD))} is not allowed; leave it out")
            return None
        if shape.kind == "secret":
            self.reading.secrets.add(loc)
            return self._secret(node, shape, loc)
        if isinstance(node, SequenceNode):
            inner = shape.inner if shape.kind == "list" and shape.inner else Shape("value")
            return [self.build(child, inner, (*loc, index)) for index, child in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, shape, loc)
        return _scalar(node, shape, self.keeper.folder)

    def _mapping(self, node: MappingNode, shape: Shape, loc: Loc) -> dict[str, object]:
        keys = {key.value for key, _ in node.value if isinstance(key, ScalarNode)}
        model = shape.model_for(keys) if shape.kind == "model" else None
        data: dict[str, object] = {}
        for key, child in node.value:
            if not isinstance(key, ScalarNode):
                self._at_key(key, (*loc, "?"), "a list or mapping is no key; one word is allowed")
            elif key.value in data:
                self._at_key(
                    key, (*loc, key.value, "?"), f"{shown(key.value)} stands here a second time; once is allowed"
                )
            elif model and key.value not in members(model):
                self._at_key(key, (*loc, key.value), _unknown(key.value, model))
            else:
                inner = members(model)[key.value] if model else shape.inner or Shape("value")
                data[key.value] = self.build(child, inner, (*loc, key.value))
        return data

    def _at_key(self, key: Node, loc: Loc, message: str) -> None:
        mark = key.start_mark
        self.reading.bad.add(loc)
        self.reading.problems.append(Problem(self.reading.file, mark.line + 1, mark.column + 1, message))

    def _secret(self, node: Node, shape: Shape, loc: Loc) -> str | None:
        if isinstance(node, ScalarNode):
            text = str(node.value)
            if node.tag == _STANDARD + "null" and shape.nullable:
                return None
            refusal = shape.secret.refusal(text)
            if refusal:
                self.reading.refuse(loc, f"{loc[-1]}: {refusal}")
            return "" if refusal else text
        found = self.keeper.find(_form(node))
        if found.problem:
            self.reading.refuse(loc, f"{loc[-1]}: {found.problem}")
        if found.warning:
            self.reading.warn(loc, f"{loc[-1]}: {found.warning}")
        return found.value or ""


def _form(node: Node) -> dict[str, object]:
    """A mapping of plain words; anything else is as good as empty."""
    if not isinstance(node, MappingNode):
        return {}
    pairs = [(key, value) for key, value in node.value if isinstance(key, ScalarNode)]
    return {str(key.value): value.value if isinstance(value, ScalarNode) else None for key, value in pairs}


def _scalar(node: Node, shape: Shape, folder: Path) -> object:
    """A word: text where text is wanted, else what YAML makes of it. A lone surrogate is no character: ?."""
    text = str(node.value).encode("utf-8", "replace").decode()
    tag = node.tag.removeprefix(_STANDARD)
    if tag == "null":
        return None
    if shape.kind == "path":
        return str(folder / text)
    if shape.kind == "text" or tag == "str":
        return text
    return _plain(text, tag)


def _plain(text: str, tag: str) -> object:
    match tag:
        case "bool" if text in {"true", "false"}:
            return text == "true"
        case "int" | "float":
            try:
                return int(text) if tag == "int" else float(text)
            except ValueError:
                return text
    return text


def _unknown(key: str, model: type[Model]) -> str:
    if key == "<<":
        return "'<<' (merge) is not read here; write the keys out"
    known = list(members(model))
    return f"{shown(key)} is no key here{suggestion(key, known) or '; allowed: ' + ', '.join(known)}"
