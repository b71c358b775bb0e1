"""`Guard`: the ASGI app before the dashboard. It finds out who asks, and passes on what this person or program may ask.

Every answer gets the headers of `headers`; sign-ins, refusals and writes go to the audit log.
"""

import time
from math import ceil

from anyio import to_thread
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access.bodies import received
from dashboard.access.headers import Hardening
from dashboard.access.origin import is_for_this_machine, is_foreign
from dashboard.access.policy import SAFE, Rule, rule_of
from dashboard.access.rates import Rates
from dashboard.access.refusals import Refused, answer
from dashboard.access.settings import Access
from dashboard.access.trail import Trail, address_of
from dashboard.access.visits import LOCAL, VISIT, Visit
from forecasting.services.accounts.identity import Identity, allows
from forecasting.services.accounts.keys import find_key
from forecasting.services.accounts.sign_ins import find_session

NOBODY = Identity("", "nobody", "session")
"""Who is not signed in: only what is for all is answered."""


class Guard:
    """The app behind it, for those who may ask."""

    def __init__(self, app: ASGIApp, access: Access, hardening: Hardening) -> None:
        self.app, self.access, self.hardening = app, access, hardening
        self.trail = Trail(access.accounts)
        self.rates = Rates(access.config.access.requests_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        rule = rule_of(scope.get("method", "WEBSOCKET"), scope["path"])
        visit, statuses = Visit(NOBODY, writes=rule.writes), []
        send = self._hardened(send, connection, statuses)
        try:
            who = await self._identify(connection)
            visit.identity = who or NOBODY
            self._slow_down(connection, who)
            self._check(connection, rule, who)
            if rule.limit is not None and scope.get("method", "GET") not in SAFE:
                receive = await received(receive, rule.limit, connection.headers.get("content-length"))
        except Refused as refused:
            await _refuse(refused, scope, receive, send)
        else:
            token = VISIT.set(visit)
            try:
                await self.app(scope, receive, send)
            finally:
                VISIT.reset(token)
        await self.trail.note(connection, rule, visit, statuses[0] if statuses else 0)

    def _slow_down(self, connection: HTTPConnection, who: Identity | None) -> None:
        """Raise Refused for who has asked too often; where nobody has to sign in there is only this machine."""
        if who is LOCAL:
            return
        wait = self.rates.seconds_to_wait(who.name if who else address_of(connection), time.monotonic())
        if wait:
            raise Refused(429, "too many requests (access.requests_per_second)", {"Retry-After": str(ceil(wait))})

    def _check(self, connection: HTTPConnection, rule: Rule, who: Identity | None) -> None:
        """Raise Refused when a foreign site asks, nobody known does, or somebody without the role."""
        if is_foreign(connection, self.access, who):
            raise Refused(403, "the request comes from another site, or does not say from where: send a key instead")
        if rule.role is None:
            return
        if who is None:
            raise Refused(401, "sign in, or send a key: Authorization: Bearer ...", {"WWW-Authenticate": "Bearer"})
        if not allows(who.role, rule.role):
            raise Refused(403, f"this needs the role {rule.role}, and {who.name} is {who.role}")

    async def _identify(self, connection: HTTPConnection) -> Identity | None:
        """Who asks, by a key or by a session; None: nobody known. Raises Refused for a key that is not valid."""
        accounts = self.access.accounts
        if accounts is None:
            if not is_for_this_machine(connection):
                raise Refused(403, "without accounts only this machine is answered, at http://localhost or 127.0.0.1")
            return LOCAL
        kind, _, key = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            if found := await to_thread.run_sync(find_key, accounts, key.strip()):
                return found
            raise Refused(401, "this key is not valid", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        token = connection.cookies.get(self.access.cookie_of(connection))
        return await to_thread.run_sync(find_session, accounts, token) if token else None

    def _hardened(self, send: Send, connection: HTTPConnection, statuses: list[int]) -> Send:
        """A `send` that adds the headers, and notes the status."""

        async def hardened(message: Message) -> None:
            if message["type"].startswith("websocket."):
                statuses.append(403 if message["type"] == "websocket.close" else 101)
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                self.hardening.add(MutableHeaders(scope=message), self.access.is_https(connection))
            await send(message)

        return hardened


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refused.detail})
    else:
        await answer(refused, scope)(scope, receive, send)
