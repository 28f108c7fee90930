from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.orders import campaign
from daemon.orders.campaign import NOT_REACHED, TRANSITIONS, CallingTerms, Deed, Entry, EntryError, State
from daemon.orders.hours import Hours, Opening
from daemon.orders.results import Choice, Result
from tests.builders import NOON

ANNA, BEN = 1, 2
TERMS = CallingTerms(attempts=2, retry=timedelta(hours=1))
HOUR = timedelta(hours=1)


def said(result: str, callback_at: datetime | None = None, *, for_me: bool = True) -> Choice:
    return Choice(result, "", callback_at, None if callback_at is None else "me" if for_me else "anyone")


def taken() -> Entry:
    return campaign.take(Entry(), ANNA, NOON)


def test_a_result_that_is_no_callback_is_the_end() -> None:
    done = campaign.say(taken(), ANNA, said("sale"), TERMS, NOON)
    assert done == Entry(State.DONE, attempts=1, agent=ANNA, last_result="sale")


def test_who_is_not_reached_is_tried_again_until_it_is_enough() -> None:
    first = campaign.say(taken(), ANNA, said(NOT_REACHED), TERMS, NOON)
    assert (first.state, first.attempts, first.next_at) == (State.TRIED, 1, NOON + HOUR)
    assert not campaign.is_due(first, BEN, NOON)
    again = campaign.take(first, BEN, NOON + HOUR)
    second = campaign.say(again, BEN, said(NOT_REACHED), TERMS, NOON + HOUR)
    assert (second.state, second.attempts, second.next_at) == (State.UNREACHABLE, 2, None)


def test_a_callback_waits_for_whom_it_was_agreed_with() -> None:
    mine = campaign.say(taken(), ANNA, said("later", NOON + HOUR), TERMS, NOON)
    assert (mine.state, mine.for_agent) == (State.TRIED, ANNA)
    assert campaign.is_due(mine, ANNA, NOON + HOUR)
    assert not campaign.is_due(mine, BEN, NOON + HOUR)
    with pytest.raises(EntryError):
        campaign.take(mine, BEN, NOON + HOUR)
    anyones = campaign.say(taken(), ANNA, said("later", NOON + HOUR, for_me=False), TERMS, NOON)
    assert campaign.is_due(anyones, BEN, NOON + HOUR)


def test_a_callback_never_makes_a_number_unreachable() -> None:
    entry = replace(taken(), attempts=7)
    after = campaign.say(entry, ANNA, said("later", NOON + HOUR), TERMS, NOON)
    assert (after.state, after.attempts) == (State.TRIED, 8)


def test_an_entry_goes_back_to_where_it_was() -> None:
    assert campaign.give_back(taken()) == Entry()
    tried = campaign.say(taken(), ANNA, said(NOT_REACHED), TERMS, NOON)
    back = campaign.give_back(campaign.take(tried, BEN, NOON + HOUR))
    assert (back.state, back.next_at, back.attempts) == (State.TRIED, NOON + HOUR, 1)


def test_who_held_it_for_too_long_still_says_what_came_of_it_unless_another_took_it() -> None:
    lapsed = campaign.give_back(taken(), lapsed=True)
    assert lapsed.state is State.WAITING
    late = campaign.say(lapsed, ANNA, said("sale"), TERMS, NOON + HOUR)
    assert (late.state, late.attempts) == (State.DONE, 1)
    with pytest.raises(EntryError):
        campaign.say(campaign.take(lapsed, BEN, NOON), ANNA, said("sale"), TERMS, NOON)


def test_another_word_on_the_same_attempt_counts_no_attempt() -> None:
    done = campaign.say(taken(), ANNA, said("sale"), TERMS, NOON)
    assert campaign.is_change(done)
    other = campaign.say(done, ANNA, said(NOT_REACHED), TERMS, NOON)
    assert (other.state, other.attempts, other.last_result) == (State.TRIED, 1, NOT_REACHED)
    with pytest.raises(EntryError):
        campaign.say(done, BEN, said("sale"), TERMS, NOON)


def test_who_left_an_entry_says_nothing_of_it() -> None:
    with pytest.raises(EntryError):
        campaign.say(campaign.give_back(taken()), ANNA, said("sale"), TERMS, NOON)


def test_what_is_over_begins_anew() -> None:
    done = campaign.say(taken(), ANNA, said("sale"), TERMS, NOON)
    assert campaign.put_back(done) == Entry(last_result="sale")
    assert campaign.put_back(campaign.withdraw(Entry())) == Entry()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("deed", Deed)
def test_nothing_is_done_but_where_the_table_says(state: State, deed: Deed) -> None:
    entry = Entry(state, attempts=1, agent=ANNA, next_at=NOON, taken_at=NOON)
    deeds = {
        Deed.TAKE: lambda: campaign.take(entry, ANNA, NOON),
        Deed.GIVE_BACK: lambda: campaign.give_back(entry),
        Deed.SAY: lambda: campaign.say(entry, ANNA, said("sale"), TERMS, NOON),
        Deed.WITHDRAW: lambda: campaign.withdraw(entry),
        Deed.PUT_BACK: lambda: campaign.put_back(entry),
        Deed.RESERVE: lambda: campaign.reserve(entry, BEN),
    }
    if state in TRANSITIONS[deed]:
        assert deeds[deed]() != entry
    elif deed is Deed.RESERVE:
        assert deeds[deed]() == entry
    else:
        with pytest.raises(EntryError):
            deeds[deed]()


def test_not_reached_is_always_offered_and_may_be_named_anew() -> None:
    assert [each.identity for each in campaign.offered([Result("sale")])] == ["sale", NOT_REACHED]
    own = Result(NOT_REACHED, {"en": "Busy"})
    assert campaign.offered([own]) == (own,)


def test_a_campaign_with_hours_calls_within_them() -> None:
    office = Hours(ZoneInfo("Europe/Berlin"), (Opening(frozenset(range(5)), time(8), time(18)),))
    assert CallingTerms(hours=office).open_at(NOON)
    assert not CallingTerms(hours=office).open_at(NOON + 12 * HOUR)
    assert CallingTerms().open_at(NOON + 12 * HOUR)
