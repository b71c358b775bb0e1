"""Requests in the log: `AccessLog(app)` is the ASGI app `app`; its requests are traced, and logged in JSON.

Each line of a request, also those about errors in it, has its `request_id`; queries and headers, which may hold
secrets, are in none.
"""

import logging
import time
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecasting.services import log
from forecasting.services.traces import span

NO_ANSWER = 500
"""Status of a request that was never answered: its app failed, or nobody waited."""


class AccessLog:
    """An ASGI app around another."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer, and log method, path, status and seconds."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        status, started = NO_ANSWER, time.perf_counter()

        async def send_on(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        fields, request_id = {"method": scope["method"], "path": scope["path"]}, uuid4().hex
        with log.context(request_id=request_id), span("request", request_id=request_id, **fields) as traced:
            try:
                await self.app(scope, receive, send_on)
            finally:
                traced["status"], seconds = status, round(time.perf_counter() - started, 4)
                log.event("request", level=logging.DEBUG, **fields, status=status, seconds=seconds)
