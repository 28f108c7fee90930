"""What the manager user may see, and what we would miss: in whole sentences, because a missing class is silence.

Found out, in this order of trust, without changing anything on the PBX:
1. FullyBooted comes at once after the log-in to whoever has read class system (main/manager.c, authenticate).
2. ListCommands names what the user's write classes allow; CoreSettings tells the version.
3. `manager show user` tells the read classes, if the user has write class command; most have not.
4. Each event names its class in Privilege: what arrives is proof. While a class has not been seen, the counters of
   QueueStatus tell whether queue calls ended about which we should have heard. eventfilter, disabledevents and
   declined stasis messages show in no other way.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from daemon.ami.actions import Action

Ask = Callable[[Action], Awaitable[Any]]

OLDEST: Final = 13
CLASSES: Final[Mapping[str, str]] = {
    "system": "a restart of Asterisk is noticed late",
    "agent": "no queue call is seen at all",
    "call": "it is not seen who hung up, and no call ever ends",
    "dialplan": "why a queue let a caller go is guessed until queue_log tells, and refused callers are not seen",
}
PROVEN_BY_CALLS: Final = frozenset(CLASSES) - {"system"}
_MAJOR: Final = re.compile(r"(?:certified[/-])?([0-9]{1,3})\.")
_READ_PERM: Final = re.compile(r"read perm:\s*(\S*)")
_AMI_OF_OLD: Final = re.compile(r"1\.")  # Asterisk 1.6 to 11; 12 speaks 2.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out right after a log-in.

    `asterisk`: its version, "" when the user may not ask. `allowed`: read classes, None when the user may not ask.
    """

    username: str
    ami: str
    asterisk: str = ""
    commands: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None


async def examine(ask: Ask, username: str, ami: str) -> Findings:
    """Ask what can be asked. Raises what `ask` raises."""
    settings = await ask({"Action": "CoreSettings"})
    listed = await ask({"Action": "ListCommands"})
    commands = frozenset(str(name).casefold() for name in listed) if listed.success else frozenset()
    allowed = await _read_classes(ask, username) if "command" in commands else None
    return Findings(username, ami, str(settings.asteriskversion), commands, allowed)


async def _read_classes(ask: Ask, username: str) -> frozenset[str] | None:
    answer = await ask({"Action": "Command", "Command": f"manager show user {username}"})
    output = answer.get("Output", "")
    found = _READ_PERM.search("\n".join(output) if isinstance(output, list) else f"{output}\n{answer.content}")
    if found is None:
        return None
    classes = frozenset(found[1].split(","))
    return frozenset(CLASSES) if "all" in classes else classes


async def calls_served(ask: Ask) -> int | None:
    """How many calls left the queues since their counters were reset; None when we may not know."""
    answer = await ask({"Action": "QueueStatus", "Member": "-"})  # of no member: the answer stays short
    if not isinstance(answer, list):
        return None
    params = [message for message in answer if message.event == "QueueParams"]
    return sum(_count(message.get(counter)) for message in params for counter in ("Completed", "Abandoned"))


def _count(value: object) -> int:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else 0


def class_of(headers: Mapping[str, str]) -> str:
    """The class by which an event came to us."""
    return headers.get("Privilege", "").partition(",")[0]


def shortcomings(findings: Findings, seen: Iterable[str], served: int) -> tuple[str, ...]:
    """What is missing, and what follows from it; `served`: queue calls that ended within our hearing."""
    return (
        *_too_old(findings),
        *_refused_actions(findings),
        *(sentence for name in CLASSES if (sentence := _silent(findings, name, frozenset(seen), served))),
    )


def _too_old(findings: Findings) -> tuple[str, ...]:
    major = _MAJOR.match(findings.asterisk)
    if major and int(major[1]) < OLDEST:
        return (f"Asterisk {findings.asterisk} is not supported: {OLDEST} or later is needed.",)
    if not findings.asterisk and _AMI_OF_OLD.match(findings.ami):
        return (f"This Asterisk (AMI {findings.ami}) is not supported: Asterisk {OLDEST} or later is needed.",)
    return ()


def _refused_actions(findings: Findings) -> Iterable[str]:
    if not findings.commands:
        yield f"The manager user {findings.username} may not list commands, so what it lacks can't be told."
        return
    if "queuestatus" not in findings.commands:
        yield "Asterisk knows no QueueStatus: app_queue is not loaded."
    if "coreshowchannels" not in findings.commands:
        yield (
            f"The manager user {findings.username} has neither write class reporting nor system: after a gap it is"
            " not seen which calls still live."
        )


def _silent(findings: Findings, name: str, seen: frozenset[str], served: int) -> str:
    if name in seen:
        return ""
    if findings.allowed is not None and name not in findings.allowed:
        return f"The manager user {findings.username} lacks read class {name}: {CLASSES[name]}."
    if name == "system":
        return f"No FullyBooted came: read class system is missing, or Asterisk is still starting: {CLASSES[name]}."
    if served <= 0:
        return ""
    cause = "read class, eventfilter or disabledevents" if findings.allowed is None else "eventfilter or disabledevents"
    return f"Queue calls ended, but no event of class {name} came ({cause}): {CLASSES[name]}."
