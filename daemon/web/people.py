"""Accounts and the World together say who a username is; found once per configuration."""

from __future__ import annotations

from collections.abc import Callable

from daemon.handlers.live import News
from daemon.handlers.person import Person
from daemon.handlers.world import World
from daemon.web.accounts import Account, Accounts


class People:
    """Persons by username, forgotten when the configuration was replaced."""

    def __init__(self, accounts: Callable[[], Accounts], world: Callable[[], World]) -> None:
        self._accounts = accounts
        self._world = world
        self._known: dict[str, Person | None] = {}
        self._source: tuple[Accounts, World] | None = None

    def account(self, username: str) -> Account | None:
        """The account of that name."""
        return self._accounts().get(username)

    def person(self, username: str) -> Person | None:
        """Who that is; None where the configuration does not know him (any more)."""
        source = self._accounts(), self._world()
        if self._source is None or self._source[0] is not source[0] or self._source[1] is not source[1]:
            self._known, self._source = {}, source
        account = source[0].get(username)
        if account is None:
            return None
        if username not in self._known:
            self._known[username] = _person(account, source[1])
        return self._known[username]

    def concerned(self, username: str, news: News) -> bool:
        """Whether this person may know of these news: his team's, and for an agent those of himself or his groups."""
        person = self.person(username)
        if person is None or person.team_id not in {None, news.team_id}:
            return False
        if news.topic == "deliveries" and person.agent is not None:
            return False
        if person.agent is None or not (news.group_ids or news.agent_ids):
            return True
        return person.agent.id in news.agent_ids or not person.agent.groups.isdisjoint(news.group_ids)


def _person(account: Account, world: World) -> Person | None:
    if account.role == "system_admin":
        return Person("system_admin", account.username, account.name, None)
    team_id = next((team.id for team in world.teams.values() if team.name == account.team), None)
    if team_id is None:
        return None
    if account.role == "team_admin":
        return Person("team_admin", account.username, account.name, team_id)
    agent = world.agent_by_username(account.username)
    if agent is None or agent.team_id != team_id:
        return None
    return Person("agent", account.username, account.name, team_id, agent)
