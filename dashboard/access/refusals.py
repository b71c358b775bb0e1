"""What is answered to who may not ask: `answer(refused, scope)` returns a problem, or the way to sign in for a page."""

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.types import Scope

from dashboard.rest.problems import problem


class Refused(Exception):
    """A request that nobody answers: its status, and why."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def answer(refused: Refused, scope: Scope) -> Response:
    """The answer to an HTTP request: browsers that ask for a page are sent to sign in, others get a message."""
    request = Request(scope)
    if (
        refused.status == 401
        and scope["method"] in ("GET", "HEAD")
        and "text/html" in request.headers.get("accept", "")
    ):
        wanted = scope["path"] + (f"?{query}" if (query := scope["query_string"].decode("latin-1")) else "")
        return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", 303)
    return problem(request, refused.status, refused.detail, [], refused.headers)
