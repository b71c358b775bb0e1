"""`routes(access)`: GET and POST /sign-in with name and password, POST /sign-out.

A wrong password costs time: after some of them in a quarter of an hour, nothing is tried any more for a while.
"""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from dashboard.access.settings import Access
from dashboard.access.sign_in_page import HEADERS, sign_in_page
from dashboard.access.trail import address_of
from dashboard.access.visits import current
from forecasting.services.accounts import sign_ins
from forecasting.services.accounts.audit import Entry, Event, note, refused_sign_ins
from forecasting.services.accounts.database import Accounts
from forecasting.services.accounts.users import check_password

WITHIN = timedelta(minutes=15)
MOST_TOGETHER, MOST_FROM_ADDRESS, MOST_OF_USER = 5, 20, 50
"""Refused sign-ins within that time: of one user from one address, from one address, of one user."""
AT_ONCE = 2
"""Passwords that are checked at the same time: each takes much memory on purpose."""


def routes(access: Access) -> APIRouter:
    """GET and POST /sign-in, POST /sign-out."""
    router, limiter = APIRouter(), CapacityLimiter(AT_ONCE)

    @router.get("/sign-in")
    async def ask(next: str = "/") -> Response:
        """The page where one signs in; without accounts there is nothing to sign in to."""
        if access.accounts is None:
            return RedirectResponse("/", 303)
        return _page(access, local_path(next))

    @router.post("/sign-in")
    async def enter(request: Request) -> Response:
        """Begin a session, or show the page again with the reason why not."""
        if access.accounts is None:
            return RedirectResponse("/", 303)
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}
        name, wanted = form.get("name", "").strip().lower(), local_path(form.get("next", "/"))
        if await to_thread.run_sync(_is_guessing, access.accounts, name, address_of(request)):
            wait = "There were too many wrong passwords. Wait a quarter of an hour, or ask an admin for a new one."
            return _page(access, wanted, wait, 429)
        password = form.get("password", "")
        user = await to_thread.run_sync(check_password, access.accounts, name, password, limiter=limiter)
        if user is None:
            await _note(access, request, "sign-in refused", name)
            return _page(access, wanted, "The name or the password is wrong.", 401)
        await _note(access, request, "sign-in", name)
        return await begin_session(access, request, user, wanted)

    @router.post("/sign-out")
    async def leave(request: Request) -> Response:
        """End the session."""
        cookie = access.cookie_of(request)
        if access.accounts is not None and (token := request.cookies.get(cookie)):
            await to_thread.run_sync(sign_ins.sign_out, access.accounts, token)
            await _note(access, request, "sign-out", current().name)
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(cookie, secure=access.is_https(request), httponly=True, samesite="lax")
        return answer

    return router


async def begin_session(access: Access, request: Request, user: int, wanted: str) -> Response:
    """Go to the page that was wanted, with the cookie of a new session."""
    assert access.accounts is not None
    token = await to_thread.run_sync(sign_ins.sign_in, access.accounts, user, access.hours)
    answer = RedirectResponse(wanted, 303)
    kept = {"max_age": access.hours * 3600, "secure": access.is_https(request), "httponly": True}
    answer.set_cookie(access.cookie_of(request), token, samesite="lax", **kept)  # type: ignore[arg-type]
    return answer


def local_path(wanted: str) -> str:
    """The path of this server to go to after signing in; "/" for every other address."""
    parts = urlsplit(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if local and wanted.isprintable() and not wanted.startswith("/sign-") else "/"


def _page(access: Access, wanted: str, wrong: str = "", status: int = 200) -> Response:
    later = {"Retry-After": str(int(WITHIN.total_seconds()))} if status == 429 else {}
    return HTMLResponse(sign_in_page(access.config.name, wanted, wrong), status, HEADERS | later)


def _is_guessing(accounts: Accounts, name: str, address: str) -> bool:
    """Whether too many sign-ins were refused lately."""
    return (
        refused_sign_ins(accounts, WITHIN, who=name, address=address) >= MOST_TOGETHER
        or refused_sign_ins(accounts, WITHIN, address=address) >= MOST_FROM_ADDRESS
        or refused_sign_ins(accounts, WITHIN, who=name) >= MOST_OF_USER
    )


async def _note(access: Access, request: Request, event: Event, who: str) -> None:
    assert access.accounts is not None
    entry = Entry(event, who, request.method, request.url.path, address=address_of(request))
    await to_thread.run_sync(note, access.accounts, entry)
