"""`Access`: whether one has to sign in, and how; `open_access(config)` makes it of a config and its accounts.

`check_host(access, host)` refuses to listen for other machines while anybody could come in.
"""

import os
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from starlette.requests import HTTPConnection

from forecasting.config import Config
from forecasting.errors import Option, UserError
from forecasting.services.accounts.database import ADDRESS, Accounts, open_accounts
from forecasting.services.accounts.keys import list_keys
from forecasting.services.accounts.users import count_users


@dataclass(frozen=True)
class Access:
    """A job's config and its database of accounts, or None where there are none: then only this machine is answered."""

    config: Config
    accounts: Accounts | None = None

    def is_https(self, connection: HTTPConnection) -> bool:
        """Whether the browser reaches the dashboard by HTTPS, perhaps through a proxy."""
        return self.public_url.startswith("https:") or connection.url.scheme in ("https", "wss")

    def cookie_of(self, connection: HTTPConnection) -> str:
        """The name of the cookie of a session. Browsers do not tell ports apart, so each job has a name of its own.

        By HTTPS its prefix makes browsers refuse it from anybody but this very host.
        """
        return f"{'__Host-' if self.is_https(connection) else ''}demandcast-{self.config.name}"

    @property
    def hours(self) -> int:
        """How long a session holds."""
        return self.config.access.session_hours

    @property
    def public_url(self) -> str:
        """The address that browsers use, "" where it is that of the server."""
        return self.config.access.public_url or ""


def open_access(config: Config) -> Access:
    """How the job is guarded: by accounts, as soon as there is a user, a key or a provider to sign in at."""
    if not (config.access.oidc or os.environ.get(ADDRESS) or Path(f"{config.store.root}-access.db").is_file()):
        return Access(config)
    accounts = open_accounts(config)
    configured = config.access.oidc or count_users(accounts) or list_keys(accounts).height
    return Access(config, accounts if configured else None)


def check_host(access: Access, host: str) -> None:
    """Raise UserError for an address that other machines reach, where nobody would have to sign in."""
    if access.accounts is None and not is_loopback(host):
        raise UserError(
            "other machines could open it, and nobody would have to sign in",
            where=Option("host", host),
            mend="add a first admin (demandcast users add CONFIG NAME --role admin), or stay on this machine only",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; "" is every address."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)} if host else {"0.0.0.0"}
    except (OSError, UnicodeError):
        return False
    return all(ip_address(address.split("%")[0]).is_loopback for address in found)
