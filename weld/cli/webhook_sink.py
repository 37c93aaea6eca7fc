"""`weldgate webhook-sink`: what an enforcement team's receiver must do, small enough to read in one go.

Verifies the signature (Standard Webhooks), refuses stale timestamps, forgets repetitions by their webhook-id, prints one
JSON line for each hook. On request it fails, for tests of the sender. Refuses to believe anything that is not signed.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from standardwebhooks import Webhook, WebhookVerificationError

from weld.kit.door import port_taken

_HEAD_BYTES = 16_384
_BODY_BYTES = 65_536
_WITHIN_S = 10.0


class Hook(NamedTuple):
    """One accepted webhook: its id, when it came, the body as sent and as read."""

    id: str
    received_at: datetime
    text: str
    body: dict[str, Any]

    def line(self) -> str:
        """One JSON line for people and programs."""
        words = {"id": self.id, "received_at": self.received_at.isoformat(), **self.body}
        return json.dumps(words, ensure_ascii=False)


class Call(NamedTuple):
    """One request, whatever it was: the id it claimed and what it was answered."""

    id: str | None
    status: int


@dataclass
class Failures:
    """How to misbehave: the first `first` requests (-1: all) get `status` with `headers`; each waits for `delay_s`."""

    first: int = 0
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


class WebhookSink:
    """`async with WebhookSink(secret) as sink: sink.url, sink.received, await sink.wait_for(...)`."""

    def __init__(
        self,
        secret: str | Sequence[str],
        failures: Failures | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        tell: Callable[[Hook], None] = lambda _: None,
    ) -> None:
        self._verifiers = [Webhook(one) for one in ([secret] if isinstance(secret, str) else secret)]
        self.failures = failures or Failures()
        self.received: list[Hook] = []
        self.calls: list[Call] = []
        self.at_once = 0
        self.most_at_once = 0
        self._host = host
        self._port = port
        self._tell = tell
        self._seen: set[str] = set()
        self._news = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._port}/"

    async def __aenter__(self) -> Self:
        with port_taken(self._port, "--port"):
            self._server = await asyncio.start_server(self._welcome, self._host, self._port, limit=_HEAD_BYTES)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            for client in self._clients:
                client.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)
            await self._server.wait_closed()

    async def wait_for(self, predicate: Callable[[Hook], bool], timeout: float) -> Hook:  # noqa: ASYNC109
        """The first hook that fits, already here or still to come; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout), self._news:
            while True:
                for hook in self.received:
                    if predicate(hook):
                        return hook
                await self._news.wait()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.current_task()
        if client is not None:
            self._clients.add(client)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            async with asyncio.timeout(_WITHIN_S + self.failures.delay_s):
                await self._serve(reader, writer)
        except (TimeoutError, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that went away, or no HTTP
        finally:
            self.at_once -= 1
            self._clients.discard(client) if client is not None else None
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        size = int(headers.get("content-length", "0"))
        body = await reader.readexactly(size) if 0 <= size <= _BODY_BYTES else b""
        status = HTTPStatus.METHOD_NOT_ALLOWED if method != "POST" else await self._judge(headers, body)
        self.calls.append(Call(headers.get("webhook-id"), status))
        if self.failures.delay_s:
            await asyncio.sleep(self.failures.delay_s)
        more = self.failures.headers if status == self.failures.status else {}
        words = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        head = f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\n{words}"
        writer.write(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()

    async def _judge(self, headers: Mapping[str, str], body: bytes) -> int:
        if self.failures.first != 0:
            self.failures.first -= 1 if self.failures.first > 0 else 0
            return self.failures.status
        if len(body) >= 20_000:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if not any(_is_signed(verifier, headers, body) for verifier in self._verifiers):
            return HTTPStatus.UNAUTHORIZED
        hook = Hook(headers["webhook-id"], datetime.now(UTC), body.decode(), json.loads(body))
        if hook.id not in self._seen:
            self._seen.add(hook.id)
            self._tell(hook)
            async with self._news:
                self.received.append(hook)
                self._news.notify_all()
        return HTTPStatus.NO_CONTENT


def _is_signed(verifier: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    """Signature and age (300 s either way); the library raises ValueError too, where a header is rubbish."""
    try:
        verifier.verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _head(head: bytes) -> tuple[str, dict[str, str]]:
    request, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return request.partition(" ")[0], {name.strip().lower(): value.strip() for name, _, value in pairs}


def read_secrets(file: Path) -> list[str]:
    """The secrets of a file, one a line: two while one replaces the other. ValueError names the line that is none."""
    secrets = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            Webhook(line.strip())
        except ValueError:
            raise ValueError(f"{file}, line {number}: not a webhook secret (whsec_...)") from None
        secrets.append(line.strip())
    if not secrets:
        raise ValueError(f"{file} holds no secret (whsec_...)")
    return secrets


async def run(port: int, secrets: Sequence[str], failures: Failures, stop: asyncio.Event) -> None:
    """The command: a line on stdout for each accepted hook, until `stop`."""

    def tell(hook: Hook) -> None:
        print(hook.line(), flush=True)

    async with WebhookSink(secrets, failures, port=port, tell=tell) as sink:
        print(f"listening on {sink.url}", file=sys.stderr, flush=True)
        await stop.wait()
