"""The dispatch process: facts in, deliveries out, a door for probes; many of it may run side by side.

SIGTERM: lease nothing more, finish what is under way, leave within 10 s. Refuses to die of a database that is away: it
waits, not ready, until it is back.
"""

import asyncio
from pathlib import Path

import structlog

from dispatch import ages
from dispatch.deliver import Deliverer
from dispatch.expand import Expander
from dispatch.post import Courier
from dispatch.settings import DispatchSettings
from dispatch.target import Guard
from weld.kit.clock import Clock
from weld.kit.door import Door, announce
from weld.kit.settings import PORTS
from weld.kit.wait import wait
from weld.store.connect import TRANSIENT, Pool, connect, pool
from weld.store.listen import hints, listen
from weld.store.vault import Vault

log = structlog.get_logger()

_CONNECTIONS = 8
_RECONNECT_S = 0.5


async def serve(
    settings: DispatchSettings,
    database_url: str,
    vault: Vault,
    clock: Clock,
    stop: asyncio.Event,
    address_file: Path | None = None,
) -> None:
    """The whole process, with its door, until `stop`; the address file gets the door's address."""
    dispatcher = Dispatcher(settings, database_url, vault, clock)
    port = PORTS["dispatch"] if settings.door_port is None else settings.door_port
    async with Door("127.0.0.1", port, {"work": dispatcher.check}) as door:
        _tell(address_file, door.port)
        log.info("dispatch_started", door=door.port, allowed=len(settings.allowed))
        await dispatcher.run(stop)
    log.info("dispatch_stopped")


def _tell(address_file: Path | None, port: int) -> None:
    if address_file is not None:
        announce(address_file, f"http://127.0.0.1:{port}")


class Dispatcher:
    """The work without the door."""

    def __init__(self, settings: DispatchSettings, database_url: str, vault: Vault, clock: Clock) -> None:
        self._settings = settings
        self._url = database_url
        self._vault = vault
        self._clock = clock
        self.ready = asyncio.Event()
        self._facts = asyncio.Event()

    async def check(self) -> str | None:
        """For the door: None while facts are read."""
        return None if self.ready.is_set() else "the outbox cannot be read"

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; a database that is not there yet is waited for."""
        while not stop.is_set():
            try:
                async with pool(self._url, "dispatch", size=_CONNECTIONS) as connections:
                    return await self._work(connections, stop)
            except TRANSIENT as error:
                log.warning("dispatch_waits", error=type(error).__name__)
                await wait(stop, _RECONNECT_S)
        return None

    async def _work(self, connections: Pool, stop: asyncio.Event) -> None:
        settings = self._settings
        guard = Guard(settings.allowed)
        async with Courier(guard, self._clock, settings.webhook_timeout_s, settings.webhook_ca_file) as courier:
            deliverer = Deliverer(settings, connections, self._vault, courier, self._clock)
            expander = Expander(self._clock)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(deliverer.run(stop))
                tasks.create_task(self._expand(connections, expander, deliverer, stop))
                tasks.create_task(ages.watch(connections, lambda: expander.floor, stop))
                listening = tasks.create_task(self._listen(deliverer))
                await stop.wait()
                listening.cancel()
                self._facts.set()
                deliverer.wake.set()

    async def _expand(self, connections: Pool, expander: Expander, deliverer: Deliverer, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._facts.clear()
            try:
                async with connections.connection() as conn:
                    found = await expander.expand(conn)
            except TRANSIENT as error:
                self.ready.clear()
                log.warning("expand_failed", error=type(error).__name__)
                await wait(stop, _RECONNECT_S)
                continue
            self.ready.set()
            if found:
                deliverer.wake.set()
            else:
                await wait(self._facts, self._settings.dispatch_poll_s)

    async def _listen(self, deliverer: Deliverer) -> None:
        """Hints only: without them everything happens at the next poll. A delivery sent once more is no new fact."""
        while True:
            try:
                async with await connect(self._url, "dispatch listen") as ears:
                    await listen(ears, ["weld_outbox"])
                    self._facts.set()  # what was said before we listened
                    while True:
                        if await hints(ears, self._settings.dispatch_poll_s):
                            self._facts.set()
                            deliverer.wake.set()
            except TRANSIENT as error:
                log.warning("ears_lost", error=type(error).__name__)
                await asyncio.sleep(_RECONNECT_S)
