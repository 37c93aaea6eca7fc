"""The process: pool, listener for hints, HTTP server, door; one clean stop for all of them.

Refuses to open a database or a vault by itself: addresses and keys are handed in by the composition.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import structlog
import uvicorn

from api import issuer, recheck
from api.app import create_app
from api.board import Board
from api.code_provider import CodeProvider, provider_of
from api.health import why_not
from api.identity_provider import identity_provider
from api.importer import Importer
from api.parts import Parts
from api.screens import PAGES, listed
from api.settings import ApiSettings
from weld.kit.clock import Clock
from weld.kit.door import Door, announce, port_taken
from weld.kit.settings import PORTS
from weld.store import access_rules, audit, pulse
from weld.store.audit import Trace
from weld.store.connect import FAILURES, TRANSIENT, pool
from weld.store.vault import Vault, VaultError

log = structlog.get_logger()

_WORK_AGAIN_S = 5.0
_LISTEN_AGAIN_S = 1.0

# The public port is the table's; the door stands ten further on.
_DOOR_PORT = PORTS["api"] + 10


async def serve(
    settings: ApiSettings,
    database_url: str,
    vault: Vault,
    clock: Clock,
    stop: asyncio.Event,
    address_file: Path | None = None,
    *,
    codes: CodeProvider | None = None,
) -> None:
    """Serve until `stop`. `database_url` signs in as the role api. The address file gets the door's address, then ours."""
    rules, register = access_rules.load(settings.access_rules), issuer.register_of(settings, clock)
    async with pool(database_url, "api", settings.api_pool_size) as connections:
        parts = Parts(
            connections,
            vault,
            clock,
            codes or provider_of(settings),
            settings,
            rules,
            Board(),
            pages=listed(settings.pages_folder or PAGES),
            map_files=listed(settings.map_folder) if settings.map_folder else {},
        )
        identity_provider(parts)  # a secret that cannot be read is told now, not at the first sign-in
        await _tell_the_audit(parts)
        door_port = _DOOR_PORT if settings.door_port is None else settings.door_port
        async with Door("127.0.0.1", door_port, {"database": partial(why_not, parts)}) as door:
            doors = f"http://127.0.0.1:{door.port}"
            await _work(parts, database_url, register, stop, partial(_tell, address_file, doors))


async def _tell_the_audit(parts: Parts) -> None:
    """By which rules this process decides: a file that was changed differs from what the last start said."""
    words = {
        "versions": [entry.version for entry in parts.rules],
        "sha256": access_rules.mark(parts.settings.access_rules),
    }
    async with parts.pool.connection() as conn, conn.transaction():
        await audit.append(conn, [Trace(parts.clock.now(), "api", "rules.loaded", "access_rules", words)])


def _tell(address_file: Path | None, door: str, address: str) -> None:
    if address_file is not None:
        announce(address_file, f"{door} {address}")


async def _work(
    parts: Parts,
    database_url: str,
    register: issuer.HttpRegister | None,
    stop: asyncio.Event,
    bound: Callable[[str], None],
) -> None:
    works: list[Callable[[], Awaitable[None]]] = [
        partial(_listen, parts, database_url),
        partial(_recheck, parts),
        partial(_import, parts, stop),
    ]
    if register is not None:
        works.append(partial(_ask_register, parts, register))
    tasks = [asyncio.create_task(_go_on(work)) for work in works]
    try:
        await _serve_http(parts, stop, bound)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: weld.kit.run has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve_http(parts: Parts, stop: asyncio.Event, bound: Callable[[str], None]) -> None:
    settings = parts.settings
    config = uvicorn.Config(
        create_app(parts),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=bool(settings.api_trusted_proxies),
        forwarded_allow_ips=settings.api_trusted_proxies or None,
        timeout_graceful_shutdown=settings.api_stop_within_s,
    )
    server = _Server(config)
    with _listening(settings.api_host, settings.api_port) as listening:
        host, port = listening.getsockname()[:2]
        log.info("api_listening", host=host, port=port)
        bound(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        parts.board.close()
        server.should_exit = True
        await serving


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with port_taken(port, "WELDGATE_API_PORT"):
        listening = socket.create_server((host, port), family=family, backlog=2048)
    with listening:
        yield listening


async def _go_on(work: Callable[[], Awaitable[None]]) -> None:
    """What an error ends that nobody foresaw begins again: without this its end would show nowhere."""
    while True:
        try:
            return await work()
        except Exception:
            log.exception("work_failed")
            await asyncio.sleep(_WORK_AGAIN_S)


async def _listen(parts: Parts, database_url: str) -> None:
    """Hints for the streams; after a break everybody looks again, as hints may have been lost."""
    while True:
        try:
            async for subject in pulse.hints(database_url, "api hints"):
                if subject:
                    parts.board.post(subject)
                else:
                    parts.board.post_all()
        except TRANSIENT as error:
            log.warning("hints_lost", error=type(error).__name__)
        await asyncio.sleep(_LISTEN_AGAIN_S)


async def _recheck(parts: Parts) -> None:
    """Work that runs does not outlive its licence."""
    while True:
        try:
            await recheck.turn(parts)
        except FAILURES as error:
            log.warning("recheck_failed", error=type(error).__name__)
        await asyncio.sleep(parts.settings.api_recheck_every_s)


async def _ask_register(parts: Parts, register: issuer.HttpRegister) -> None:
    """Certificates are asked about again and again, a few at a time."""
    while True:
        try:
            await issuer.turn(parts, register)
        except (*FAILURES, VaultError) as error:
            log.warning("register_round_failed", error=type(error).__name__)
        await asyncio.sleep(parts.settings.register_every_s)


async def _import(parts: Parts, stop: asyncio.Event) -> None:
    """Imports: whoever brought one may be gone, and the api that took it in as well."""
    if parts.settings.api_imports:
        await Importer.of(parts).run(stop)
