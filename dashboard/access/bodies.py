"""Bodies of requests before anything reads them: `received(receive, limit, declared)` holds them to a size."""

from starlette.types import Message, Receive

from dashboard.access.refusals import Refused


async def received(receive: Receive, limit: int, declared: str | None) -> Receive:
    """A `receive` that gives the whole body at once; raises Refused (413) when it has more bytes than `limit`."""
    if declared and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return _replaying([message], receive)
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > limit:
            raise _too_large(limit)
    return _replaying([{"type": "http.request", "body": b"".join(parts), "more_body": False}], receive)


def _replaying(messages: list[Message], receive: Receive) -> Receive:
    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _too_large(limit: int) -> Refused:
    return Refused(413, f"a request may have {limit:,} bytes, and this has more")
