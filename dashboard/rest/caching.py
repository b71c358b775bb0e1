"""Answers that need not be made again: `etag` of what they rest on, `unchanged` for clients, `AnswerCache` for us.

An ETag is of the vintage (a published forecast) and the question, so that it holds until there is a newer forecast.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

from fastapi import Request, Response

CACHE_CONTROL = "private, no-cache"
"""Clients may keep an answer, and ask each time whether it still holds."""


def etag(*parts: object) -> str:
    """The ETag of an answer that rests on these parts."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def headers(tag: str) -> dict[str, str]:
    """The headers of an answer with an ETag."""
    return {"ETag": tag, "Cache-Control": CACHE_CONTROL}


def unchanged(request: Request, tag: str) -> Response | None:
    """The answer 304 to a client that holds the answer with this ETag already."""
    held = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    return Response(status_code=304, headers=headers(tag)) if held & {tag, "*"} else None


class AnswerCache:
    """The newest `size` answers by question; safe for threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._held: OrderedDict[Hashable, Any] = OrderedDict()
        self._guard = Lock()

    def get(self, key: Hashable) -> Any | None:
        """The answer that is held, or None."""
        with self._guard:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Hashable, answer: Any) -> None:
        """Hold an answer."""
        with self._guard:
            self._held[key] = answer
            while len(self._held) > self.size:
                self._held.popitem(last=False)
