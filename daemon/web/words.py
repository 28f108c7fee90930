"""Codes of the business in words. `marked` texts are found by the extraction and translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from daemon.calls.duty import WRAP_UP
from daemon.handlers.world import ModuleView, PauseReason
from daemon.language import Language
from daemon.orders.campaign import NOT_REACHED
from daemon.storage.tables import CallResultRow


def marked(text: str) -> str:
    """A text that is translated later."""
    return text


REASONS: Final[Mapping[str, str]] = {
    "abandoned": marked("Gave up"),
    "timeout": marked("Waited too long"),
    "empty": marked("No agents in queue"),
    "full": marked("Queue was full"),
    "key": marked("Left by key"),
    "withdrawn": marked("Taken out of queue"),
    "cut_off": marked("Cut off"),
    "lost": marked("Lost from sight"),
    "moved": marked("Moved on"),
    "after_talk": marked("Left after talking"),
    "answered": marked("Answered"),
}
"""Why a call was missed: daemon/calls/verdict.py."""

REASONS_IN_FULL: Final[Mapping[str, str]] = {
    "abandoned": marked("The caller hung up while waiting."),
    "timeout": marked("The queue's longest waiting time was over."),
    "empty": marked("No agent was logged in or reachable."),
    "full": marked("As many callers as the queue takes were waiting already."),
    "key": marked("The caller pressed a key that leads out of the queue."),
    "withdrawn": marked("Somebody took the call out of the queue."),
    "cut_off": marked("The call ended from our side while the caller was waiting."),
    "lost": marked("The link to the PBX was down when the call ended."),
    "moved": marked("The call was transferred elsewhere while waiting."),
    "after_talk": marked("The caller had talked to an agent, was put back into a queue, and hung up there."),
    "answered": marked("An agent talked to the caller."),
}

LISTINGS: Final[Mapping[str, str]] = {
    "short": marked("No order: waited too briefly"),
    "closed": marked("No order: outside business hours"),
    "hidden": marked("No order: hidden number"),
    "manual": marked("Orders are made by hand"),
    "internal": marked("Internal caller"),
    "blacklisted": marked("On the blacklist"),
    "ignored": marked("Hidden numbers are ignored"),
    "not_counted": marked("Does not count as missed"),
    "unknown_queue": marked("No order: queue is in no configuration"),
}
"""Why a missed call made no order: daemon/orders/missed.py."""

ITEM_STATES: Final[Mapping[str, str]] = {
    "open": marked("Open"),
    "reached": marked("Reached"),
    "dismissed": marked("Dismissed"),
    "order_done": marked("Order done"),
}

CLOSED_HOW: Final[Mapping[str, str]] = {
    "own_call": marked("The caller called again and was answered"),
    "call_back": marked("Called back"),
    "dismissed": marked("Dismissed"),
    "order_done": marked("The work order was finished"),
}

STATUSES: Final[Mapping[str, str]] = {
    "new": marked("New"),
    "pending": marked("In progress"),
    "done": marked("Done"),
}
"""Of an order: daemon/orders/order.py."""

NODE_STATUSES: Final[Mapping[str, str]] = {
    "new": marked("New"),
    "pending": marked("In progress"),
    "return": marked("Returned"),
    "verify": marked("To be verified"),
}

ACTIONS: Final[Mapping[str, str]] = {
    "create": marked("Created"),
    "assign": marked("Assigned"),
    "auto_assign": marked("Assigned by rule"),
    "pending": marked("Work begun"),
    "reply": marked("Reply"),
    "edit": marked("Changed"),
    "attach": marked("File attached"),
    "done": marked("Done"),
    "verified": marked("Verified"),
    "denied": marked("Verification refused"),
    "return_to_node": marked("Returned to the node before"),
    "return_to_group": marked("Returned to the group"),
    "release": marked("Given back, its owner left"),
    "remind": marked("Reminder: it will be late soon"),
    "escalate": marked("Late: the group admin must look"),
    "missed_again": marked("The caller was missed again"),
    "missed_dismissed": marked("The missed call was dismissed"),
    "caller_reached": marked("The caller was reached"),
    "result_changed": marked("The call's result was changed"),
    "called_answered": marked("Called, and reached"),
    "called_busy": marked("Called: busy"),
    "called_no_answer": marked("Called: no answer"),
    "called_failed": marked("Called: could not be reached"),
    "called_cancelled": marked("Called, and put down"),
    "called_not_taken": marked("Call not begun: the agent's telephone was not picked up"),
    "called_unreachable": marked("Call not begun: the agent's telephone could not be reached"),
    "called_unknown": marked("Called: what came of it is not known"),
}
"""Entries of an order's history; one that is not here is shown by its code."""

