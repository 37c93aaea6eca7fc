"""The ingest process: one worker and its door."""

import asyncio
import gc
from pathlib import Path

from ingest.mqtt import Address
from ingest.settings import IngestSettings
from ingest.worker import Worker
from schemas.signed import SigningKey
from weld.kit.clock import Clock
from weld.kit.door import Door, announce
from weld.kit.settings import PORTS

# Messages live for a moment and chips for ever; neither makes circles. A full inbox and the batches in work are some hundred
# thousand containers that come and go: the collector looks when there are more.
COLLECT_AFTER = (500_000, 20, 100)


async def serve(
    settings: IngestSettings,
    database_url: str,
    broker: Address,
    key: SigningKey,
    clock: Clock,
    stop: asyncio.Event,
    address_file: Path | None = None,
) -> None:
    """Work until `stop`. `key` is the service key: boot replies, stored and time are signed with it, nothing else."""
    gc.set_threshold(*COLLECT_AFTER)
    worker = Worker(settings, database_url, broker, key, clock)

    async def leases() -> str | None:
        return None if worker.ready.is_set() else "no contact with the lease table, or it has another number of groups"

    async def links() -> str | None:
        down = [g.name for g in worker.groups.values() if g.link is None or not g.link.alive]
        return f"{len(down)} of {len(worker.groups)} groups are not connected to the broker" if down else None

    async def clock_agrees() -> str | None:
        off_s = worker.clock.off_s
        return None if off_s is None else f"the clock is {off_s:.1f} s off the database's"

    port = PORTS["ingest"] if settings.door_port is None else settings.door_port
    async with Door("127.0.0.1", port, {"leases": leases, "broker": links, "clock": clock_agrees}) as door:
        if address_file is not None:
            announce(address_file, f"http://127.0.0.1:{door.port}")
        await worker.run(stop)
