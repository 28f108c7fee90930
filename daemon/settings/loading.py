"""The folder of the configuration, read and checked as a whole: every problem of every file at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import unquote

from daemon.errors import ConfigError, Problem
from daemon.settings import links, rules
from daemon.settings.models import CallResults, Main, Model, Queues, Settings, Teams, Template
from daemon.settings.names import Files, names, refuse_twins
from daemon.settings.reading import Part, Reading, read
from daemon.settings.secrets import Keeper
from daemon.settings.values import validate
from daemon.settings.words import suggestion

FILES: dict[str, type[Model]] = {
    "workorderd.yaml": Main,
    "teams.yaml": Teams,
    "queues.yaml": Queues,
    "call_results.yaml": CallResults,
}
OPTIONAL = frozenset({"queues.yaml", "call_results.yaml"})
TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found, in the order of files and lines; there are settings exactly where there are no problems."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    settings: Settings | None
    templates: tuple[Part, ...] = ()


def load(folder: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a folder. Raises ConfigError with every problem; warnings are `check`'s.

    `environ` is where `{env: NAME}` and $CREDENTIALS_DIRECTORY are looked up, by default the process's own.
    """
    report = check(folder, environ)
    if report.settings is None:
        raise ConfigError(report.problems)
    return report.settings


def check(folder: Path, environ: Mapping[str, str] | None = None) -> Report:
    """Everything that is wrong with a folder, and its settings when nothing is. Raises nothing for what files say."""
    keeper = Keeper(folder.absolute(), os.environ if environ is None else environ)
    readings = [_read(folder / name, model, keeper) for name, model in FILES.items()]
    strangers, paths = _listed(folder)
    templates = [read(path, Template, keeper) for path in paths]
    models = [validate(reading) for reading in (*readings, *templates)]
    _compare(readings, templates)
    everything = [*readings, *templates]
    problems = tuple(each for reading in everything for each in _in_order(reading.problems))
    warnings = (*(each for reading in everything for each in _in_order(reading.warnings)), *strangers)
    parts = tuple(Part(template) for template in templates)
    return Report(problems, warnings, None if problems else _settings(models), parts)


def database_path(url: str, folder: Path) -> Path | None:
    """The file of an SQLite URL; None for a database that is no file.

    A relative one, `sqlite:///var/x.sqlite`, is taken from the folder that holds the configuration's folder: data
    stands beside config/, not in it. An absolute one has four slashes: `sqlite:////var/lib/workorderd/x.sqlite`.
    """
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] != "sqlite":
        return None
    return folder.absolute().parent / unquote(rest.partition("?")[0].removeprefix("/"))


def attachments_folder(main: Main, folder: Path) -> Path:
    """Where files that people add to orders are kept: as configured, else `attachments` where data stands.

    That is beside the SQLite file, or with PostgreSQL `var` beside the configuration's folder.
    """
    if main.attachments.folder is not None:
        return main.attachments.folder.absolute()
    file = database_path(main.database.url.get_secret_value(), folder)
    return (file.parent if file else folder.absolute().parent / "var") / "attachments"


def _read(path: Path, model: type[Model], keeper: Keeper) -> Reading:
    if path.name in OPTIONAL and not os.path.exists(path):
        return Reading(str(path), model, data={})
    return read(path, model, keeper)


def _listed(folder: Path) -> tuple[list[Problem], list[Path]]:
    """The files of templates, and a warning for each file that looks as if it were meant to be read."""
    strangers = []
    try:
        found = sorted(path for path in (folder / TEMPLATES).iterdir() if not path.name.startswith("."))
    except OSError:
        found = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        if path.name not in FILES:
            near = suggestion(path.name, list(FILES)) or f"; allowed: {', '.join(FILES)}"
            strangers.append(Problem(str(path), 1, 1, f"this file is not read{near}"))
    for path in found:
        if path.suffix != ".yaml":
            strangers.append(Problem(str(path), 1, 1, "this file is not read; names that end in .yaml are"))
    return strangers, [path for path in found if path.suffix == ".yaml"]


def _compare(readings: list[Reading], templates: list[Reading]) -> None:
    main, teams, queues, call_results = (Part(reading) for reading in readings)
    files = Files(main, teams, queues, call_results, tuple(Part(template) for template in templates))
    defined = names(files)
    refuse_twins(files)
    links.follow(files, defined)
    rules.apply(files)


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(set(problems))


def _settings(models: list[Model | None]) -> Settings:
    main, teams, queues, call_results, *templates = models
    return Settings(
        main=cast(Main, main),
        teams=cast(Teams, teams),
        queues=cast(Queues, queues),
        call_results=cast(CallResults, call_results),
        templates=tuple(cast(Template, template) for template in templates),
    )
