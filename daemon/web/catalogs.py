"""The texts for translators: `python -m daemon.web.catalogs` brings daemon/locale up to date with the sources.

It writes messages.pot and adds what is new to every language's messages.po, where a translator fills it in; with
`--check` it only says what is missing. To add a language: `mkdir -p daemon/locale/XX/LC_MESSAGES`, then run it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from daemon.language import FOLDER

HOUSE: Final = Path(__file__).parent.parent
SOURCES: Final = ("web", "outbox")
METHODS: Final = [("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2"), ("**.py", "python")]
_JINJA: Final = {"trimmed": "true", "newstyle_gettext": "true"}
OPTIONS: Final = {"**/templates/**.html": _JINJA, "**/templates/**.txt": _JINJA}
KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
POT: Final = "messages.pot"
HEADER: Final = "# Texts of workorderd's pages and mails. Brought up to date by `python -m daemon.web.catalogs`."


def extracted() -> Catalog:
    """Every text of pages and mails, in order of the sources."""
    catalog = Catalog(project="workorderd", charset="utf-8", header_comment=HEADER, fuzzy=False)
    for source in SOURCES:
        for name, line, message, comments, context in extract_from_dir(HOUSE / source, METHODS, OPTIONS, KEYWORDS):
            catalog.add(message, None, [(f"daemon/{source}/{name}", line)], auto_comments=comments, context=context)
    return catalog


def languages(folder: Path = FOLDER) -> Iterator[tuple[str, Path]]:
    """Each language's tag and catalog."""
    for path in sorted(folder.glob("*/LC_MESSAGES")):
        yield path.parent.name, path / "messages.po"


def read(path: Path, tag: str) -> Catalog:
    """A language's catalog; an empty one where there is none yet."""
    if not path.exists():
        return Catalog(locale=tag, project="workorderd", charset="utf-8", header_comment=HEADER, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=tag)


def untranslated(catalog: Catalog, source: Catalog) -> list[str]:
    """Texts of the sources that a language lacks, or that are only guessed (fuzzy)."""
    missing = []
    for message in source:
        if not message.id:
            continue
        there = catalog.get(message.id, message.context)
        texts = (there.string if isinstance(there.string, tuple | list) else [there.string]) if there else []
        if not texts or not all(texts) or (there and there.fuzzy):
            missing.append(str(message.id))
    return missing


def main(arguments: list[str]) -> int:
    """Update the catalogs, or with --check compare them; 1: something is missing."""
    source, missing = extracted(), 0
    if "--check" not in arguments:
        _write(FOLDER / POT, source)
    for tag, path in languages():
        catalog = read(path, tag)
        if "--check" not in arguments:
            catalog.update(source, no_fuzzy_matching=True)
            _write(path, catalog)
        lacking = untranslated(catalog, source)
        missing += len(lacking)
        sys.stderr.writelines(f"{tag}: {text}\n" for text in lacking)
    return 1 if missing else 0


def _write(path: Path, catalog: Catalog) -> None:
    written = BytesIO()
    write_po(written, catalog, width=120, ignore_obsolete=True, omit_header=False, include_lineno=False)
    lines = [line for line in written.getvalue().decode().splitlines() if not line.startswith(_IDLE)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


_IDLE: Final = (
    '"POT-Creation-Date',
    '"PO-Revision-Date',
    '"Last-Translator',
    '"Language-Team',
    '"Report-Msgid',
    '"Project-Id',
    '"Generated-By',
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
