"""What can go wrong, as a tree.

    WorkorderdError
    ├── SchemaError        the database has another version than this program speaks
    ├── NotFoundError      no such thing, or not for this team to know
    ├── ForbiddenError     this person may not
    └── RefusedError       the state of things does not allow it
"""


class WorkorderdError(Exception):
    """Base of all errors that are meant for a person."""


class SchemaError(WorkorderdError):
    """The database's schema is not the one that this program speaks."""


class NotFoundError(WorkorderdError):
    """There is no such thing, as far as who asks may know."""


class ForbiddenError(WorkorderdError):
    """Who asks may not do this; the text says who may."""


class RefusedError(WorkorderdError):
    """The state of things does not allow it; the text says why."""