STANDS: Final[Mapping[str, str]] = {
    "waiting": marked("Waiting"),
    "assigned": marked("Assigned"),
    "working": marked("In progress"),
    "verifying": marked("To be verified"),
    "returned": marked("Returned"),
    "handed_back": marked("Back at the group"),
    "done": marked("Done"),
}
"""Where an order stands after a step."""

CONTENTS: Final[Mapping[str, str]] = {
    "owner_id": marked("Owner"),
    "group_id": marked("Group"),
    "title": marked("Title"),
    "customer_id": marked("Customer"),
    "cc": marked("Copies to"),
    "priority": marked("Priority"),
}
"""What of an order a step changes."""

ROLES: Final[Mapping[str, str]] = {
    "agent": marked("Agent"),
    "group_admin": marked("Group admin"),
    "team_admin": marked("Team admin"),
    "system_admin": marked("System admin"),
}

LINK_STATES: Final[Mapping[str, str]] = {
    "up": marked("Connected"),
    "connecting": marked("Connecting"),
    "down": marked("Down"),
}

STAGES: Final[Mapping[str, str]] = {
    "ringing": marked("Ringing"),
    "talking": marked("Talking"),
    "after": marked("Call ended"),
}
"""Of a call on an agent's desk: daemon/handlers/popup.py."""

RESULT_FAULTS: Final[Mapping[str, str]] = {
    "required": marked("This must be filled in."),
    "none": marked("This result takes no note: remove it, or choose another result."),
    "too_long": marked("This is too long."),
    "past": marked("This time is over."),
    "too_far": marked("This time is too far ahead."),
    "option": marked("This is no longer offered: choose another one."),
    "control_character": marked("Characters that can't be shown are not allowed."),
}
"""What is wrong with a result: daemon/orders/results.py."""

ACTION_TROUBLES: Final[Mapping[str, str]] = {
    "stale": marked("Somebody changed it meanwhile. Look at what is new, then do it again."),
    "refused": marked("That is not possible now."),
    "note_required": marked("Write what you reply."),
    "reason_required": marked("Say why it is not accepted."),
    "agent_required": marked("Choose the agent who gets it."),
    "too_long": marked("This is too long."),
    "control": marked("Characters that can't be shown are not allowed."),
}
"""Why an action on an order was refused: pages/order_actions.py."""

FIELD_FAULTS: Final[Mapping[str, str]] = {
    "required": marked("This must be filled in."),
    "pattern": marked("This must be filled in."),
    "too_short": marked("This must be filled in."),
    "option": marked("This is none of the choices."),
    "too_long": marked("This is too long."),
    "date": marked("This is no date; one such as 2026-12-25 is."),
    "datetime": marked("This is no date and time; one such as 2026-12-25T18:30 is."),
    "line_break": marked("One line is allowed here."),
    "control": marked("Characters that can't be shown are not allowed."),
    "control_character": marked("Characters that can't be shown are not allowed."),
    "unknown": marked("There is no such thing (any more)."),
    "range": marked("This group does not work on such orders."),
    "value_error": marked("These are not e-mail addresses, separated by semicolons."),
}
"""What is wrong with a field of an order's form, by the rule that it breaks."""

