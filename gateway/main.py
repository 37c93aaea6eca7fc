"""The gateway process: one sender and its door. It listens nowhere else, for it holds the permit key."""

import asyncio
from pathlib import Path

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
        await sender.run(stop)
