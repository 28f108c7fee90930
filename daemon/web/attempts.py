"""How often somebody may try to log in: so many failures in a window, per name and address, and per address.

An office behind one address has many people, hence ADDRESS_FACTOR. Kept in memory: a restart forgives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=15)
ADDRESS_FACTOR: Final = 10
MOST_KEYS: Final = 10_000
SWEEP: Final = timedelta(minutes=1)  # between two looks at all keys, each of which costs milliseconds

Key = tuple[str, ...]


class Attempts:
    """Tries that were not successful (yet) in the last 15 minutes."""

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self._limit = limit
        self._clock = clock
        self._tries: dict[Key, deque[datetime]] = {}
        self._swept_at = clock()

    def begin(self, username: str, address: str) -> timedelta | None:
        """Count a try before the password is looked at; returns how long to wait where it is one too many."""
        now = self._clock()
        keys = self._keys(username, address)
        waits = [wait for key, limit in keys if (wait := self._wait(key, limit, now))]
        if waits:
            return max(waits)
        if len(self._tries) > MOST_KEYS and now - self._swept_at >= SWEEP:
            self._swept_at = now
            self._forget(now)
        for key, _ in keys:
            self._tries.setdefault(key, deque()).append(now)
        return None

    def succeeded(self, username: str, address: str) -> None:
        """The try was right: this name's failures from this address are forgiven, the address keeps the others'."""
        (name_key, _), (address_key, _) = self._keys(username, address)
        self._tries.pop(name_key, None)
        if self._tries.get(address_key):
            self._tries[address_key].pop()

    def _keys(self, username: str, address: str) -> tuple[tuple[Key, int], tuple[Key, int]]:
        return ((address, username.casefold()), self._limit), ((address,), self._limit * ADDRESS_FACTOR)

    def _wait(self, key: Key, limit: int, now: datetime) -> timedelta | None:
        tries = self._tries.get(key)
        while tries and tries[0] <= now - WINDOW:
            tries.popleft()
        if tries is None or len(tries) < limit:
            return None
        return tries[0] + WINDOW - now

    def _forget(self, now: datetime) -> None:
        self._tries = {key: tries for key, tries in self._tries.items() if tries and tries[-1] > now - WINDOW}
