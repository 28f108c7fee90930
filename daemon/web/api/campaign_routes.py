"""The campaigns' part of the table of operations."""

from __future__ import annotations

from typing import Final

from daemon.web.api.campaign_models import (
    Campaign,
    CampaignEntry,
    Campaigns,
    EntriesAdded,
    EntryResult,
    EntryResultGiven,
    NewEntries,
    NextCaller,
    NextEntry,
)
from daemon.web.api.campaigns import (
    add_entries,
    give_entry_result,
    give_next,
    list_campaigns,
    show_campaign,
    show_entry,
)
from daemon.web.api.models import Nothing
from daemon.web.api.operation import AnyOperation, Operation

CAMPAIGNS: Final = "campaigns"
READ: Final = "campaigns:read"
WRITE: Final = "campaigns:write"

CAMPAIGN_OPERATIONS: Final[tuple[AnyOperation, ...]] = (
    Operation(
        "GET", "/campaigns", "List campaigns", CAMPAIGNS, list_campaigns, Campaigns, Nothing, Nothing, scope=READ
    ),
    Operation(
        "GET",
        "/campaigns/{id}",
        "One campaign, and how far it is",
        CAMPAIGNS,
        show_campaign,
        Campaign,
        Nothing,
        Nothing,
        scope=READ,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/campaigns/{id}/entries",
        "Add to its list; what is there already is not added again",
        CAMPAIGNS,
        add_entries,
        EntriesAdded,
        Nothing,
        NewEntries,
        scope=WRITE,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/campaigns/{id}/next",
        "Take the entry that is called next; who has one gets that again",
        CAMPAIGNS,
        give_next,
        NextEntry,
        Nothing,
        NextCaller,
        scope=WRITE,
        problems=(404, 409),
    ),
    Operation(
        "GET",
        "/campaign-entries/{id}",
        "One entry",
        CAMPAIGNS,
        show_entry,
        CampaignEntry,
        Nothing,
        Nothing,
        scope=READ,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/campaign-entries/{id}/result",
        "Say what the call came to; another result replaces it for a while",
        CAMPAIGNS,
        give_entry_result,
        EntryResultGiven,
        Nothing,
        EntryResult,
        scope=WRITE,
        problems=(404, 409),
        idempotent=True,
    ),
)
