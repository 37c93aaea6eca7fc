"""The door of a process: GET /live, /ready, /metrics over plain HTTP on loopback, for probes and Prometheus.

Without a framework, because each process has one and most serve nothing else. Refuses to listen beyond loopback, to
tell anything that a check did not say itself, and to wait for a client: who sends rubbish, much or nothing is cut off.
"""

import asyncio
import errno
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

from weld.kit import metrics

Check = Callable[[], Awaitable[str | None]]
"""None = fine, otherwise the reason why not."""

_HEAD_BYTES = 4096
_MOST_CLIENTS = 32

Answer = tuple[HTTPStatus, str, bytes]


class PortTakenError(RuntimeError):
    """Somebody else listens there; the message is for a person."""


@contextmanager
def port_taken(port: int, setting: str) -> Iterator[None]:
    """Turns "address in use" into a line that says which setting to change."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTakenError(f"port {port} is in use: set {setting}") from None


def announce(file: Path, words: str) -> None:
    """Leave word of where a process listens, whole or not at all: whoever waits for the file reads it the moment it is there."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(words)
    beside.replace(file)


class Door:
    """`async with Door("127.0.0.1", 0, {"database": check}) as door: door.port`; port 0 = a free one."""

    def __init__(
        self,
        host: str,
        port: int,
        checks: Mapping[str, Check] | None = None,
        *,
        client_within_s: float = 2.0,
        check_within_s: float = 2.0,
    ) -> None:
        if host != "localhost" and not ip_address(host).is_loopback:
            raise ValueError(f"a door must be on loopback, not on {host}")
        self._host = host
        self._port = port
        self._checks = dict(checks or {})
        self._client_within_s = client_within_s
        self._check_within_s = check_within_s
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Begin to listen; PortTakenError says what to do where somebody else does already."""
        with port_taken(self._port, "WELDGATE_DOOR_PORT (0 = a free one)"):
            self._server = await asyncio.start_server(self._welcome, self._host, self._port, limit=_HEAD_BYTES)
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no longer and cut off whoever is still there."""
        if self._server is None:
            return
        self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def port(self) -> int:
        """Where it listens; after `open` never 0."""
        return self._port

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.current_task()
        if client is None or len(self._clients) >= _MOST_CLIENTS:
            writer.transport.abort()
            return
        self._clients.add(client)
        try:
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._serve(reader, writer)
        finally:
            self._clients.discard(client)
            writer.transport.abort()  # whatever was not taken in time is thrown away

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._client_within_s):
            head = await reader.readuntil(b"\r\n\r\n")
        status, kind, body = await self._answer(head.split(b"\r\n", 1)[0])
        words = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        writer.write(f"{words}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        async with asyncio.timeout(self._client_within_s):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _answer(self, request: bytes) -> Answer:
        match request.split(b" "):
            case [b"GET", b"/live", _]:
                return HTTPStatus.OK, "application/json", b'{"live": true}'
            case [b"GET", b"/ready", _]:
                return await self._ready()
            case [b"GET", b"/metrics", _]:
                return HTTPStatus.OK, metrics.CONTENT_TYPE, metrics.render()
            case [b"GET", _, _]:
                return HTTPStatus.NOT_FOUND, "text/plain", b"/live, /ready, /metrics\n"
            case [_, _, version] if version.startswith(b"HTTP/"):
                return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"GET only\n"
            case _:
                return HTTPStatus.BAD_REQUEST, "text/plain", b"not HTTP\n"

    async def _ready(self) -> Answer:
        reasons = await asyncio.gather(*(_ask(check, self._check_within_s) for check in self._checks.values()))
        said = {name: reason or "ok" for name, reason in zip(self._checks, reasons, strict=True)}
        ready = not any(reasons)
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", json.dumps({"ready": ready, "checks": said}).encode()


async def _ask(check: Check, within_s: float) -> str | None:
    """A check that fails or hangs is a reason too; the text of its error stays here, it could hold a secret."""
    try:
        async with asyncio.timeout(within_s):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        return type(error).__name__
