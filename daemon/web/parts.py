"""What `app` hands to the pages, and the keys under which a request finds things."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from markupsafe import Markup
from prometheus_client import CollectorRegistry

from daemon.handlers.attachments import Depot
from daemon.handlers.creating import Creator
from daemon.handlers.customer_import import Imports
from daemon.handlers.dialling import Dialler
from daemon.handlers.duty import Duty
from daemon.handlers.person import Person
from daemon.handlers.popup import Rings
from daemon.handlers.presence import Presence
from daemon.handlers.world import World
from daemon.language import Language, Languages
from daemon.settings.models import Http
from daemon.storage.engine import Store
from daemon.storage.lists import Sight
from daemon.web.accounts import Accounts
from daemon.web.assets import Assets
from daemon.web.attempts import Attempts
from daemon.web.live import Live
from daemon.web.passwords import Passwords
from daemon.web.people import People
from daemon.web.status import Status


@dataclass(frozen=True, slots=True)
class Source:
    """A system that sends us signed webhooks."""

    team_id: int
    secrets: tuple[str, ...]
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything that the pages need. What the configuration may change while we run comes as a function.

    `order_pin`: with which PIN somebody hears by telephone how an order stands (agi/status.py); "" where there is none.
    """

    store: Store
    world: Callable[[], World]
    accounts: Callable[[], Accounts]
    http: Http
    clock: Callable[[], datetime]
    status: Callable[[], Status]
    live: Live
    presence: Presence
    random_token: Callable[[], str]
    registry: CollectorRegistry
    imports: Imports
    depot: Depot
    ringing: Rings
    dialler: Dialler
    duty: Duty
    locale: str = "en"
    time_zone: str = "UTC"
    sources: Callable[[], Mapping[str, Source]] = dict
    recently_finished: timedelta = timedelta(days=3)
    order_pin: Callable[[int], str] = lambda _order_id: ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is logged in, or by a token.

    `token` is the token's name and `scopes` its scopes; a session has neither, and may what its person may.
    """

    person: Person
    language: str | None
    token_hash: str
    csrf: str
    expires_at: datetime
    token: str | None = None
    scopes: frozenset[str] | None = None

    @property
    def who(self) -> str:
        """Whose requests these are: the person's or the token's."""
        return f"user:{self.person.username}" if self.token is None else f"token:{self.token}"

    @property
    def mark(self) -> str:
        """What tells the pages of this session from those of another; it opens nothing."""
        return hashlib.sha256(f"pages of {self.token_hash}".encode()).hexdigest()[:16]

    def may(self, scope: str) -> bool:
        """Whether he came by a way that opens this; "" is open to all."""
        return not scope or self.scopes is None or scope in self.scopes

    @property
    def sight(self) -> Sight:
        """What he may see."""
        agent = self.person.agent
        if agent is None:
            return Sight(self.person.team_id)
        return Sight(self.person.team_id, agent.id, agent.groups, agent.leads)


PARTS: Final = web.AppKey("parts", WebParts)
CREATOR: Final = web.AppKey("creator", Creator)
PEOPLE: Final = web.AppKey("people", People)
LANGUAGES: Final = web.AppKey("languages", Languages)
ASSETS: Final = web.AppKey("assets", Assets)
ATTEMPTS: Final = web.AppKey("attempts", Attempts)
PASSWORDS: Final = web.AppKey("passwords", Passwords)

VISIT: Final = web.RequestKey("visit", Visit)
POSITION: Final = web.RequestKey("position", str)
LANGUAGE: Final = web.RequestKey("language", Language)
POPUP: Final = web.RequestKey("popup", Markup)
FORM: Final = web.RequestKey("form", dict[str, list[str]])


def visit_of(request: web.Request) -> Visit:
    """Who asks; only routes that need a log-in may call this."""
    return request[VISIT]
