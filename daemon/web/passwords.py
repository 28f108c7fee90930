"""Passwords against their argon2 hashes, in a thread and two at a time: each costs about 140 ms and 64 MB."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE: Final = 2
LONGEST: Final = 1024  # characters of a password

NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$yop8SZoNc8ykJGcyM7GEHA$dfd5BpY+MNYbF+dod7dEy+PIpwD0z6CzTWvPOF2tI9Q"
"""Verified for names that nobody has, so that the time taken does not tell which names exist."""


class Passwords:
    """Says whether a password is right."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; without a hash never, in the same time."""
        async with self._turn:
            fits = await asyncio.to_thread(self._fits, password_hash or NOBODY, password)
        return fits and password_hash is not None

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return len(password) <= LONGEST and self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
