"""What can go wrong between us and an Asterisk.

WorkorderdError
└── AmiError
    ├── AmiDown      there is no connection, or it ended before the answer; the action is never sent again by itself
    ├── AmiTimeout   connected, but no answer in time; whether Asterisk acted is unknown
    ├── AmiRefused   Asterisk does not let us in; more tries with the same secret change nothing
    ├── AmiInvalid   the action can't be written on a line of AMI; nothing was sent
    └── BadFrame     an event that lacks, or garbles, what it can't do without
"""

from __future__ import annotations

from daemon.errors import WorkorderdError


class AmiError(WorkorderdError):
    """Base of all errors of the Manager Interface."""


class AmiDown(AmiError, ConnectionError):  # noqa: N818 - a state of the link, as its users say it
    """There is no connection, or it ended before the answer."""


class AmiTimeout(AmiError, TimeoutError):  # noqa: N818
    """Asterisk did not answer in time; whether it acted is unknown."""


class AmiRefused(AmiError):  # noqa: N818
    """Asterisk refused the log-in."""


class AmiInvalid(AmiError, ValueError):  # noqa: N818
    """The action can't be written on AMI's lines; the text names the header, never its value."""


class BadFrame(AmiError, ValueError):  # noqa: N818
    """An event `name` whose `header` is missing or garbage."""

    def __init__(self, name: str, header: str) -> None:
        super().__init__(f"{name}: {header} is missing or unusable")
        self.name = name
        self.header = header
