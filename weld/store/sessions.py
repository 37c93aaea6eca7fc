"""Sessions as people read them. Ingest writes them from what chips reported; refuses to change one."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query

# Of more divisions so many sessions are among the newest that a walk through all of them, newest first, ends soon.
_ONE_BY_ONE = 500
# What most sessions are; of the others there are few, and an index of their own.
_MANY = (None, "closed")


class SessionRow(NamedTuple):
    """One session as it stands. `ending`: somebody has ordered its end and the chip has not answered yet."""

    id: UUID
    plate: str | None
    division: str | None
    enterprise: UUID | None
    site: UUID | None
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


class Wanted(NamedTuple):
    """Which sessions; None sets no limit. `division` is all below it, since and until are a span that a session touches."""

    session: UUID | None = None
    plate: str | None = None
    worker: UUID | None = None
    enterprise: UUID | None = None
    site: UUID | None = None
    division: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def search(
    conn: Conn, wanted: Wanted, *, after: tuple[datetime, UUID] | None = None, limit: int = 1
) -> list[SessionRow]:
    """Sessions in scope, the newest first. What a page costs follows its rows, however many sessions there are."""
    divisions, company = await _reach(conn, wanted)
    words: dict[str, object] = {
        **wanted._asdict(),
        "id": wanted.session,
        "divisions": divisions,
        "enterprise": wanted.enterprise or company,
        "after_at": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
    }
    name = "session_list_below" if _by_division(words) else "session_list"
    if name == "session_list" and wanted.division is None:
        words["divisions"] = None  # the scope's own: row-level security says it already
    async with conn.cursor(row_factory=class_row(SessionRow)) as cursor:
        # planned with these values: which index serves depends on which words are there
        return await (await cursor.execute(query(name), words, prepare=False)).fetchall()


async def _reach(conn: Conn, wanted: Wanted) -> tuple[list[str] | None, UUID | None]:
    """The divisions and the company that the question is about; None: all. Nobody asks for what names few rows by itself."""
    if wanted.division is None and (wanted.session or wanted.plate or wanted.worker):
        return None, None
    row = await (await conn.execute(query("reach"), {"division": wanted.division})).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _by_division(words: dict[str, object]) -> bool:
    """Whether the divisions are the narrowest word, and few enough to be asked one by one."""
    divisions = words["divisions"]
    narrower = any(words[name] for name in ("id", "plate", "worker", "enterprise", "site"))
    return isinstance(divisions, list) and len(divisions) <= _ONE_BY_ONE and not narrower and words["state"] in _MANY


async def where(conn: Conn, session: UUID, worker: UUID) -> tuple[str, str] | None:
    """The plate and the chip of an open session of this worker."""
    row = await (await conn.execute(query("session_where"), {"id": session, "worker": worker})).fetchone()
    return None if row is None else (row[0], row[1])


async def bursts(conn: Conn, session: UUID, limit: int) -> list[BurstRow]:
    """The bursts of a session in scope, in order."""
    async with conn.cursor(row_factory=class_row(BurstRow)) as cursor:
        return await (await cursor.execute(query("session_bursts"), {"id": session, "limit": limit})).fetchall()
