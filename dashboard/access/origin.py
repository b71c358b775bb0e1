"""Requests that another site makes a browser send: `is_foreign` finds those that could change something.

A browser adds the cookie by itself, so the cookie alone does not say that the user wants it. Browsers say from which
site a request comes, and no script can change what they say.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from dashboard.access.policy import SAFE
from dashboard.access.settings import Access
from forecasting.services.accounts.identity import Identity


def is_foreign(connection: HTTPConnection, access: Access, who: Identity | None) -> bool:
    """Whether a request that may change something comes from another site, or does not say where from."""
    if connection.scope["type"] == "http" and connection.scope["method"] in SAFE:
        return False
    origin, site = connection.headers.get("origin"), connection.headers.get("sec-fetch-site")
    if origin is not None:
        return not _is_own(origin, connection, access)
    if site is not None:
        return site not in ("same-origin", "none")
    return who is not None and who.by == "session"  # programs send neither, and have a key


def is_for_this_machine(connection: HTTPConnection) -> bool:
    """Whether a request was addressed to this machine by its loopback name.

    Else a proxy passes on what others ask, or the name of a foreign site was made to point here.
    """
    try:
        name = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own(origin: str, connection: HTTPConnection, access: Access) -> bool:
    if access.public_url:
        return origin == access.public_url
    return urlsplit(origin).netloc == connection.headers.get("host") != ""
