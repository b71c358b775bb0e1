"""Passwords as argon2id hashes: `hash_password` returns one, `fits` tells whether a password is the hashed one.

Both take about 50 ms and 64 MB on purpose: whoever steals the database has to spend that on every guess.
"""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from forecasting.errors import UserError

SHORTEST, LONGEST = 12, 1000
"""Characters. Length is what makes a password hard to guess; there are no rules about digits and signs."""
HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """The hash of a password that is to be stored; raises UserError for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UserError(f"the password has {len(password)} characters: choose one of {SHORTEST} or more")
    return HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether this is the password; takes as long where nothing is stored, so that no one learns which users exist."""
    try:
        return HASHER.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker settings than those of today."""
    return HASHER.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return HASHER.hash("the password of nobody")
