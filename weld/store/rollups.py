"""Rollups: sums by machine and hour, machine and day, division and day, enterprise and day (docs/rollups.md).

Added to in the transaction that stores what they count, by differences that may be negative. Refuses to know what is new: the
caller does. How they are counted again: recount.py.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import psycopg
import structlog

from weld.store.binary import in_json
from weld.store.connect import Conn
from weld.store.partitions import DAYS_AHEAD, DAYS_BACK
from weld.store.queries import query

log = structlog.get_logger()

# Whoever holds no lease: api and the watchdog. Batches have the parts from 1 on, a rebuild has 0.
NOBODY = -1

# Hours that surely have a partition; what a chip says of its time decides about no other.
OLDEST, NEWEST = timedelta(days=DAYS_BACK - 1), timedelta(days=DAYS_AHEAD - 1)


class Sum(msgspec.Struct, omit_defaults=True, gc=False):
    """What comes to the hour and the day in which `at_s` (UTC) lies, of a plate or of the machine that carried a chip then."""

    at_s: float
    chip: str | None = None
    plate: str | None = None
    arc_ms: int = 0
    covered_ms: int = 0
    online_ms: int = 0
    unknown_ms: int = 0
    energy_wh: float = 0.0
    sessions: int = 0
    starts: int = 0
    alerts: int = 0
    messages: int = 0
    peak_a: float | None = None  # the largest sample; kept of hours and days of machines


def part_of(groups: Sequence[str]) -> int:
    """The part of a batch that holds the leases of these groups (two hex digits): nobody else holds the first of them."""
    return 1 + int(min(groups), 16) if groups else NOBODY


async def add(conn: Conn, rows: Sequence[Sum], part: int, now: datetime) -> None:
    """Add these to all levels."""
    words = {"rows": in_json(rows), "part": part, "oldest": now - OLDEST, "newest": now + NEWEST}
    await conn.execute(query("rollups_add"), words)


async def count_made(conn: Conn, plate: str, at: datetime, *, refusals: int = 0, alerts: int = 0) -> None:
    """Count what api has just made. A refusal is told also where a partition is missing: a rebuild counts it then."""
    words = {"plate": plate, "at": at, "refusals": refusals, "alerts": alerts}
    try:
        async with conn.transaction():
            await conn.execute(query("rollups_count_made"), words)
    except psycopg.errors.CheckViolation as error:
        log.error("rollup_missed", error=type(error).__name__)
