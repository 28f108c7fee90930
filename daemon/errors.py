"""What can go wrong, as a tree.

WorkorderdError
├── ConfigError      the files of config/ say something that cannot be; carries every problem with its place
├── StartError       something that the process needs at start can't be had
├── SchemaError      the database has another version than this program speaks
├── NotFoundError    no such thing, or not for who asks to know
├── ForbiddenError   this person may not
├── RefusedError     the state of things does not allow it
├── StaleError       somebody else changed it meanwhile; carries the present version
└── InvalidError     what was sent is not allowed; carries every fault with its place and its rule
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class WorkorderdError(Exception):
    """Base of all errors that are meant for a person."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong at one place of a file; line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(WorkorderdError):
    """The configuration cannot be used; printed, it is one line for each problem. Values of secrets never appear."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class SchemaError(WorkorderdError):
    """The database's schema is not the one that this program speaks."""


class NotFoundError(WorkorderdError):
    """There is no such thing, as far as who asks may know."""


class ForbiddenError(WorkorderdError):
    """Who asks may not do this; the text says who may."""


class RefusedError(WorkorderdError):
    """The state of things does not allow it; the text says why."""


class StaleError(WorkorderdError):
    """Somebody else changed it; `version` is the present one."""

    def __init__(self, version: int) -> None:
        super().__init__(f"somebody else changed it: it is version {version} now")
        self.version = version


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with what was sent.

    `where`: a query parameter, a header, or a JSON pointer into the body. `what`: in words. `rule`: the rule that it
    breaks, one stable word for programs, such as required, option, too_long, date.
    """

    where: str
    what: str
    rule: str


class InvalidError(WorkorderdError):
    """What was sent is well formed and still says what is not allowed."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.what}" for fault in faults))
        self.faults = tuple(faults)


class StartError(WorkorderdError):
    """Something that the process needs at start can't be had; the text says what and how to mend it."""
