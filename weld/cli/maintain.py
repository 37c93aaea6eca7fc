"""The maintenance process: day partitions made ahead and dropped after their retention, old quarantine and codes removed.

Connects as owner and is the only process that does. Refuses to run twice at once (an advisory lock), and to touch what ingest
writes today.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import structlog
from pydantic import Field

from weld.kit.clock import Clock
from weld.kit.door import Door, announce
from weld.kit.settings import PORTS, Settings
from weld.kit.wait import wait
from weld.store import maintenance, partitions

log = structlog.get_logger()


class MaintainSettings(Settings):
    """Retention by table (architecture.md 4.8), and how often we look."""

    every_s: float = Field(default=3600.0, gt=0, description="How often maintenance runs")
    keep_telemetry_days: int = Field(default=400, ge=36, description="Days of telemetry")
    keep_event_days: int = Field(default=2190, ge=36, description="Days of events (evidence: six years)")
    keep_quarantine_days: int = Field(default=90, ge=1, description="Days of quarantine")


def maintain(owner_url: str, settings: MaintainSettings, now: datetime) -> dict[str, int]:
    """One round; what was done, by name. Does nothing while another maintenance runs."""
    with psycopg.connect(owner_url, autocommit=True, application_name="weldgate maintain") as conn:
        if not partitions.locked(conn):
            return {}
        done = {"partitions_made": partitions.ensure(conn, *partitions.horizon(now))}
        for table, days in (("telemetry", settings.keep_telemetry_days), ("event", settings.keep_event_days)):
            dropped = partitions.drop_before(conn, table, (now - timedelta(days=days)).date())
            done[f"{table}_partitions_dropped"] = len(dropped)
        return done | maintenance.forget(conn, now, settings.keep_quarantine_days)


async def serve(
    settings: MaintainSettings, owner_url: str, clock: Clock, stop: asyncio.Event, address_file: Path | None = None
) -> None:
    """A round at once and then every `every_s`, until `stop`."""
    failed: list[str] = []

    async def last_round() -> str | None:
        return failed[0] if failed else None

    port = PORTS["maintain"] if settings.door_port is None else settings.door_port
    async with Door("127.0.0.1", port, {"last round": last_round}) as door:
        if address_file is not None:
            announce(address_file, f"http://127.0.0.1:{door.port}")
        while not stop.is_set():
            failed.clear()
            try:
                done = await asyncio.to_thread(maintain, owner_url, settings, clock.now())
                log.info("maintained", **done)
            except psycopg.Error as error:
                failed.append(type(error).__name__)
                log.error("maintenance_failed", error=type(error).__name__)
            await wait(stop, 10.0 if failed else settings.every_s)
