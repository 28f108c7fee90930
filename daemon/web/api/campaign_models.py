"""What the API says of campaigns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from daemon.orders.results import LONGEST_NOTE
from daemon.web.api.models import TEXT, Asking, Giving, Moment, RowId, is_text

Note = Annotated[str, Field(max_length=LONGEST_NOTE, json_schema_extra=TEXT), AfterValidator(is_text)]
Number = Annotated[str, Field(min_length=1, max_length=80, json_schema_extra=TEXT), AfterValidator(is_text)]
WHOSE = "who calls; default: you. A system names the agent"


class EntryCounts(Giving):
    """How many entries stand where."""

    waiting: int = Field(description="never called yet")
    taken: int = Field(description="an agent has them")
    tried: int = Field(description="to be called again, at `next_at`")
    done: int
    unreachable: int = Field(description="tried as often as the campaign tries")
    withdrawn: int


class Campaign(Giving):
    """A campaign and how far it is. `results`: what its calls may come to."""

    id: int
    team_id: int
    name: str
    label: str
    groups: tuple[int, ...]
    results: tuple[str, ...]
    open: bool = Field(description="whether numbers are given out at this time")
    entries: EntryCounts


class Campaigns(Giving):
    """The campaigns that you see."""

    items: tuple[Campaign, ...]


class CampaignEntry(Giving):
    """A number that a campaign calls."""

    id: int
    campaign_id: int
    state: Literal["waiting", "taken", "tried", "done", "unreachable", "withdrawn"]
    number: str = Field(description="E.164 where it is one")
    customer_id: int | None
    note: str
    attempts: int
    last_result: str = Field(description='"" before the first')
    next_at: datetime | None = Field(description="when it is called again, not before")
    for_agent: int | None = Field(description="who alone calls it; null: anyone")
    agent: int | None = Field(description="who took it last")
    taken_at: datetime | None


class NewEntries(Asking):
    """Who is to be called: numbers, customers, or all customers of the campaign's kind."""

    numbers: Annotated[tuple[Number, ...], Field(max_length=20_000)] = ()
    customers: Annotated[tuple[RowId, ...], Field(max_length=20_000)] = ()
    everyone: bool = Field(False, description="all customers of the campaign's kind, by the first number of each")
    name: Annotated[str, Field(max_length=200, json_schema_extra=TEXT), AfterValidator(is_text)] = Field(
        "", description="of `everyone`: only those whose names begin so"
    )
    since: Moment | None = Field(None, description="of `everyone`: only those who became known since")
    note: Note = Field("", description="shown to who calls")
    agent: RowId | None = Field(None, description="who alone calls them; default: anyone")


class EntriesAdded(Giving):
    """What was added. `unreadable`: numbers that can't be called, customers without one; `examples` of them."""

    added: int
    known: int = Field(description="they were in the list already")
    unreadable: int
    examples: tuple[str, ...]


class NextCaller(Asking):
    """Who calls next."""

    agent: RowId | None = Field(None, description=WHOSE)


class NextEntry(Giving):
    """The entry that is the agent's from now on; null: nobody is to be called now."""

    entry: CampaignEntry | None


class EntryResult(Asking):
    """What a call of a campaign came to."""

    result: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        description="one of the campaign's results; not_reached is always one"
    )
    note: Note = ""
    callback_at: Moment | None = Field(None, description="when the customer is to be called again")
    callback_for: Literal["me", "anyone"] | None = Field(None, description="default, with a time: me")
    agent: RowId | None = Field(None, description=WHOSE)


class EntryResultGiven(Giving):
    """What stands. `template_id`: the order to be made by the link; null: there is none to make."""

    entry: CampaignEntry
    result: str
    work_order_id: int | None
    template_id: int | None
    changed: bool = Field(description="false: the same was given before")
