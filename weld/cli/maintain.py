"""The maintenance process: days of the big tables made, turned into columns and dropped, old rows removed, the audit anchored.

Connects as owner and is the only process that does. Refuses to run twice at once (an advisory lock), to touch what ingest writes
today, and to sign for an audit whose chain is broken.
"""

import asyncio
from collections import Counter as Counted
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
import structlog
from prometheus_client import Counter, Gauge
from pydantic import Field

from schemas.anchor import AnchorError
from weld.cli.anchors import Anchorage, BrokenError
from weld.kit.clock import Clock
from weld.kit.door import Door, announce
from weld.kit.settings import PORTS, Settings
from weld.kit.wait import wait
from weld.store import audit, maintenance, partitions, retention
from weld.store.audit import Trace
from weld.store.retention import Retention

log = structlog.get_logger()

_audit_holds = Gauge("weldgate_maintain_audit_holds", "1 unless the last round found the audit's chain broken")
_audit_holds.set(1)
_days = Gauge(
    "weldgate_maintain_days", "Days of a table (partitions or chunks) by how they are stored", ["table", "state"]
)
_forgotten = Counter("weldgate_maintain_forgotten", "Rows past their retention that were removed", ["table"])


class MaintainSettings(Settings):
    """By which rules rows go, and how often we look."""

    every_s: float = Field(default=3600.0, gt=0, description="How often maintenance runs")
    retention: Path | None = Field(
        default=None, description="A file of dated retention rules instead of the shipped one"
    )
    anchor_folder: Path | None = Field(
        default=None, description="Where the audit's daily anchors go; `.weldgate/anchors` for a clone's own stack"
    )


def maintain(
    owner_url: str,
    settings: MaintainSettings,
    now: datetime,
    anchorage: Anchorage | None = None,
    connected: Callable[[psycopg.Connection], None] = lambda _: None,
) -> dict[str, int]:
    """One round; what was done, by name. Does nothing while another maintenance runs. `connected` may cancel what takes long."""
    with psycopg.connect(owner_url, autocommit=True, application_name="weldgate maintain") as conn:
        connected(conn)
        if not partitions.locked(conn):
            return {}
        done = {"partitions_made": partitions.ensure(conn, *partitions.horizon(now))}
        rules = retention.in_force(retention.load(settings.retention), now.date())
        for table in partitions.TABLES:
            done[f"{table}_partitions_dropped"] = _drop_days(conn, table, rules, now)
        for table, rows in maintenance.forget(conn, now, rules).items():
            done[f"{table}_forgotten"] = rows
            _forgotten.labels(table).inc(rows)
        try:
            for table in partitions.TABLES:
                done[f"{table}_days_compressed"] = _compress_days(conn, table, rules, now)
                _count_days(conn, table)
        finally:  # what goes wrong there must not keep the audit without its anchor
            if anchorage is not None:
                done["anchored"] = int(anchorage.keep(owner_url, now))
    return done


def _drop_days(conn: psycopg.Connection, table: str, rules: Retention, now: datetime) -> int:
    if rules.tables[table].how == "keep":
        return 0
    dropped = partitions.drop_before(conn, table, _ago(now, rules.days(table)))
    if dropped:
        audit.append_now(conn, Trace(now, "maintain", "evidence.dropped", table, {"partitions": dropped}))
    return len(dropped)


def _compress_days(conn: psycopg.Connection, table: str, rules: Retention, now: datetime) -> int:
    """Days whose last row is old enough; a table with many of them takes some rounds, so that the others have their turn."""
    after_days = rules.tables[table].compress_days
    if not after_days:
        return 0
    closed = _ago(now, partitions.DAYS_BACK)
    return len(partitions.compress_before(conn, table, _ago(now, after_days - 1), closed))


def _count_days(conn: psycopg.Connection, table: str) -> None:
    found = Counted(part.state for part in partitions.parts(conn, table))
    for state in ("rows", "columns", "mixed", "leaving", "left"):
        _days.labels(table, state).set(found[state])


def _ago(now: datetime, days: int) -> date:
    return (now - timedelta(days=days)).date()


async def serve(
    settings: MaintainSettings,
    owner_url: str,
    anchorage: Anchorage | None,
    clock: Clock,
    stop: asyncio.Event,
    address_file: Path | None = None,
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
                done = await _round(owner_url, settings, clock, anchorage, stop)
                log.info("maintained", **done)
                _audit_holds.set(1)
            except (BrokenError, AnchorError) as error:
                _audit_holds.set(0)
                failed.append(str(error))
                log.error("not_anchored", reason=str(error))
            except psycopg.errors.QueryCanceled:
                log.info("maintenance_interrupted")  # the next one goes on
            except (psycopg.Error, OSError, retention.RetentionError) as error:
                failed.append(type(error).__name__)
                log.error("maintenance_failed", error=type(error).__name__)
            await wait(stop, 10.0 if failed else settings.every_s)


async def _round(
    owner_url: str, settings: MaintainSettings, clock: Clock, anchorage: Anchorage | None, stop: asyncio.Event
) -> dict[str, int]:
    """One round in a thread; told to stop, it leaves what it is at: a day of columns may take a minute, we have ten seconds."""
    connections: list[psycopg.Connection] = []
    words = (owner_url, settings, clock.now(), anchorage, connections.append)
    work = asyncio.create_task(asyncio.to_thread(maintain, *words))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    while not work.done():
        for conn in connections:
            with suppress(psycopg.Error):
                await asyncio.to_thread(conn.cancel_safe, timeout=2)
        await asyncio.wait({work}, timeout=0.5)
    return await work
