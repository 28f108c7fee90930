"""What the API takes and gives about customers. Limits and rules are those of `orders.customer`, told here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from daemon.orders.customer import LONGEST, LONGEST_NUMBER, MOST_NUMBERS
from daemon.web.api.models import Asking, Giving, Limit

Kind = Literal["individual", "enterprise"]

_IN_LINE = r"[^\u0000-\u001f\u007f-\u009f]"
_VISIBLE = r"[^\u0000-\u001f\u007f-\u009f\s]"
_LINE = rf"^{_IN_LINE}*{_VISIBLE}{_IN_LINE}*$"
_LINES = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"
_NUMBER = rf"^{_IN_LINE}*[0-9]{_IN_LINE}*$"

Name = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST["name"], "pattern": _LINE})]
CustomerReference = Annotated[
    str,
    Field(pattern=r"\S", json_schema_extra={"minLength": 1, "maxLength": LONGEST["reference"], "pattern": _LINE}),
]
Email = Annotated[
    str, Field(pattern=r"\S", json_schema_extra={"format": "email", "maxLength": LONGEST["email"], "pattern": _LINE})
]
AddressText = Annotated[str, Field(json_schema_extra={"maxLength": LONGEST["address"], "pattern": _LINES})]
NoteText = Annotated[str, Field(json_schema_extra={"maxLength": LONGEST["note"], "pattern": _LINES})]
Phone = Annotated[str, Field(json_schema_extra={"maxLength": LONGEST_NUMBER, "pattern": _NUMBER})]
Phones = Annotated[
    tuple[Phone, ...], Field(json_schema_extra={"maxItems": MOST_NUMBERS}, description="as anybody writes them")
]
NameCursor = Annotated[
    str,
    Field(description="`next` of the page before; nobody else's business", json_schema_extra={"format": "name-cursor"}),
]


class CustomersQuery(Asking):
    """Which customers; by name."""

    name: Annotated[str, Field(max_length=200)] = Field("", description="how the name begins, in any case")
    number: Annotated[Phone, Field(max_length=LONGEST_NUMBER)] | None = Field(
        None, description="who may be calling from it: equal E.164, else equal last digits"
    )
    cursor: NameCursor | None = None
    limit: Limit = 50


class NewCustomer(Asking):
    """Somebody for whom work is done. Numbers are read with the dialling habits of the team's region."""

    kind: Kind = "individual"
    name: Name
    reference: CustomerReference | None = Field(None, description="what another system calls him; unique in the team")
    email: Email | None = None
    address: AddressText = ""
    note: NoteText = ""
    numbers: Phones = ()


class CustomerChange(Asking):
    """What is to be different; what is not given stays, null takes it away."""

    kind: Kind | None = Field(None, description="null: it stays")
    name: Name | None = Field(None, description="null: it stays")
    reference: CustomerReference | None = None
    email: Email | None = None
    address: AddressText | None = None
    note: NoteText | None = None
    add_numbers: Phones = ()
    remove_numbers: Phones = ()


class ImportQuery(Asking):
    """How the file is to be read."""

    kind: Kind = Field("individual", description="of customers whose line does not say")
    name: Annotated[str, Field(max_length=255)] = Field("", description="the file's name, for people")


class CustomerNumber(Giving):
    """A phone number as it was given, and as the world writes it, where it is one."""

    number: str
    e164: str | None


class Customer(Giving):
    """Somebody for whom work is done."""

    id: int
    team_id: int
    kind: Kind
    reference: str | None
    name: str
    email: str | None
    address: str
    note: str
    numbers: tuple[CustomerNumber, ...]
    created_at: datetime
    version: int


class Customers(Giving):
    """A page of customers; `next` null: the last page."""

    items: tuple[Customer, ...]
    next: str | None


class ImportFault(Giving):
    """What is wrong at a line, counted from 1; `column` as the file calls it, empty: the line as a whole."""

    line: int
    column: str
    what: str


class CustomerImport(Giving):
    """A file on its way in: all of its lines, or none."""

    id: int
    team_id: int
    name: str
    state: Literal["running", "done", "refused", "interrupted"] = Field(
        description="`refused`: lines are wrong; `interrupted`: workorderd stopped; nothing was written then"
    )
    lines: int = Field(description="of the file")
    seen: int = Field(description="lines looked at so far")
    created: int
    updated: int = Field(description="customers who were there, and are different now")
    error_count: int
    errors: tuple[ImportFault, ...] = Field(description="the first thousand")
    began_by: str
    began_at: datetime
    ended_at: datetime | None
