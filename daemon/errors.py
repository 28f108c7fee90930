"""What can go wrong, as a tree.

WorkorderdError
├── ConfigError      the files of config/ say something that cannot be; carries every problem with its place
├── SchemaError      the database has another version than this program speaks
├── NotFoundError    no such thing, or not for who asks to know
├── ForbiddenError   this person may not
└── RefusedError     the state of things does not allow it
"""

from __future__ import annotations

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
