"""Grants and refusals: what was decided about attempts to start a machine. Made by api, ended by ingest or by a lock.

Locks are taken in one order everywhere: worker, machine, grant, command, alert. Refuses to decide.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.core.reasons import ReasonCode
from weld.store import rollups
from weld.store.connect import Conn
from weld.store.queries import query


class GrantRow(NamedTuple):
    """A permission as it is made."""

    id: UUID
    worker: UUID
    plate: str
    chip: str
    division: str
    enterprise: UUID | None
    certificate: UUID
    checks: list[dict[str, Any]]
    rules_version: int
    presence: str
    created_at: datetime
    expires_at: datetime
    longest_s: int
    warnings: list[str]


class RefusalRow(NamedTuple):
    """An attempt that was turned down."""

    id: UUID
    worker: UUID
    plate: str
    division: str | None
    enterprise: UUID | None
    reasons: list[str]
    at: datetime


class UnlockRow(NamedTuple):
    """A grant with its ticket's way and what the chip reported; what the machine does now only while the grant lives."""

    id: UUID
    worker: UUID
    plate: str
    presence: str
    checks: list[dict[str, Any]]
    warnings: list[ReasonCode]
    created_at: datetime
    expires_at: datetime
    state: str
    armed_at: datetime | None
    closed_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    session: UUID | None
    command_state: str | None
    command_reason: str | None
    click_before: datetime | None
    first_sent_at: datetime | None
    session_state: str | None
    opened_at: datetime | None
    ends_at: datetime | None
    session_closed_at: datetime | None
    session_end_reason: str | None
    arc_ms: int | None
    machine: str | None
    reported: str | None
    online: bool | None
    current_a: float | None
    heard_at: datetime | None


async def hold(conn: Conn, plate: str) -> None:
    """Lock the live grant of a machine."""
    await conn.execute(query("unlock_hold"), {"plate": plate})


async def end_stale(conn: Conn, plate: str, now: datetime) -> list[UUID]:
    """End the live grant that nobody clicked in time; close overdue commands first."""
    rows = await (await conn.execute(query("unlock_stale"), {"plate": plate, "now": now})).fetchall()
    return [row[0] for row in rows]


async def live(conn: Conn, plate: str) -> tuple[UUID, UUID] | None:
    """The live grant of a machine and its worker."""
    row = await (await conn.execute(query("unlock_live"), {"plate": plate})).fetchone()
    return None if row is None else (row[0], row[1])


async def elsewhere(conn: Conn, worker: UUID, plate: str, overdue: datetime) -> list[str]:
    """The other machines on which this worker is live; a permission whose time was over at `overdue` is not."""
    words = {"worker": worker, "plate": plate, "overdue": overdue}
    rows = await (await conn.execute(query("unlock_elsewhere"), words)).fetchall()
    return [row[0] for row in rows]


async def live_of(conn: Conn, worker: UUID, overdue: datetime) -> UUID | None:
    """The permission that is live for this worker; one that nobody clicked until `overdue` is not."""
    row = await (await conn.execute(query("unlock_live_of"), {"worker": worker, "overdue": overdue})).fetchone()
    return None if row is None else row[0]


async def insert(conn: Conn, row: GrantRow) -> None:
    """Store a permission; the unique index refuses a second live one of a machine."""
    await conn.execute(query("unlock_insert"), {**row._asdict(), "checks": Jsonb(row.checks)})


async def end_unclicked(conn: Conn, plate: str, reason: str, now: datetime) -> list[UUID]:
    """Take back the permission that has not clicked yet."""
    words = {"plate": plate, "reason": reason, "now": now}
    rows = await (await conn.execute(query("unlock_end_unclicked"), words)).fetchall()
    return [row[0] for row in rows]


async def read(conn: Conn, grant: UUID, worker: UUID | None = None) -> UnlockRow | None:
    """One grant in scope, of this worker where one is given."""
    async with conn.cursor(row_factory=class_row(UnlockRow)) as cursor:
        return await (await cursor.execute(query("unlock_read"), {"id": grant, "worker": worker})).fetchone()


async def attempts(conn: Conn, worker: UUID, since: datetime) -> int:
    """How often this worker tried since then."""
    row = await (await conn.execute(query("unlock_attempts"), {"worker": worker, "since": since})).fetchone()
    return int(row[0]) if row else 0


async def refuse(conn: Conn, row: RefusalRow) -> None:
    """Store an attempt that was turned down, and count it."""
    await conn.execute(query("refusal_insert"), row._asdict())
    await rollups.count_made(conn, row.plate, row.at, refusals=1)
