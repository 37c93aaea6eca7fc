"""Sessions as people read them. Ingest writes them from what chips reported; refuses to change one."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class SessionRow(NamedTuple):
    """One session as it stands. `ending`: somebody has ordered its end and the chip has not answered yet."""

    id: UUID
    plate: str | None
    division: str | None
    enterprise: UUID | None
    worker: UUID | None
    name_sealed: bytes | None
    grant_id: UUID | None
    authorised: bool | None
    opened_at: datetime
    ends_at: datetime | None
    closed_at: datetime | None
    end_reason: str | None
    state: str
    resumed: int
    contact_ms: int
    covered_ms: int
    arc_ms: int
    energy_wh: float
    peak_a: float | None
    historical: bool
    ending: bool


class BurstRow(NamedTuple):
    """One burst of welding."""

    started_at: datetime
    ended_at: datetime | None
    arc_ms: int | None
    peak_a: float | None


async def search(
    conn: Conn,
    *,
    session: UUID | None = None,
    plate: str | None = None,
    worker: UUID | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[SessionRow]:
    """Sessions in scope that touch the span, the newest first."""
    words: dict[str, object] = {
        "id": session,
        "plate": plate,
        "worker": worker,
        "state": state,
        "since": since,
        "until": until,
    }
    words |= {"after_at": after[0] if after else None, "after_id": after[1] if after else None, "limit": limit}
    async with conn.cursor(row_factory=class_row(SessionRow)) as cursor:
        return await (await cursor.execute(query("session_list"), words)).fetchall()


async def where(conn: Conn, session: UUID, worker: UUID) -> tuple[str, str] | None:
    """The plate and the chip of an open session of this worker."""
    row = await (await conn.execute(query("session_where"), {"id": session, "worker": worker})).fetchone()
    return None if row is None else (row[0], row[1])


async def bursts(conn: Conn, session: UUID, limit: int) -> list[BurstRow]:
    """The bursts of a session in scope, in order."""
    async with conn.cursor(row_factory=class_row(BurstRow)) as cursor:
        return await (await cursor.execute(query("session_bursts"), {"id": session, "limit": limit})).fetchall()
