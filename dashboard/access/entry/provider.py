"""Signing in at a provider of OpenID Connect: `routes(access)` sends people there, and takes them back.

What the provider says of somebody is believed only with its signature, for this program, and for the sign-in that this
very browser began. Users are known by the provider's own number for them; their role follows from a claim each time.
"""

import hmac
import logging
import os
from collections.abc import Mapping
from typing import Any

import httpx
from anyio import to_thread
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from joserfc.errors import JoseError

from dashboard.access.entry.sessions import begin_session, enter_in_log, local_path, shown
from dashboard.access.settings import Access
from forecasting.config.sections import Oidc
from forecasting.errors import UserError
from forecasting.services.accounts import sign_ins
from forecasting.services.accounts.identity import ROLES, Role
from forecasting.services.accounts.users import checked_name

log = logging.getLogger(__name__)
SECRET = "DEMANDCAST_OIDC_SECRET"
"""The environment variable with the secret that the provider has given to this program."""
BEGIN, BACK = "/sign-in/provider", "/sign-in/back"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that only the provider can make."""
FAILED = "Signing in elsewhere did not work. Try again; if it stays so, the log of the server has the reason."


class NotAdmitted(Exception):
    """The provider knows somebody who is not to come in; the text says why."""


def routes(access: Access) -> APIRouter:
    """GET /sign-in/provider and /sign-in/back; without a provider both lead to the page where one signs in."""
    router, oidc = APIRouter(), access.config.access.oidc
    client = build_client(oidc) if oidc else None

    @router.get(BEGIN)
    async def leave(request: Request, next: str = "/") -> Response:
        """Send the browser to the provider, with a cookie by which it is known again when it comes back."""
        if client is None or access.accounts is None:
            return RedirectResponse("/sign-in", 303)
        try:
            await _load_metadata(client, oidc)
            begun = await client.create_authorization_url(_back(access, request))
        except (AuthlibBaseError, httpx.HTTPError, RuntimeError, ValueError) as error:
            log.warning("the provider %s cannot be reached: %s", oidc.issuer, error)
            return shown(access, "/", FAILED, 502)
        return await _sent_away(access, request, begun, local_path(next))

    @router.get(BACK)
    async def come_back(request: Request, code: str = "", state: str = "") -> Response:
        """Begin a session for whom the provider has sent back."""
        if client is None or access.accounts is None:
            return RedirectResponse("/sign-in", 303)
        try:
            pending = await _pending(access, request, state)
            claims = await _claims(client, oidc, _back(access, request), code, pending)
            user, name = await _user(access, oidc, claims)
        except (NotAdmitted, AuthlibBaseError, JoseError, httpx.HTTPError, RuntimeError, ValueError, KeyError) as error:
            log.warning("a sign-in at %s was refused: %s: %s", oidc.issuer, type(error).__name__, error)
            await enter_in_log(access, request, "sign-in refused", "nobody")
            return shown(access, "/", str(error) if isinstance(error, NotAdmitted) else FAILED, 403)
        await enter_in_log(access, request, "sign-in", name)
        answer = await begin_session(access, request, user, pending["next"])
        answer.delete_cookie(_cookie(access, request), secure=access.is_https(request), httponly=True, samesite="lax")
        return answer

    return router


def build_client(oidc: Oidc) -> Any:
    """Authlib's client of the provider; without a secret one that proves itself by PKCE alone."""
    secret = os.environ.get(SECRET)
    return OAuth().register(
        "provider",
        client_id=oidc.client_id,
        client_secret=secret,
        server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": " ".join(oidc.scopes), "code_challenge_method": "S256", "timeout": 20}
        | ({} if secret else {"token_endpoint_auth_method": "none"}),
    )


def role_for(oidc: Oidc, claims: Mapping[str, Any]) -> Role | None:
    """The highest role that the claim gives; None where it gives none."""
    claimed = claims.get(oidc.role_claim)
    values = {claimed} if isinstance(claimed, str) else {str(value) for value in claimed or ()}
    return next((role for role in reversed(ROLES) if values & set(oidc.roles.get(role, ()))), None)


async def _sent_away(access: Access, request: Request, begun: Mapping[str, Any], wanted: str) -> Response:
    """The way to the provider, with a cookie for what the sign-in began with, which stays here."""
    assert access.accounts is not None
    kept = {name: begun[name] for name in ("state", "nonce", "code_verifier")} | {"next": wanted}
    token = await to_thread.run_sync(sign_ins.put_pending, access.accounts, kept)
    answer = RedirectResponse(begun["url"], 303)
    life, secure = int(sign_ins.PENDING.total_seconds()), access.is_https(request)
    answer.set_cookie(_cookie(access, request), token, life, secure=secure, httponly=True, samesite="lax")
    return answer


async def _load_metadata(client: Any, oidc: Oidc) -> None:
    """Read what the provider says of itself, once; raises ValueError when it is another one than the config's."""
    metadata = await client.load_server_metadata()
    if metadata.get("issuer", "").rstrip("/") != oidc.issuer.rstrip("/"):
        raise ValueError(f"it calls itself {metadata.get('issuer')!r}")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in ALGORITHMS]


async def _pending(access: Access, request: Request, state: str) -> dict[str, Any]:
    """What this browser's sign-in began with."""
    assert access.accounts is not None
    token = request.cookies.get(_cookie(access, request), "")
    pending = await to_thread.run_sync(sign_ins.take_pending, access.accounts, token)
    if pending is None or not hmac.compare_digest(pending["state"].encode(), state.encode()):
        raise NotAdmitted("This sign-in was not begun in this browser, or took too long. Try again.")
    return pending


async def _claims(client: Any, oidc: Oidc, back: str, code: str, pending: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider says, signed, of who comes back; from its other source where the token has no roles."""
    if not code:
        raise NotAdmitted("The provider has not let you in.")
    await _load_metadata(client, oidc)
    token = await client.fetch_access_token(redirect_uri=back, code=code, code_verifier=pending["code_verifier"])
    claims = await client.parse_id_token(token, nonce=pending["nonce"])
    if claims is None or not claims.get("sub"):
        raise ValueError("the provider has sent no ID token")
    if oidc.role_claim in claims or not client.server_metadata.get("userinfo_endpoint"):
        return dict(claims)
    more = await client.userinfo(token=token)
    if more.get("sub") != claims["sub"]:
        raise ValueError("the provider speaks of two users")
    return {**more, **claims}


async def _user(access: Access, oidc: Oidc, claims: Mapping[str, Any]) -> tuple[int, str]:
    """The id and the name of the user; raises NotAdmitted for who has no role, or the name of somebody else."""
    assert access.accounts is not None
    try:
        name = checked_name(str(claims.get(oidc.name_claim) or claims["sub"]), "user")
    except UserError as error:
        raise NotAdmitted(str(error)) from None
    role = role_for(oidc, claims)
    if role is None:
        raise NotAdmitted(f"{name} has no role here. Ask an admin to be let in.")
    subject = f"{oidc.issuer} {claims['sub']}"
    user = await to_thread.run_sync(sign_ins.known_elsewhere, access.accounts, subject, name, role)
    if user is None:
        raise NotAdmitted(f"The name {name} belongs to a user who signs in with a password.")
    return user, name


def _back(access: Access, request: Request) -> str:
    return (access.public_url or str(request.base_url).rstrip("/")) + BACK


def _cookie(access: Access, request: Request) -> str:
    return f"{access.cookie_of(request)}-provider"
