"""What we ask of an Asterisk: checked before it is written, answered once.

AMI has no escaping: a line end in a value starts a header, an empty line starts an action. Lines are at most 1024
bytes and headers at most 128 (main/manager.c: get_input, AST_MAX_MANHEADERS); what is longer is cut without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from panoramisk import actions

from daemon.ami.errors import AmiInvalid
from daemon.calls.outgoing import MARK, ours

Action = Mapping[str, str | Sequence[str]]

LINE_BYTES: Final = 1024
HEADERS: Final = 128
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")


class Request(actions.Action):  # type: ignore[misc]  # panoramisk has no types
    """A panoramisk action with rules of its own for when it is answered.

    An answer is one message, or, after `EventList: start`, all messages up to `EventList: Complete`. An event that
    only carries our ActionID (OriginateResponse, the echo of a UserEvent) is no part of the answer.
    """

    def __init__(self, action: Action) -> None:
        super().__init__(checked(action))
        self.listing = False

    @property
    def title(self) -> str:
        """The action's name."""
        return str(self["action"])

    def add_message(self, message: Any) -> bool:
        """Take a message with our ActionID; True when the answer is complete."""
        if "event" not in message:
            if _starts_list(message):
                self.listing = True
                self.responses.append(message)
                return False
            return self._answer(message)
        if not self.listing:
            return False
        self.responses.append(message)
        return _ends_list(message) and self._answer(list(self.responses))

    def _answer(self, answer: Any) -> bool:
        if not self.future.done():
            self.future.set_result(answer)
        return True


def _starts_list(message: Any) -> bool:
    if not message.success:
        return False
    return str(message.eventlist).lower() == "start" or str(message.message).lower().endswith("will follow")


def _ends_list(message: Any) -> bool:
    return str(message.eventlist).lower() in ("complete", "cancelled") or str(message.event).endswith("Complete")


def checked(action: Action) -> dict[str, str | list[str]]:
    """The action as panoramisk takes it. Raises AmiInvalid, which names the header and never its value."""
    lines: list[tuple[str, str]] = []
    written: dict[str, str | list[str]] = {}
    for name, value in action.items():
        values = [value] if isinstance(value, str) else list(value)
        lines += ((name, one) for one in values)
        written[name] = value if isinstance(value, str) else values
    for name, one in lines:
        _check_line(name, one)
    folded = {name.casefold(): value for name, value in action.items()}
    if "action" not in folded or len(folded) < len(action):
        raise AmiInvalid("an action has the header Action, and each header once")
    if not ours(str(folded.get("actionid", MARK))):
        raise AmiInvalid(f"an ActionID of its own begins with {MARK}")
    if len(lines) >= HEADERS:
        raise AmiInvalid(f"an action has at most {HEADERS} headers, ActionID included")
    return written


def _check_line(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise AmiInvalid(f"{name[:80]!r} can't be the name of a header")
    if _FORBIDDEN.search(value):
        raise AmiInvalid(f"header {name}: AMI can't carry line ends or NUL")
    try:
        length = len(f"{name}: {value}\r\n".encode())
    except UnicodeEncodeError:
        raise AmiInvalid(f"header {name}: not encodable as UTF-8") from None
    if length > LINE_BYTES:
        raise AmiInvalid(f"header {name}: {length} bytes, a line has at most {LINE_BYTES}")
