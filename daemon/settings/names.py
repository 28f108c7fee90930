"""Every name that the configuration defines, whose it is, and which of them are defined twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from daemon.settings.reading import Part
from daemon.settings.words import shown


@dataclass(frozen=True, slots=True)
class Files:
    """The files as parts; templates in the order of their file names."""

    main: Part
    teams: Part
    queues: Part
    call_results: Part
    templates: tuple[Part, ...]

    def all(self) -> tuple[Part, ...]:
        """Every file."""
        return (self.main, self.teams, self.queues, self.call_results, *self.templates)


@dataclass
class Names:
    """Kind -> name -> the teams it belongs to ("" where it belongs to none); `unknown`: kinds no one can tell."""

    owners: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def define(self, kind: str, name: str, team: str = "") -> None:
        """This name exists."""
        if name:
            self.owners.setdefault(kind, {}).setdefault(name, set()).add(team)

    def of(self, kind: str) -> dict[str, set[str]]:
        """The names of a kind, each with its teams."""
        return self.owners.get(kind, {})

    def team_of(self, kind: str, name: str) -> str:
        """The one team of a template or module; "" when nobody knows."""
        teams = self.of(kind).get(name, set())
        return next(iter(teams)) if len(teams) == 1 else ""


def names(files: Files) -> Names:
    """What is defined. Kinds whose file cannot be read are unknown: nothing can be said about references to them."""
    found = Names()
    _unreadable(files, found)
    for pbx in files.main.parts("pbxs"):
        found.define("pbx", pbx.text("name"))
    for team in files.teams.parts("teams"):
        found.define("team", team.text("name"))
        for group in team.parts("groups"):
            found.define("group", group.text("name"), team.text("name"))
        for agent in team.parts("agents"):
            found.define("agent", agent.text("number"), team.text("name"))
    for calendar in files.queues.parts("calendars"):
        found.define("calendar", calendar.text("name"))
    for module in files.queues.parts("modules"):
        found.define("module", module.text("name"), module.text("team"))
    for template in files.templates:
        found.define("template", template.text("name"), template.text("team"))
    return found


def _unreadable(files: Files, found: Names) -> None:
    if not files.main.reading.readable:
        found.unknown.add("pbx")
    if not files.teams.reading.readable:
        found.unknown |= {"team", "group", "agent"}
    if not files.queues.reading.readable:
        found.unknown |= {"calendar", "module"}
    if not all(template.reading.readable for template in files.templates):
        found.unknown.add("template")


def refuse_twins(files: Files) -> None:
    """Whatever must be there once and is there twice, said at the second place."""
    teams = list(files.teams.parts("teams"))
    _once(files.main.parts("pbxs"), "name", "a PBX")
    _once(files.main.at("webhooks").parts("endpoints"), "name", "an endpoint of webhooks")
    _once(files.main.at("webhooks").parts("sources"), "name", "a source of webhooks")
    _once(teams, "name", "a team")
    for team in teams:
        _once(team.parts("groups"), "name", "a group of this team")
        _once(team.parts("agents"), "number", "an agent of this team")
        for key in ("interfaces", "member_names"):
            _once_in_lists(team.parts("agents"), key)
    people = [*files.teams.parts("system_admins")]
    for team in teams:
        people += [*team.parts("admins"), *team.parts("agents")]
    _once(people, "username", "somebody in the whole system")
    _once(files.queues.parts("calendars"), "name", "a calendar")
    _once(files.queues.parts("modules"), "name", "a module")
    _queues_once(files.queues)
    _once(files.call_results.parts("call_results"), "module", "a list of call results")
    for results in files.call_results.parts("call_results"):
        _once(results.parts("results"), "id", "a result of this module")
    _once(files.templates, "name", "a template")
    _once(files.templates, "id", "a template")
    for template in files.templates:
        _once(template.parts("fields"), "identity", "a field of this template")


def _once(parts: Iterable[Part], key: str, whose: str) -> None:
    seen: dict[str, Part] = {}
    for part in parts:
        value = part.at(key).value
        if isinstance(value, (str, int)) and value != "":
            first = seen.setdefault(str(value).casefold(), part)
            if first is not part:
                part.at(key).refuse(f"{key}: {shown(value)} is already that of {whose} ({_where(first, key)})")


def _once_in_lists(parts: Iterable[Part], key: str) -> None:
    seen: dict[str, Part] = {}
    for part in parts:
        for entry in part.parts(key):
            if isinstance(entry.value, str):
                first = seen.setdefault(entry.value.casefold(), part)
                if first is not part:
                    entry.refuse(f"{key}: {shown(entry.value)} already belongs to another agent ({_where(first, key)})")


def _queues_once(queues: Part) -> None:
    seen: dict[tuple[str, str], Part] = {}
    for queue in queues.parts("queues"):
        name, pbx = queue.text("name"), queue.text("pbx")
        first = seen.setdefault((pbx, name.casefold()), queue)
        if name and first is not queue:
            where = f"on the PBX {shown(pbx)}" if pbx else "on every PBX"
            queue.at("name").refuse(f"name: {shown(name)} {where} is already a queue ({_where(first, 'name')})")


def _where(part: Part, key: str) -> str:
    line, _ = part.reading.places.get(part.at(key).loc, (1, 1))
    return f"{part.reading.file}:{line}"
