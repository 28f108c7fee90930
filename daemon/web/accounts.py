"""Who may log in, as the configuration says: agents, team admins and system admins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from daemon.settings.models import Agent, Settings, User

Role = Literal["agent", "team_admin", "system_admin"]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in. `password_hash` None: he may not. `team` is its name; None: a system admin.

    A group admin is an agent; which groups he leads is the World's to say.
    """

    username: str
    name: str
    role: Role
    team: str | None
    language: str | None = None
    password_hash: str | None = field(default=None, repr=False)


Accounts = Mapping[str, Account]
"""Accounts by username; the settings make sure that no two people have the same."""


def accounts_of(settings: Settings) -> Accounts:
    """Everybody whom the configuration names."""
    return {account.username: account for account in _everybody(settings)}


def _everybody(settings: Settings) -> Iterator[Account]:
    for team in settings.teams.teams:
        yield from (_account(agent, "agent", team.name) for agent in team.agents)
        yield from (_account(user, "team_admin", team.name) for user in team.admins)
    yield from (_account(user, "system_admin", None) for user in settings.teams.system_admins)


def _account(person: Agent | User, role: Role, team: str | None) -> Account:
    secret = person.password_hash
    return Account(
        username=person.username,
        name=person.name,
        role=role,
        team=team,
        language=person.language,
        password_hash=secret.get_secret_value() or None if secret else None,
    )
