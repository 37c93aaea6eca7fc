"""The gateway process: one sender, an ear for the broker's figures, and its door.

Refuses to listen anywhere else, for it holds the permit key.
"""

import asyncio
import contextlib
from pathlib import Path

from gateway import figures
from gateway.sender import Broker, Sender
from gateway.settings import GatewaySettings
from schemas.signed import SigningKey
from weld.kit.clock import Clock
from weld.kit.door import Door, announce
from weld.kit.settings import PORTS


async def serve(
    settings: GatewaySettings,
    database_url: str,
    broker: Broker,
    key: SigningKey,
    clock: Clock,
    stop: asyncio.Event,
    address_file: Path | None = None,
) -> None:
    """Send until `stop`. `key` is the permit key: tickets and commands are signed with it."""
    sender = Sender(settings, database_url, broker, key, clock)

    async def connected() -> str | None:
        return None if sender.connected.is_set() else "no broker or no database"

    port = PORTS["gateway"] if settings.door_port is None else settings.door_port
    async with Door("127.0.0.1", port, {"broker": connected}) as door:
        if address_file is not None:
            announce(address_file, f"http://127.0.0.1:{door.port}")
        watching = asyncio.create_task(figures.watch(broker))
        try:
            await sender.run(stop)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
