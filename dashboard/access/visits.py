"""Who asks now: `current()` returns the Identity behind the request that is answered, also in its threads.

`needs(role)` marks callbacks that not every reader may call. `open_own_session(config)` opens a session in the name of
who asks; `note_object(name)` and `note_logged()` say for the audit log what the request is about, and that it stands
there already.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from starlette.exceptions import HTTPException

from forecasting.config import Config
from forecasting.services.accounts.identity import Identity, Role, allows
from forecasting.steps.session import Session, open_session

LOCAL = Identity("local", "admin", "loopback")
"""Whoever uses this machine, where there are no accounts."""


@dataclass
class Visit:
    """A request as it is answered: who asks, what it is about, whether it writes, whether it is in the audit log."""

    identity: Identity
    about: str = ""
    writes: bool = False
    logged: bool = False


VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)
"""None outside of requests: then the program works by itself."""


def current() -> Identity:
    """Who asks."""
    visit = VISIT.get()
    return visit.identity if visit else LOCAL


def may(role: Role) -> bool:
    """Whether who asks may do what needs this role."""
    return allows(current().role, role)


def open_own_session(config: Config) -> Session:
    """A session in the name and the role of who asks."""
    return open_session(config, current().name, current().role)


def note_object(name: str) -> None:
    """Say what the request is about, for the audit log."""
    if visit := VISIT.get():
        visit.about = name


def require(role: Role, about: str) -> None:
    """Refuse (403) who has not this role; what goes on is a write, and is entered in the audit log."""
    if visit := VISIT.get():
        visit.writes, visit.about = True, visit.about or about
    if not may(role):
        raise HTTPException(403, f"this needs the role {role}")


def note_logged() -> None:
    """Say that the request stands in the audit log already."""
    if visit := VISIT.get():
        visit.logged = True


def needs(role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for callbacks of Dash that write: it refuses (403) who has not this role.

    It stands below @app.callback. Callbacks without it are for all who may read.
    """

    def mark(callback: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(callback)
        async def checked(*values: Any) -> Any:
            require(role, callback.__name__)
            return await callback(*values)

        @wraps(callback)
        def checked_at_once(*values: Any) -> Any:
            require(role, callback.__name__)
            return callback(*values)

        marked: Callable[..., Any] = checked if iscoroutinefunction(callback) else checked_at_once
        marked.needs = role  # type: ignore[attr-defined]
        return marked

    return mark
