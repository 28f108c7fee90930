"""Asterisk's side: the files of dialplan/, filled in from the configuration for one PBX."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from daemon.errors import StartError
from daemon.settings.models import Agi, Main, Pbx

EXTENSIONS: Final = "extensions_workorderd.conf"
MANAGER: Final = "manager_workorderd.conf"
FILES: Final = (EXTENSIONS, MANAGER)
FILTERS: Final[Mapping[str, str]] = {"old": "filters_13.conf", "new": "filters_22.conf"}
_HERE: Final = Path(__file__).parent
_FOLDERS: Final = (_HERE.parent / "dialplan", _HERE / "shipped" / "dialplan")  # a checkout, a wheel
_HOLDING: Final = frozenset(";\r\n\0")

Syntax = Literal["old", "new"]


def filled(main: Main, pbx: Pbx, syntax: Syntax = "old") -> Mapping[str, str]:
    """The text of each file for this PBX. Raises StartError for a word that an Asterisk file can't hold.

    `syntax`: `old` filters are understood by Asterisk 13 and later, `new` ones by 22 and later, at less cost.
    """
    agi = main.agi or Agi()
    secret = agi.secret.get_secret_value() if agi.secret else ""
    words = {
        "AGI": f"[{agi.host}]:{agi.port}" if ":" in agi.host else f"{agi.host}:{agi.port}",
        "PBX": pbx.name,
        "SECRET": f",{secret}" if secret else "",
        "AMI_USER": pbx.username,
        "AMI_SECRET": pbx.secret.get_secret_value(),
    }
    for name, word in words.items():
        if _HOLDING & set(word) or (name == "SECRET" and set(word[1:]) & set(',()${}"')):
            message = f"{name}: an Asterisk file can't hold this; choose another word"
            raise StartError(message)
    words["FILTERS"] = _read(FILTERS[syntax]).rstrip()
    return {name: _fill(_read(name), words) for name in FILES}


def write(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write them, readable for the owner alone: they hold secrets. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        path, new = folder / name, folder / f".{name}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(path)
        written.append(path)
    return written


def _fill(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text


def _read(name: str) -> str:
    path = next((folder / name for folder in _FOLDERS if (folder / name).exists()), None)
    if path is None:
        message = f"{name} is missing from this installation"
        raise StartError(message)
    return path.read_text("utf-8")
