"""`Trail`: what the guard enters in the audit log, refusals and writes; sign-ins are entered where they happen.

Somebody unknown could fill the log: of refusals of nobody known, an address gets one entry a minute.
"""

import time

from anyio import to_thread
from starlette.requests import HTTPConnection

from dashboard.access.policy import Rule
from dashboard.access.visits import Visit
from forecasting.services.accounts.audit import Entry, note
from forecasting.services.accounts.database import Accounts

EVERY, MOST = 60.0, 10_000
"""Seconds between two entries about an unknown address, and how many addresses are remembered."""


class Trail:
    """The entries of one server; none where there are no accounts."""

    def __init__(self, accounts: Accounts | None) -> None:
        self.accounts = accounts
        self._noted: dict[str, float] = {}

    async def note(self, connection: HTTPConnection, rule: Rule, visit: Visit, status: int) -> None:
        """Enter a request that was refused, or that wrote."""
        refused = status in (401, 403)
        if self.accounts is None or visit.logged or not (refused or (visit.writes and status < 400)):
            return
        address = address_of(connection)
        if not visit.identity.name and not self._is_new(address):
            return
        entry = Entry(
            "refused" if refused else "write",
            visit.identity.name or "nobody",
            connection.scope.get("method", "WEBSOCKET"),
            rule.route,
            visit.about or connection.scope["path"],
            status,
            address,
        )
        await to_thread.run_sync(note, self.accounts, entry)

    def _is_new(self, address: str) -> bool:
        """Whether nothing was entered about this address for a while."""
        moment = time.monotonic()
        if moment - self._noted.get(address, -EVERY) < EVERY:
            return False
        if len(self._noted) >= MOST:
            self._noted.clear()
        self._noted[address] = moment
        return True


def address_of(connection: HTTPConnection) -> str:
    """The address that a request comes from; behind a proxy on this machine, the one that the proxy tells."""
    return connection.client.host if connection.client else ""
