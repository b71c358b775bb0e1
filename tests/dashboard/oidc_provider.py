"""A small provider of OpenID Connect for tests, a process of its own: `python -m tests.dashboard.oidc_provider PORT`.

Whoever comes to /authorize is let in as the claims say that were put to /claims before; among them `wrong` names what
the ID token gets wrong. Codes hold once, and only with the verifier whose challenge they began with.
"""

import base64
import hashlib
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "demandcast", "secret-of-the-client"
app = FastAPI()
KEYS = {"right": RSAKey.generate_key(2048, {"kid": "1"}), "signature": RSAKey.generate_key(2048, {"kid": "1"})}
STATE: dict[str, Any] = {"claims": {}, "issuer": ""}
CODES: dict[str, dict[str, str]] = {}


@app.put("/claims")
async def claims(request: Request) -> None:
    STATE["claims"] = await request.json()


@app.get("/.well-known/openid-configuration")
def metadata() -> dict[str, Any]:
    at = STATE["issuer"]
    return {
        "issuer": at,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "jwks_uri": f"{at}/keys",
        "userinfo_endpoint": f"{at}/userinfo",
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    }


@app.get("/keys")
def keys() -> dict[str, Any]:
    return {"keys": [KEYS["right"].as_dict(private=False)]}


@app.get("/authorize")
def authorize(request: Request) -> Response:
    asked = dict(request.query_params)
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT
    assert asked["code_challenge_method"] == "S256"
    code = secrets.token_urlsafe(16)
    CODES[code] = asked
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)


@app.post("/token")
async def token(request: Request) -> Response:
    form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
    begun = CODES.pop(form.get("code", ""), None)
    name, _, secret = base64.b64decode(request.headers["authorization"].split()[1]).decode().partition(":")
    challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    fits = begun and begun["code_challenge"] == base64.urlsafe_b64encode(challenge).decode().rstrip("=")
    if not fits or (name, secret) != (CLIENT, SECRET) or form["redirect_uri"] != begun["redirect_uri"]:
        return JSONResponse({"error": "invalid_grant"}, 400)
    return JSONResponse({"access_token": "for userinfo", "token_type": "Bearer", "id_token": id_token(begun["nonce"])})


@app.get("/userinfo")
def userinfo() -> dict[str, Any]:
    return {"sub": STATE["claims"]["sub"]} | STATE["claims"].get("userinfo", {})


def id_token(nonce: str) -> str:
    said = dict(STATE["claims"])
    wrong = said.pop("wrong", "")
    said.pop("userinfo", None)
    now = int(time.time())
    right = {"iss": STATE["issuer"], "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 60} | said
    spoilt = {"iss": "http://elsewhere", "aud": "another program", "nonce": "old", "exp": now - 3600}
    if wrong == "none":
        parts = ({"alg": "none"}, right)
        texts = (base64.urlsafe_b64encode(str(part).replace("'", '"').encode()).decode().rstrip("=") for part in parts)
        return ".".join((*texts, ""))
    if wrong in spoilt:
        right[wrong] = spoilt[wrong]
    return jwt.encode({"alg": "RS256", "kid": "1"}, right, KEYS.get(wrong, KEYS["right"]))


if __name__ == "__main__":
    STATE["issuer"] = f"http://127.0.0.1:{sys.argv[1]}"
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
