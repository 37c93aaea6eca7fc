"""Alerts as people cause and handle them: raised by refused attempts, listed, acknowledged, closed.

Alerts from what chips said are ingest's. Refuses to tell anybody: it writes the outbox row, dispatch does the rest.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.store.connect import Conn
from weld.store.queries import query


class AttemptRow(NamedTuple):
    """A refused attempt on its way to becoming an alert, or one more occurrence of one."""

    id: UUID
    code: str
    level: int
    plate: str
    episode: str
    worker: UUID
    division: str
    enterprise: UUID | None
    at: datetime
    evidence: dict[str, Any]


class AlertRow(NamedTuple):
    """One alert as it stands."""

    id: UUID
    code: str
    level: int
    plate: str | None
    chip: str | None
    worker: UUID | None
    session: UUID | None
    division: str | None
    enterprise: UUID | None
    since: datetime
    last_at: datetime
    occurrences: int
    historical: bool
    late_by_ms: int
    evidence: dict[str, Any]
    raised_by: str
    raised_at: datetime
    state: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    outcome: str | None
    note: str | None


async def raise_attempt(conn: Conn, row: AttemptRow) -> tuple[UUID, bool]:
    """The alert of this person, machine and code, and whether it was opened by this attempt (then it is announced)."""
    words = {**row._asdict(), "evidence": Jsonb(row.evidence)}
    found = await (await conn.execute(query("attempt_raise"), words)).fetchone()
    if found is None:
        raise RuntimeError("an alert was neither opened nor found")
    if found[1]:
        await announce(conn, found[0], "alert.opened")
    return found[0], found[1]


async def announce(conn: Conn, alert: UUID, fact: str) -> None:
    """One outbox row for this fact, and hints to whoever waits."""
    await conn.execute(query("alert_announce"), {"id": alert, "fact": fact})
    await conn.execute(query("alert_wake"), {"text": f"alert:{alert}"})


async def search(
    conn: Conn,
    *,
    alert: UUID | None = None,
    plate: str | None = None,
    code: str | None = None,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[AlertRow]:
    """Alerts in scope, the newest first."""
    words: dict[str, object] = {"id": alert, "plate": plate, "code": code, "state": state, "limit": limit}
    words |= {"after_at": after[0] if after else None, "after_id": after[1] if after else None}
    async with conn.cursor(row_factory=class_row(AlertRow)) as cursor:
        return await (await cursor.execute(query("alert_list"), words)).fetchall()


async def acknowledge(conn: Conn, alert: UUID, by: str, at: datetime) -> bool:
    """Take an open alert up; False where it is not open (any more)."""
    words = {"id": alert, "by": by, "at": at}
    return await (await conn.execute(query("alert_acknowledge"), words)).fetchone() is not None


async def close(conn: Conn, alert: UUID, outcome: str, note: str, by: str, at: datetime) -> bool:
    """Settle an alert and tell so; False where it is closed already."""
    words = {"id": alert, "outcome": outcome, "note": note, "by": by, "at": at}
    closed = await (await conn.execute(query("alert_close"), words)).fetchone() is not None
    if closed:
        await announce(conn, alert, "alert.closed")
    return closed
