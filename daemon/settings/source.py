"""A YAML file as nodes that know their place.

The YAML is read as version 1.2's core schema would: only `true` and `false` are booleans (a group may be called
`no`), numbers are decimal (08:00 is text), dates are text. Tags, merge keys and several documents in one file are
not taken. A hostile file is refused before anything is built from it: 4 MiB at most, 32 levels, 1000 aliases.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from yaml.nodes import Node
from yaml.reader import Reader

from daemon.errors import Problem

LARGEST = 4 * 1024 * 1024
DEEPEST = 32
MOST_ALIASES = 1000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_Loader):  # type: ignore[misc] # whichever of the two loaders this machine has
    """The safe loader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 # PyYAML's own name


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]{0,17})", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,2})?", list("-0123456789")),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first)


class UnreadableError(Exception):
    """The file gives no nodes; `problem` says why and where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def nodes(path: Path) -> Node:
    """The root node of a file. Raises UnreadableError."""
    name = str(path)
    text = _text(path, name)
    try:
        _refuse_bombs(text, name)
        root: Node | None = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(_syntax(error, name)) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnreadableError(Problem(name, 1, 1, "is no YAML; UTF-8 text with keys and values is allowed")) from None
    if root is None:
        raise UnreadableError(Problem(name, 1, 1, "the file is empty; keys and values are wanted"))
    return root


def _text(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            missing = "is no file" if path.exists() else "there is no such file; this one is a must"
            raise UnreadableError(Problem(name, 1, 1, missing))
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise UnreadableError(Problem(name, 1, 1, f"the file cannot be read: {error.strerror}")) from None
    if len(raw) > LARGEST:
        raise UnreadableError(Problem(name, 1, 1, "the file is too large; at most 4 MiB are allowed"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        raise UnreadableError(_at(before, name, "this byte is not UTF-8; save the file as UTF-8")) from None
    control = Reader.NON_PRINTABLE.search(text)
    if control:
        message = f"the character {control[0]!r} is not allowed in YAML"
        raise UnreadableError(_at(text[: control.start()], name, message))
    return text


def _at(before: str, name: str, message: str) -> Problem:
    line = before.rpartition("\n")[2]
    return Problem(name, before.count("\n") + 1, len(line) + 1, message)


def _refuse_bombs(text: str, name: str) -> None:
    """Count levels and aliases on the flat stream of events, where neither costs anything yet."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        elif isinstance(event, AliasEvent):
            aliases += 1
        if depth > DEEPEST or aliases > MOST_ALIASES:
            what = f"too deep; {DEEPEST} levels" if depth > DEEPEST else f"too many aliases; {MOST_ALIASES}"
            mark = event.start_mark
            place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise UnreadableError(Problem(name, *place, f"{what} are allowed"))


def _syntax(error: yaml.MarkedYAMLError, name: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = ", ".join(part for part in (error.context, error.problem) if part)
    if "another document" in said:
        said = "a second document begins; one for each file is allowed"
    return Problem(name, *place, f"YAML: {said}")
