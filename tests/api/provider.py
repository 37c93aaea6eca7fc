"""A small OpenID Connect provider on loopback: discovery, keys, codes, tokens that it signs. It can be told to do wrong."""

import asyncio
import base64
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT, SECRET = "weldgate", "client-secret"


@dataclass
class Provider:
    """`subject` is who sits at its sign-in page; `claims` and `sign` change what it says."""

    address: str
    now: Callable[[], float]
    subject: str = "person-1"
    claims: dict[str, Any] = field(default_factory=dict)
    sign: str = "RS256"
    stranger: bool = False
    secret: str | None = SECRET
    asked: int = 0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))

    def app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/.well-known/openid-configuration", self.told)
        app.add_api_route("/authorize", self.authorize, response_class=RedirectResponse)
        app.add_api_route("/token", self.token, methods=["POST"])
        app.add_api_route("/keys", self.keys)
        return app

    async def told(self) -> dict[str, str]:
        self.asked += 1
        names = {
            "end_session_endpoint": "end",
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
        }
        return {"issuer": self.address} | {name: f"{self.address}/{path}" for name, path in names.items()}

    async def keys(self) -> Any:
        return KeySet([self.key]).as_dict(private=False)

    async def authorize(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 302)

    async def token(self, request: Request) -> JSONResponse:
        given = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(given.get("code", ""), None)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or request.headers.get("authorization") != (basic if self.secret else None)
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != given["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])})

    def _id_token(self, nonce: str) -> str:
        now = int(self.now())
        claims = {"iss": self.address, "aud": CLIENT, "sub": self.subject, "nonce": nonce, "iat": now, "exp": now + 300}
        key: Any = RSAKey.generate_key(2048, {"kid": "k1"}) if self.stranger else self.key
        if self.sign == "HS256":  # the public key taken for a shared secret
            key = OctKey.import_key(self.key.as_pem(private=False))
        return jwt.encode({"alg": self.sign, "kid": "k1"}, claims | self.claims, key, algorithms=["RS256", "HS256"])


@asynccontextmanager
async def provider(now: Callable[[], float]) -> AsyncIterator[Provider]:
    """A provider that runs."""
    running = Provider("", now)
    server = uvicorn.Server(
        uvicorn.Config(running.app(), host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none")
    )
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    running.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.should_exit = True
        await task
