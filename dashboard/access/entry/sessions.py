"""What every way of signing in ends with: `begin_session` sets the cookie, `shown` shows the page with what went wrong.

`local_path(text)` is where to go afterwards, `enter_in_log` notes it all.
"""

from urllib.parse import quote, urlsplit

from anyio import to_thread
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from dashboard.access.entry.page import HEADERS, sign_in_page
from dashboard.access.settings import Access
from dashboard.access.trail import address_of
from dashboard.access.visits import note_logged
from forecasting.services.accounts import sign_ins
from forecasting.services.accounts.audit import Entry, Event, note


async def begin_session(access: Access, request: Request, user: int, wanted: str) -> Response:
    """Go to the page that was wanted, with the cookie of a new session."""
    assert access.accounts is not None
    token = await to_thread.run_sync(sign_ins.sign_in, access.accounts, user, access.hours)
    answer = RedirectResponse(wanted, 303)
    life, secure = access.hours * 3600, access.is_https(request)
    answer.set_cookie(access.cookie_of(request), token, life, secure=secure, httponly=True, samesite="lax")
    return answer


def local_path(wanted: str) -> str:
    """The path of this server to go to after signing in; "/" for every other address."""
    parts = urlsplit(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if local and wanted.isprintable() and not wanted.startswith("/sign-") else "/"


def shown(access: Access, wanted: str, wrong: str = "", status: int = 200, wait: int = 0) -> Response:
    """The page where one signs in, with what went wrong, and for how many seconds to wait."""
    later = {"Retry-After": str(wait)} if wait else {}
    provider = f"/sign-in/provider?next={quote(wanted, safe='')}" if access.config.access.oidc else ""
    return HTMLResponse(sign_in_page(access.config.name, wanted, wrong, provider), status, HEADERS | later)


async def enter_in_log(access: Access, request: Request, event: Event, who: str) -> None:
    """Add an entry to the audit log."""
    assert access.accounts is not None
    entry = Entry(event, who, request.method, request.url.path, address=address_of(request))
    await to_thread.run_sync(note, access.accounts, entry)
    note_logged()
