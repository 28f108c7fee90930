"""Secrets: written in the files as `{env: NAME}` or `{file: PATH}`, and which of them may stand there literally.

A relative PATH is looked for in $CREDENTIALS_DIRECTORY first (systemd's LoadCredential=, see systemd.exec(5)), then
in the folder of the configuration. One line break at the end of a file is no part of the secret. What a secret says
is never part of a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from webhooks.hook import key_of

LONGEST = 65_536
SHORTEST_KEY = 32
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_ARGON2 = re.compile(r"\$argon2(?:id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_DATABASE = re.compile(r"(sqlite|postgresql)(\+[a-z0-9]+)?://.+", re.DOTALL)
_FORM = "{env: NAME} or {file: PATH} is allowed"


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a field that holds a secret, and says what may stand in the file itself."""

    literal: Literal["never", "hash", "url"] = "never"

    def refusal(self, text: str) -> str | None:
        """Why this text may not stand in the file, or None; the text is not part of the answer."""
        if self.literal == "never":
            return f"a secret never stands in the file itself; {_FORM}"
        if not text:
            return f"is empty; {_FORM}, or no such key"
        if self.literal == "url" and has_password(text):
            return f"an address with a password never stands in the file itself; {_FORM}"
        return None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """For editors: the two forms, and the literal where it is allowed."""
        forms: list[JsonSchemaValue] = [
            {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}
            for key, value in (
                ("env", {"type": "string", "pattern": _NAME}),
                ("file", {"type": "string", "minLength": 1}),
            )
        ]
        literal: dict[str, list[JsonSchemaValue]] = {
            "never": [],
            "hash": [{"type": "string", "pattern": r"^\$argon2"}],
            "url": [{"type": "string", "pattern": "^(sqlite|postgresql)"}],
        }
        return {"anyOf": [*literal[self.literal], *forms]}


NEVER = Secret()


def _is_argon2(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value() and not _ARGON2.fullmatch(secret.get_secret_value()):
        message = "is no argon2 hash; what `workorderd hash-password` prints is allowed"
        raise ValueError(message)
    return secret


def _is_database(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value() and not _DATABASE.fullmatch(secret.get_secret_value()):
        message = "is no database; sqlite:///PATH or postgresql://USER@HOST/NAME is allowed"
        raise ValueError(message)
    return secret


def _is_signing_key(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < SHORTEST_KEY:
        message = f"is too short to sign with; {SHORTEST_KEY} characters or more are allowed"
        raise ValueError(message)
    return secret


def _is_hook_secret(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value():
        try:
            key_of(secret.get_secret_value())
        except ValueError as error:
            message = f"is no such secret; {error}"
            raise ValueError(message) from None
    return secret


def has_password(url: str) -> bool:
    """Whether a database URL carries a password, before the @ or as a parameter."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    account = authority.rpartition("@")[0]
    return ":" in account or re.search(r"[?&]pass", url, re.IGNORECASE) is not None


Hidden = Annotated[SecretStr, Secret()]
SigningKey = Annotated[SecretStr, AfterValidator(_is_signing_key), Secret()]
HookSecret = Annotated[SecretStr, AfterValidator(_is_hook_secret), Secret()]
PasswordHash = Annotated[SecretStr, AfterValidator(_is_argon2), Secret("hash")]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_is_database), Secret("url")]


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference led to: the secret, or why there is none; and a warning about how it is kept."""

    value: str | None = None
    problem: str | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Keeper:
    """Where secrets are kept: the environment, systemd's credentials and the folder of the configuration."""

    folder: Path
    environ: Mapping[str, str]

    def find(self, form: Mapping[str, object]) -> Found:
        """Follow `{env: NAME}` or `{file: PATH}`; anything else is a problem."""
        match list(form.items()):
            case [("env", str(name))]:
                return self._in_environment(name)
            case [("file", str(name))] if name:
                return self._in_file(name)
        return Found(problem=f"is no reference to a secret; {_FORM}")

    def _in_environment(self, name: str) -> Found:
        if not re.match(_NAME, name):
            return Found(problem="is no environment variable; letters, digits and _ are allowed in its name")
        if name not in self.environ:
            return Found(problem=f"the environment variable {name} is not set; set it, or write {{file: PATH}}")
        return _usable(self.environ[name], f"the environment variable {name}")

    def _in_file(self, name: str) -> Found:
        try:
            path = self._path(name)
            if not path.is_file():
                return Found(problem=f"there is no file {str(path)!r}; a file that holds the secret is allowed")
            with path.open("rb") as file:
                raw, mode = file.read(LONGEST + 1), path.stat().st_mode
            text = raw.decode("utf-8")
        except UnicodeError:
            return Found(problem=f"the file {name!r} is not UTF-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "is no path"
            return Found(problem=f"the file {name!r} cannot be read: {reason}")
        found = _usable(text.removesuffix("\n").removesuffix("\r"), f"the file {str(path)!r}")
        open_to_all = f"anybody on this machine can read {str(path)!r}; chmod o-r keeps it secret"
        return Found(found.value, found.problem, open_to_all if mode & 0o004 else None)

    def _path(self, name: str) -> Path:
        credentials = self.environ.get("CREDENTIALS_DIRECTORY")
        if credentials and not Path(name).is_absolute() and (Path(credentials) / name).is_file():
            return Path(credentials) / name
        return self.folder / name


def _usable(text: str, source: str) -> Found:
    if not text:
        return Found(problem=f"{source} is empty; a secret is wanted")
    if len(text) > LONGEST:
        return Found(problem=f"{source} is too long; at most {LONGEST} bytes are allowed")
    if _CONTROLS.search(text):
        return Found(problem=f"{source} has line breaks or control characters; one line is allowed")
    return Found(text)
