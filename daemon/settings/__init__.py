"""The configuration: the YAML of config/, read and checked as a whole.

    source   a file as nodes with their places; hostile files are refused
    shape    what the models expect at each place, for reading
    secrets  {env: NAME} and {file: PATH}
    reading  nodes -> plain data with places; unknown and duplicate keys
    values   plain data -> models; pydantic's findings in words
    names    what is defined, and what is defined twice
    links    references, and none across teams
    rules    rules between keys
    loading  all of it: `load` and `check`
    reload   what needs a restart
    schema   JSON Schema for editors, docs/configuration.md for people

`models` is the contract, `words` the kinds of text in it, `codes` the regions and languages.
Needs pydantic and PyYAML only.
"""

from daemon.errors import ConfigError, Problem
from daemon.settings.loading import Report, attachments_folder, check, database_path, load
from daemon.settings.models import Settings
from daemon.settings.reload import difference

__all__ = [
    "ConfigError",
    "Problem",
    "Report",
    "Settings",
    "attachments_folder",
    "check",
    "database_path",
    "difference",
    "load",
]
