"""The connection of a client: `Connection.request` returns the answer to any request, or raises ProblemError.

Needs httpx.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class ProblemError(Exception):
    """The server refused a request: `status`, `detail` (one sentence), and `errors`, {field: what is wrong with it}."""

    def __init__(self, status: int, detail: str, errors: Mapping[str, str]) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail, self.errors = status, detail, dict(errors)


class Connection:
    """The REST API at a URL, with a key where it has accounts."""

    def __init__(self, url: str, timeout: float, key: str | None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1/", timeout=timeout, headers=headers)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to any request; raises ProblemError when it is refused."""
        answer = self.http.request(method, path, **options)
        if answer.is_error:
            raise problem_of(answer)
        return answer

    def get(self, path: str, **given: Any) -> httpx.Response:
        """The answer to GET, with what is given (not None) as its query."""
        query = {name: str(value) for name, value in given.items() if value is not None}
        return self.request("GET", path, params=query)


def problem_of(answer: httpx.Response) -> ProblemError:
    """The problem of an answer; its text where something between client and server has answered."""
    try:
        body = answer.json()
        errors = {error["field"]: error["detail"] for error in body.get("errors", ())}
        return ProblemError(answer.status_code, body["detail"], errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ProblemError(answer.status_code, answer.text[:500], {})