WHOSE: Final[Mapping[str, str]] = {
    "mine": marked("Mine"),
    "created": marked("Created by me"),
    "groups": marked("My groups"),
    "led": marked("Groups I lead"),
    "created_in_led": marked("Created by groups I lead"),
    "all": marked("All"),
}
"""Categories of My work orders."""

FILTER_NAMES: Final[Mapping[str, str]] = {
    "q": marked("Words"),
    "team": marked("Team"),
    "state": marked("State"),
    "template": marked("Template"),
    "group": marked("Group"),
    "owner": marked("Owner"),
    "creator": marked("Creator"),
    "status": marked("Status"),
    "node_status": marked("At its group"),
    "priority": marked("Priority"),
    "late": marked("Only late ones"),
    "since": marked("Created from"),
    "until": marked("Created until"),
}
"""What a list of orders is narrowed by: pages/order_query.py."""

REFUSALS: Final[Mapping[str, str]] = {
    "not_admin": marked("you don't lead its group"),
    "automatic": marked("it waits for its assign rule"),
    "verifying": marked("it waits to be verified"),
    "done": marked("it is done"),
    "other_group": marked("it is in another group: assign group by group"),
}
"""Why an order can't be assigned: daemon/handlers/assigning.py."""

PHASES: Final[Mapping[str, str]] = {
    "agent_rings": marked("Your telephone rings"),
    "rings": marked("Ringing"),
    "talks": marked("Talking"),
    "over": marked("Over"),
}
"""Of a call that an agent placed: daemon/calls/outgoing.py."""

OUTCOMES: Final[Mapping[str, str]] = {
    "answered": marked("Reached"),
    "busy": marked("Busy"),
    "no_answer": marked("No answer"),
    "failed": marked("Could not be reached"),
    "cancelled": marked("Put down"),
    "not_taken": marked("You did not pick up"),
    "unreachable": marked("Your telephone can't be reached"),
    "unknown": marked("What came of it is not known: the link to the PBX was lost"),
}
"""What came of it, to who placed it."""

TRIES: Final[Mapping[str, str]] = {
    "answered": marked("reached"),
    "busy": marked("busy"),
    "no_answer": marked("no answer"),
    "failed": marked("could not be reached"),
    "cancelled": marked("put down"),
    "not_taken": marked("not begun"),
    "unreachable": marked("not begun"),
    "unknown": marked("outcome not known"),
}
"""What came of it, to others."""

DIAL_TROUBLES: Final[Mapping[str, str]] = {
    "no_pbx": marked("No PBX may dial for you."),
    "no_phone": marked("You have no telephone that can be rung."),
    "no_number": marked("This is no number that can be dialled."),
    "not_allowed": marked("Calls to this number are not allowed."),
    "in_call": marked("You are in a call that you placed."),
    "called_back": marked("Somebody is calling back already:"),
    "not_placed": marked("The PBX does not place the call."),
    "closed": marked("This missed call is closed."),
}
"""Why a call was not placed: daemon/handlers/dialling.py."""

ENTRY_STATES: Final[Mapping[str, str]] = {
    "waiting": marked("To be called"),
    "taken": marked("Being called"),
    "tried": marked("To be called again"),
    "done": marked("Reached, done"),
    "unreachable": marked("Not reachable"),
    "withdrawn": marked("Withdrawn"),
}
"""Of an entry of a campaign: daemon/orders/campaign.py."""

DELIVERY_STATES: Final[Mapping[str, str]] = {
    "waiting": marked("On its way"),
    "delivered": marked("Delivered"),
    "parked": marked("Parked"),
    "discarded": marked("Discarded"),
}
"""Of a mail or a webhook: daemon/storage/outbox.py."""

CHANNELS: Final[Mapping[str, str]] = {"mail": marked("Mail"), "webhook": marked("Webhook")}

ENTRY_TROUBLES: Final[Mapping[str, str]] = {
    "closed": marked("This campaign does not call at this time."),
    "nobody": marked("Nobody is to be called now."),
    "left": marked("Given back: somebody else may call it."),
    "not_yours": marked("Another agent has this entry now."),
    "elsewhere": marked("That is not possible now: look at how it stands."),
    "too_late": marked("The time in which this result could be changed is over."),
}
"""Why nothing was given out or taken: daemon/handlers/campaigns.py."""

