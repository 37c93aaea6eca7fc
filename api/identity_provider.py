"""A government's single sign-on as we speak to it: OpenID Connect, authorisation code with PKCE, over HTTP with a time limit.

Where things are at the provider is asked seldom and kept for a while, a failure for a moment as well; keys are asked for with
every token. Refuses unsigned and symmetric tokens, redirects, addresses less safe than the issuer's, answers without measure,
and to name in the log anything but the kind of failure.
"""

import asyncio
import json
import ssl
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import httpx
from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from api.parts import Parts
from api.settings import ApiSettings
from weld.kit.clock import Clock

BACK: Final = "/api/v1/staff/single-sign-on/back"
_OUT: Final = "/console/sign-in"
_ALGORITHMS: Final = ["RS256", "PS256", "ES256"]
_LARGEST: Final = 256 * 1024
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_KEPT_S: Final = 600.0
_FAILURE_KEPT_S: Final = 5.0


class IdentityProviderError(Exception):
    """The provider does not answer as it should; its words are not repeated."""


class Asked(NamedTuple):
    """What goes along with a request for a code, and is needed to end it."""

    state: str
    nonce: str
    code_verifier: str


class Told(NamedTuple):
    """What the provider says of itself. `posts`: it wants our secret in the form instead of a header."""

    authorization: str
    token: str
    keys: str
    end: str | None
    posts: bool


class IdentityProvider:
    """One provider and our client there."""

    def __init__(self, settings: ApiSettings, clock: Clock) -> None:
        self.issuer = settings.sso_issuer
        self.client = settings.sso_client_id
        self._settings = settings
        self._clock = clock
        self._one = asyncio.Lock()
        self._kept: tuple[float, Told | IdentityProviderError] | None = None
        file, ca = settings.sso_client_secret_file, settings.sso_ca_file
        self._secret = None if file is None else file.read_text(encoding="utf-8").strip()
        self._trusted = ssl.create_default_context(cafile=None if ca is None else str(ca))

    async def told(self) -> Told:
        """Where things are there. Many who come at once ask once."""
        async with self._one:
            now = self._clock.monotonic()
            if self._kept is None or self._kept[0] <= now:
                try:
                    self._kept = (now + _KEPT_S, await self._ask())
                except IdentityProviderError as error:
                    self._kept = (now + _FAILURE_KEPT_S, error)
            found = self._kept[1]
        if isinstance(found, IdentityProviderError):
            raise IdentityProviderError(str(found))
        return found

    def address(self, told: Told, asked: Asked, *, anew: bool) -> str:
        """Where the browser goes to sign in; `anew`: also where somebody is signed in there already."""
        words = {"state": asked.state, "nonce": asked.nonce, "scope": "openid", "redirect_uri": self._ours(BACK)}
        words |= {"code_challenge": create_s256_code_challenge(asked.code_verifier), "code_challenge_method": "S256"}
        words |= {"prompt": "login"} if anew else {}
        return str(prepare_grant_uri(told.authorization, client_id=self.client, response_type="code", **words))

    def way_out(self, told: Told) -> str | None:
        """Where the browser goes to sign out there as well; None where there is no such place."""
        if told.end is None:
            return None
        words = urlencode({"client_id": self.client, "post_logout_redirect_uri": self._ours(_OUT)})
        return f"{told.end}{'&' if '?' in told.end else '?'}{words}"

    async def claims(self, told: Told, code: str, code_verifier: str) -> dict[str, Any]:
        """What the issuer signed of whoever brought this code; whom it is for and when is not judged yet."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._ours(BACK)}
        body = urlencode(form | {"code_verifier": code_verifier})
        way = "none" if self._secret is None else "client_secret_post" if told.posts else "client_secret_basic"
        url, headers, body = ClientAuth(self.client, self._secret, way).prepare("POST", told.token, dict(_FORM), body)
        token = await self._json("POST", url, headers=headers, content=body)
        keys = await self._json("GET", told.keys)
        try:
            return dict(jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise IdentityProviderError(type(error).__name__) from None

    async def _ask(self) -> Told:
        told = await self._json("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(told, dict) or told.get("issuer") != self.issuer:
            raise IdentityProviderError("another issuer")
        ways = told.get("token_endpoint_auth_methods_supported") or []
        return Told(
            self._endpoint(told, "authorization_endpoint"),
            self._endpoint(told, "token_endpoint"),
            self._endpoint(told, "jwks_uri"),
            self._endpoint(told, "end_session_endpoint") if told.get("end_session_endpoint") else None,
            "client_secret_post" in ways and "client_secret_basic" not in ways,
        )

    def _endpoint(self, told: dict[str, Any], name: str) -> str:
        # http: a provider on this very machine, see the settings
        address, allowed = told.get(name), "https://" if self.issuer.startswith("https://") else ("https://", "http://")
        if not isinstance(address, str) or not address.startswith(allowed):
            raise IdentityProviderError(name)
        return address

    def _ours(self, path: str) -> str:
        return f"{self._settings.public_url}{path}"

    async def _json(self, method: str, address: str, **words: Any) -> Any:  # noqa: ANN401 - JSON
        try:
            async with (
                asyncio.timeout(self._settings.sso_within_s),
                httpx.AsyncClient(follow_redirects=False, trust_env=False, verify=self._trusted) as http,
                http.stream(method, address, **words) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise IdentityProviderError(f"status {answer.status_code}")
                return json.loads(await _body(answer))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            raise IdentityProviderError(type(error).__name__) from None


async def _body(answer: httpx.Response) -> bytes:
    text = b""
    async for part in answer.aiter_bytes():
        text += part
        if len(text) > _LARGEST:
            raise IdentityProviderError("too large")
    return text


def identity_provider(parts: Parts) -> IdentityProvider | None:
    """The provider of this installation; None where it names none."""
    if not parts.settings.sso_issuer:
        return None
    if parts.board.identity_provider is None:
        parts.board.identity_provider = IdentityProvider(parts.settings, parts.clock)
    return parts.board.identity_provider
