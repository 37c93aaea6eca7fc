"""The border of the interface: what every request and every answer goes through, whatever the route.

A number for the request, a limit for its body, no NUL in it, headers of the answer, one log line, one metric, and the last net
under an unexpected error. Refuses to log paths with ids in them, query strings and bodies: the route's template is enough.
"""

import time
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.parts import new_id, parts_of
from api.problems import answer, language_of
from weld.core.reasons import ReasonCode
from weld.kit.metrics import MS_BUCKETS

log = structlog.get_logger()

_LATENCY = Histogram(
    "weldgate_api_request_ms", "From the request to the first byte of the answer", ["route"], buckets=MS_BUCKETS
)
_ANSWERS = Counter("weldgate_api_answers_total", "Answers by route and status class", ["route", "status"])

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}

# These routes know their caller before they read, and have a limit of their own.
_TAKEN_IN_PIECES = {("POST", "/api/v1/imports")}


class Border:
    """Pure ASGI, so that streams pass unbuffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id(parts_of(Request(scope)).clock.now())
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=str(request_id)):
            await _Passage(self._app, scope, request_id, send).go(receive)


class _Passage:
    """One request on its way through."""

    def __init__(self, app: ASGIApp, scope: Scope, request_id: UUID, send: Send) -> None:
        self._app = app
        self._scope = scope
        self._request_id = request_id
        self._send = send
        self._status = 0
        self._begun = time.perf_counter()
        self._language = language_of(Headers(scope=scope).get("accept-language"))

    async def go(self, receive: Receive) -> None:
        try:
            if (self._scope["method"], self._scope["path"]) in _TAKEN_IN_PIECES:
                await self._app(self._scope, receive, self._answer)
                return
            body = await _read(self._scope, receive, parts_of(Request(self._scope)).settings.api_body_bytes)
            if body is None:
                await self._refuse("bad_request", receive, detail="the body is too large", status=413)
            elif _has_nul(self._scope, body):
                await self._refuse("bad_request", receive, detail="a text has a NUL character (U+0000)", status=422)
            else:
                await self._app(self._scope, _replay(body, receive), self._answer)
        except Exception:
            log.exception("request_failed", route=_route(self._scope))
            if self._status:
                raise  # the answer has begun: the server cuts the connection
            await self._refuse("internal_error", receive)
        finally:
            self._count()

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            _LATENCY.labels(_route(self._scope)).observe((time.perf_counter() - self._begun) * 1000)
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = str(self._request_id)
            headers.setdefault("Content-Language", "zh-CN" if self._language == "zh" else "en")
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            _put_renewed(self._scope, headers)
        await self._send(message)

    async def _refuse(
        self, code: ReasonCode, receive: Receive, *, detail: str | None = None, status: int | None = None
    ) -> None:
        refusal = answer((code,), self._language, self._request_id, detail=detail, status=status)
        await refusal(self._scope, receive, self._answer)

    def _count(self) -> None:
        route = _route(self._scope)
        _ANSWERS.labels(route, f"{self._status // 100}xx" if self._status else "none").inc()
        took_ms = round((time.perf_counter() - self._begun) * 1000, 1)
        log.info("request", method=self._scope["method"], route=route, status=self._status, took_ms=took_ms)


def _put_renewed(scope: Scope, headers: MutableHeaders) -> None:
    """The cookie that a rule renewed (see caller.py), unless the route has set or taken away its own."""
    name, header = scope["state"].get("renewed", ("", ""))
    if name and not any(own.startswith(f"{name}=") for own in headers.getlist("set-cookie")):
        headers.append("Set-Cookie", header)


def _route(scope: Scope) -> str:
    """The template and not the path: ids stay out of logs and labels."""
    return getattr(scope.get("route"), "path", "none")


async def _read(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The whole body, or None where it is larger than `most` (then the rest is left unread)."""
    if int(_digits(Headers(scope=scope).get("content-length"))) > most:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _has_nul(scope: Scope, body: bytes) -> bool:
    """Whether a text somewhere holds U+0000, which the database cannot: no text of people does."""
    return b"\\u0000" in body or b"\0" in body or "\0" in scope["path"] or b"%00" in scope["query_string"]


def _digits(text: str | None) -> str:
    # anything else than a short number is refused by the server before it comes here
    return text if text is not None and text.isdigit() and len(text) < 16 else "0"


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once; then what really comes (a stream waits for the client to leave)."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
