"""`Identity`, who works here and in which role, and `allows(role, needed)`, whether a role may do what another may.

Roles from the least on: a viewer reads, a planner also saves scenarios, starts jobs and sends files, an admin also
promotes models and gives access to others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["viewer", "planner", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "planner", "admin")
"""Each may also do what those before it may."""


@dataclass(frozen=True)
class Identity:
    """Who works here: a name (of a key: "key:" and its name), a role, and by what this is known."""

    name: str
    role: Role | Literal["nobody"]
    by: Literal["session", "key", "loopback"]


def allows(role: str, needed: Role) -> bool:
    """Whether `role` may do what needs the role `needed`; a text that is no role may do nothing."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)