MODES: Final[Mapping[str, str]] = {
    "manual": marked("By hand"),
    "agent_number_order": marked("In order of agent numbers"),
    "fewest_unfinished": marked("Fewest unfinished"),
}
"""Of an assign rule: daemon/orders/assign.py."""

MODES_IN_FULL: Final[Mapping[str, str]] = {
    "manual": marked("Orders wait until you assign them."),
    "agent_number_order": marked("One agent after the other by number, round and round."),
    "fewest_unfinished": marked("The agent with the fewest unfinished orders of this group."),
}

DUTY_STANDS: Final[Mapping[str, str]] = {
    "out": marked("Logged out"),
    "ready": marked("Ready"),
    "busy": marked("In a call"),
    "away": marked("Telephone not reachable"),
    "paused": marked("Paused"),
    "wrap_up": marked("Wrap-up"),
}
"""Of an agent: daemon/calls/duty.py."""

DUTY_TROUBLES: Final[Mapping[str, str]] = {
    "no_phone": marked("There is no telephone that can be logged in."),
    "no_seat": marked("Not possible: logged in to no queue."),
    "static": marked("The PBX's own configuration makes this membership: one can pause, but not log out."),
    "no_reason": marked("There is no such reason to pause."),
    "not_done": marked("The PBX did not do it. Please try again."),
}
"""Why nothing was done: daemon/handlers/duty.py."""

DISMISSALS: Final = (
    marked("Already reached"),
    marked("Wrong number"),
    marked("Advertising"),
    marked("No call back wanted"),
)
"""Offered as reasons; any other may be typed."""

ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: (marked("Not understood"), marked("The request was not well formed.")),
    401: (marked("Not logged in"), marked("Log in, then try again.")),
    403: (marked("Not allowed"), marked("You may not do this.")),
    404: (marked("Not found"), marked("There is no such thing, or it is not yours to see.")),
    405: (marked("Not possible here"), marked("This address does not take that kind of request.")),
    409: (marked("Not possible now"), marked("Somebody may have been faster. Look again at how it stands.")),
    413: (marked("Too large"), marked("The request is larger than what is accepted.")),
    415: (marked("Wrong kind of content"), marked("This address takes another kind of content.")),
    422: (marked("Something is missing"), marked("Please look at what you entered.")),
    429: (marked("Too many attempts"), marked("Please wait a while, then try again.")),
    500: (marked("Something went wrong"), marked("It was logged and is ours to repair.")),
    503: (
        marked("Out of service for a moment"),
        marked("The database does not answer. Nothing was lost; please try again."),
    ),
}
"""Title and explanation of an error page, by HTTP status."""


def result_label(modules: Mapping[int, ModuleView], row: CallResultRow, tag: str) -> str:
    """What a call came to, in a language; its identity where it is no longer configured."""
    module = modules.get(row.module_id)
    found = (each.label(tag) for each in (module.results if module else ()) if each.identity == row.result)
    return next(found, row.result)


def campaign_result(module: ModuleView | None, identity: str, language: Language) -> str:
    """What a call of a campaign came to, likewise; one result every campaign has by itself."""
    found = (each.label(language.tag) for each in (module.results if module else ()) if each.identity == identity)
    return next(found, language.word(marked("Not reached")) if identity == NOT_REACHED else identity)


def pause_label(reasons: Sequence[PauseReason], language: Language, identity: str) -> str:
    """Why somebody is paused; as Asterisk says it where the configuration does not know the reason."""
    if identity == WRAP_UP:
        return language.word(DUTY_STANDS["wrap_up"])
    return next((each.label(language.tag) for each in reasons if each.identity == identity), identity)


def word(table: Mapping[str, str], code: str) -> str:
    """The text of a code, or the code where a newer part of the program speaks of something that we don't know."""
    return table.get(code, code)
