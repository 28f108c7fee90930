"""Who may be a customer: what he is called, how he is reached, and by what he is known again.

An individual or an enterprise has a name and any number of phone numbers. `reference` is what another system calls
him; it is unique in his team. Who has none is known by his name and his first number: his *twin key*.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

from daemon.errors import Fault, InvalidError
from daemon.orders.number import Number, read_number

Kind = Literal["individual", "enterprise"]

KINDS: Final[tuple[Kind, ...]] = ("individual", "enterprise")
LONGEST: Final = {"reference": 80, "name": 200, "email": 254, "address": 1000, "note": 2000}
"""In characters."""
LONGEST_NUMBER: Final = 80
MOST_NUMBERS: Final = 100
"""Of one request or one line of a file."""
SEVERAL_LINES: Final = frozenset({"address", "note"})

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_LINES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_ADDRESS: Final = re.compile(r'[\s\x00-\x1f\x7f-\x9f"<>()\[\],;:\\]')
_LABEL: Final = re.compile(r"[^\W_]([\w-]{0,61}[^\W_])?")


@dataclass(frozen=True, slots=True)
class Dialling:
    """How a team reads numbers: its ISO country, and how many last digits tell who calls."""

    region: str
    last_digits: int = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """A customer as somebody wrote him, unchecked."""

    name: str
    kind: str = "individual"
    reference: str = ""
    email: str = ""
    address: str = ""
    note: str = ""
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as he may be stored. Numbers differ from each other by `Number.key`."""

    kind: Kind
    name: str
    reference: str | None
    email: str | None
    address: str
    note: str
    numbers: tuple[Number, ...]

    @property
    def twin(self) -> str:
        """What is equal for customers who are taken for one where no reference tells."""
        return twin_key(self.name, self.numbers[0].key if self.numbers else None)


def read_customer(draft: Draft, dialling: Dialling) -> Customer:
    """The customer that a draft means. Raises InvalidError with everything that is wrong, places as JSON pointers."""
    faults: list[Fault] = []
    texts = {}
    for field in LONGEST:
        texts[field], found = _read_text(field, getattr(draft, field))
        faults += found
    kind = read_kind(draft.kind)
    if kind is None:
        faults.append(Fault("/kind", f"{_shown(draft.kind)} is no kind: {' or '.join(KINDS)}", "option"))
    numbers, found = _read_numbers(draft.numbers, dialling, "/numbers")
    faults += found
    if faults or kind is None:
        raise InvalidError(faults)
    return Customer(
        kind,
        texts["name"],
        texts["reference"] or None,
        texts["email"] or None,
        texts["address"],
        texts["note"],
        numbers,
    )


def read_text(field: str, text: str) -> str:
    """One text of a customer, such as his name, as it may be stored. Raises InvalidError."""
    clean, faults = _read_text(field, text)
    if faults:
        raise InvalidError(faults)
    return clean


def read_numbers(raw: Sequence[str], dialling: Dialling, where: str = "/numbers") -> tuple[Number, ...]:
    """Phone numbers that differ from each other. Raises InvalidError, places as pointers below `where`."""
    numbers, faults = _read_numbers(raw, dialling, where)
    if faults:
        raise InvalidError(faults)
    return numbers


def read_kind(text: str) -> Kind | None:
    """The kind of this name, in any case; None where there is none."""
    folded = text.strip().casefold()
    return next((kind for kind in KINDS if kind == folded), None)


def fold_name(name: str) -> str:
    """A name as lists are ordered and searched by it: without case, width and double blanks; 200 characters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[: LONGEST["name"]]


def twin_key(name: str, first_number: str | None) -> str:
    """32 hex digits of the folded name and the key of the first number (`Number.key`), None: he has no number."""
    return blake2b(f"{fold_name(name)}\n{first_number or ''}".encode(), digest_size=16).hexdigest()


def _read_text(field: str, text: str) -> tuple[str, list[Fault]]:
    clean = text.strip()
    if not clean:
        return "", [Fault(f"/{field}", "is missing", "required")] if field == "name" else []
    return clean, list(_text_faults(field, clean))


def _text_faults(field: str, text: str) -> Iterator[Fault]:
    where, longest = f"/{field}", LONGEST[field]
    if len(text) > longest:
        yield Fault(where, f"is too long: {len(text)} characters, at most {longest} are allowed", "too_long")
        return
    control = (_CONTROL_IN_LINES if field in SEVERAL_LINES else _CONTROL).search(text.replace("\r\n", "\n"))
    if control:
        yield Fault(where, f"has a control character, U+{ord(control[0]):04X}", "control_character")
    elif field == "email" and not is_email(text):
        yield Fault(where, f"{_shown(text)} is no e-mail address", "email")


def is_email(text: str) -> bool:
    """Whether a mail server could take it: one mailbox, no display name, no quoting; letters of any script."""
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    if not at or not 1 <= len(local) <= 64 or len(labels) < 2 or "@" in local or _NOT_IN_ADDRESS.search(text):
        return False
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    return all(_LABEL.fullmatch(label) for label in labels)


def _read_numbers(raw: Sequence[str], dialling: Dialling, where: str) -> tuple[tuple[Number, ...], list[Fault]]:
    if len(raw) > MOST_NUMBERS:
        return (), [Fault(where, f"{len(raw)} numbers, at most {MOST_NUMBERS} at once are allowed", "too_many")]
    numbers: dict[str, Number] = {}
    faults = []
    for n, text in enumerate(raw):
        found = _read_number(text.strip(), dialling)
        if isinstance(found, Number) and found.key in numbers:
            found = (f"{_shown(text)} is there twice", "number_twice")
        if isinstance(found, Number):
            numbers[found.key or ""] = found
        else:
            faults.append(Fault(f"{where}/{n}", *found))
    return tuple(numbers.values()), faults


def _read_number(text: str, dialling: Dialling) -> Number | tuple[str, str]:
    """The number, or what is wrong with it and by which rule."""
    if len(text) > LONGEST_NUMBER:
        return f"is too long: {len(text)} characters, at most {LONGEST_NUMBER} are allowed", "too_long"
    control = _CONTROL.search(text)
    if control:
        return f"has a control character, U+{ord(control[0]):04X}", "control_character"
    number = read_number(text, dialling.region, dialling.last_digits)
    if number.hidden:
        return f"{_shown(text)} has no digits that could be dialled", "number"
    return number


def _shown(text: str) -> str:
    """Text of a stranger in a message: short, and without control characters."""
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return f"'{shown[:40]}…'" if len(shown) > 40 else f"'{shown}'"
