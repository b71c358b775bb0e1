"""`routes(access)`: GET and POST /sign-in with name and password, POST /sign-out.

A wrong password costs time: after some of them in a quarter of an hour, nothing is tried any more for a while.
"""

from datetime import timedelta
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.access.entry.sessions import begin_session, enter_in_log, local_path, shown
from dashboard.access.settings import Access
from dashboard.access.trail import address_of
from dashboard.access.visits import current
from forecasting.services.accounts import sign_ins
from forecasting.services.accounts.audit import refused_sign_ins
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
        return shown(access, local_path(next))

    @router.post("/sign-in")
    async def enter(request: Request) -> Response:
        """Begin a session, or show the page again with the reason why not."""
        if access.accounts is None:
            return RedirectResponse("/", 303)
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}
        name, wanted = form.get("name", "").strip().lower(), local_path(form.get("next", "/"))
        if await to_thread.run_sync(_is_guessing, access.accounts, name, address_of(request)):
            wait = "There were too many wrong passwords. Wait a quarter of an hour, or ask an admin for a new one."
            return shown(access, wanted, wait, 429, int(WITHIN.total_seconds()))
        password = form.get("password", "")
        user = await to_thread.run_sync(check_password, access.accounts, name, password, limiter=limiter)
        if user is None:
            await enter_in_log(access, request, "sign-in refused", name)
            return shown(access, wanted, "The name or the password is wrong.", 401)
        await enter_in_log(access, request, "sign-in", name)
        return await begin_session(access, request, user, wanted)

    @router.post("/sign-out")
    async def leave(request: Request) -> Response:
        """End the session."""
        cookie = access.cookie_of(request)
        if access.accounts is not None and (token := request.cookies.get(cookie)):
            await to_thread.run_sync(sign_ins.sign_out, access.accounts, token)
            await enter_in_log(access, request, "sign-out", current().name)
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(cookie, secure=access.is_https(request), httponly=True, samesite="lax")
        return answer

    return router


def _is_guessing(accounts: Accounts, name: str, address: str) -> bool:
    """Whether too many sign-ins were refused lately."""
    return (
        refused_sign_ins(accounts, WITHIN, who=name, address=address) >= MOST_TOGETHER
        or refused_sign_ins(accounts, WITHIN, address=address) >= MOST_FROM_ADDRESS
        or refused_sign_ins(accounts, WITHIN, who=name) >= MOST_OF_USER
    )
