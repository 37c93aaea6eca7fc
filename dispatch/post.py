"""One attempt: sign, connect to the allowed address, POST, look at the status. Standard Webhooks 1.0.0.

Refuses redirects, proxies from the environment, and to read what an endpoint answers beyond its status and Retry-After.
"""

import asyncio
import ssl
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import httpx
from standardwebhooks import Webhook

from dispatch.target import Guard, Refused
from weld.core.retry import Answer, retry_after_s
from weld.kit.clock import Clock


class Message(NamedTuple):
    """What goes out: its id (the same in every attempt), its text, and the secret that signs it."""

    id: str
    text: str
    secret: str


class Courier:
    """Carries messages; made once a process."""

    def __init__(self, guard: Guard, clock: Clock, timeout_s: float, ca_file: Path | None) -> None:
        self._guard = guard
        self._clock = clock
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=str(ca_file)) if ca_file else True,
            timeout=httpx.Timeout(timeout_s),
            follow_redirects=False,
            trust_env=False,
            # A kept connection would be reused by its IP address alone, for whatever name it was opened.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, url: str, message: Message) -> Answer:
        """One attempt; every failure is an answer too, with a word from a closed list."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(url, message)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, "timeout")
        except Refused as refused:
            return Answer(None, refused.kind)
        except httpx.ConnectError as error:
            return Answer(None, "tls" if _is_tls(error) else "connect")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError):
            return Answer(None, "protocol")

    async def _post(self, url: str, message: Message) -> Answer:
        target = await self._guard.target(url)
        now = self._clock.now()
        request = self._client.build_request(
            "POST",
            target.url,
            content=message.text.encode(),
            headers=_headers(message, now) | {"Host": target.host_header},
            extensions={"sni_hostname": target.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            return Answer(response.status_code, None, retry_after_s(response.headers.get("retry-after"), now))
        finally:
            await response.aclose()  # unread


def _headers(message: Message, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "weldgate",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(message.secret).sign(message.id, now, message.text),
    }


def _is_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
