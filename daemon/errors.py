"""What can go wrong, as a tree.

WorkorderdError
├── SchemaError      the database has another version than this program speaks
└── RefusedError     a request that the state or the person does not allow
"""


class WorkorderdError(Exception):
    """Base of all errors that are meant for a person."""


class SchemaError(WorkorderdError):
    """The database's schema is not the one that this program speaks."""


class RefusedError(WorkorderdError):
    """The state of things, or who asks, does not allow it; the text says why."""
