"""Alerts as people cause and handle them: raised by refused attempts, listed, acknowledged, closed.

Alerts from what chips said are ingest's. Refuses to tell anybody: it writes the outbox row, dispatch does the rest.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.core import deadline
from weld.store import pulse, rollups
from weld.store.connect import Conn
from weld.store.queries import query

# Of more divisions so many alerts are among the newest that a walk through all of them, newest first, ends soon.
_ONE_BY_ONE = 500


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
    lat: float | None
    lon: float | None
    machine: str | None
    enterprise_name: str | None
    division_zh: str | None
    division_en: str | None
    zone: str | None
    acknowledged_by_name: str | None
    closed_by_name: str | None


class Wanted(NamedTuple):
    """Which alerts; None sets no limit."""

    plate: str | None = None
    code: str | None = None
    state: str | None = None
    level: int | None = None
    division: str | None = None


async def raise_attempt(conn: Conn, row: AttemptRow) -> tuple[UUID, bool]:
    """The alert of this person, machine and code, and whether it was opened by this attempt (then it is announced)."""
    words = {**row._asdict(), "evidence": Jsonb(row.evidence)}
    found = await (await conn.execute(query("attempt_raise"), words)).fetchone()
    if found is None:
        raise RuntimeError("an alert was neither opened nor found")
    if found[1]:
        await announce(conn, found[0], "alert.opened")
        await rollups.count_made(conn, row.plate, row.at, alerts=1)
    await pulse.hint(conn, f"alert:{found[0]}")
    return found[0], found[1]


async def raise_notice(conn: Conn, row: AttemptRow, subject: str) -> None:
    """A notice about `subject` and not about the machine; the same episode never twice. Hold the worker first."""
    words = {**row._asdict(), "subject": subject, "evidence": Jsonb(row.evidence)}
    found = await (await conn.execute(query("notice_raise"), words)).fetchone()
    if found is None:
        return
    if found[1]:
        await announce(conn, found[0], "alert.opened")
    await pulse.hint(conn, f"alert:{found[0]}")


async def announce(conn: Conn, alert: UUID, fact: str) -> None:
    """One outbox row for this fact, and a hint to whoever delivers it."""
    await conn.execute(query("alert_announce"), {"id": alert, "fact": fact})
    await conn.execute(query("alert_wake"))


async def search(
    conn: Conn,
    wanted: Wanted,
    *,
    ids: Sequence[UUID] | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[AlertRow]:
    """Alerts in scope, the newest first."""
    words: dict[str, Any] = {**wanted._asdict(), "ids": list(ids), "divisions": None} if ids is not None else {}
    words = words or {**await _reaching(conn, wanted), "ids": None}
    divisions = words["divisions"]
    one_by_one = divisions is not None and len(divisions) <= _ONE_BY_ONE and wanted.plate is None
    return await _rows(conn, "alert_list_below" if one_by_one else "alert_list", words | _page(after, limit))


async def queue(
    conn: Conn, wanted: Wanted, *, after: tuple[datetime, UUID] | None = None, limit: int = 1
) -> list[AlertRow]:
    """Alerts in scope that nobody has closed, by what has to happen next (weld.core.deadline)."""
    words = {
        "sign": [deadline.SIGN_WITHIN[level] for level in (1, 2, 3, 4)],
        "close": [deadline.CLOSE_WITHIN[level] for level in (1, 2, 3, 4)],
        "never": deadline.NEVER,
    }
    return await _rows(conn, "alert_queue", wanted._asdict() | words | _page(after, limit))


class CountRow(NamedTuple):
    """Alerts of one level that nobody has closed: all, those that nobody has taken up, and since when the oldest waits."""

    level: int
    open: int
    unsigned: int
    oldest_at: datetime


async def waiting(
    conn: Conn, wanted: Wanted, *, after: tuple[int, datetime, UUID] | None = None, limit: int = 1
) -> list[AlertRow]:
    """Alerts in scope that nobody has closed, by level and age: the heaviest first, of one level the oldest."""
    words = {**await _reaching(conn, wanted), "limit": limit}
    words |= dict(zip(("after_level", "after_at", "after_id"), after or (None, None, None), strict=True))
    async with conn.cursor(row_factory=class_row(AlertRow)) as cursor:
        return await (await cursor.execute(query("alert_waiting"), words, prepare=False)).fetchall()


async def waiting_counts(conn: Conn, wanted: Wanted) -> list[CountRow]:
    """The same alerts counted by level."""
    async with conn.cursor(row_factory=class_row(CountRow)) as cursor:
        words = await _reaching(conn, wanted)
        return await (await cursor.execute(query("alert_waiting_counts"), words, prepare=False)).fetchall()


async def _reaching(conn: Conn, wanted: Wanted) -> dict[str, Any]:
    """The words of a question with its divisions, so that an index can begin with them."""
    row = await (await conn.execute(query("reach"), {"division": wanted.division})).fetchone()
    return {**wanted._asdict(), "divisions": None if row is None else row[0]}


async def heaviest(conn: Conn, limit: int) -> list[AlertRow]:
    """Alerts in scope that nobody has closed, the heaviest first."""
    return await _rows(conn, "alert_heaviest", {"limit": limit})


async def acknowledge(conn: Conn, alert: UUID, by: str, at: datetime) -> bool:
    """Take an open alert up; False where it is not open (any more)."""
    words = {"id": alert, "by": by, "at": at}
    taken = await (await conn.execute(query("alert_acknowledge"), words)).fetchone() is not None
    if taken:
        await pulse.hint(conn, f"alert:{alert}")
    return taken


async def close(conn: Conn, alert: UUID, outcome: str, note: str, by: str, at: datetime) -> bool:
    """Settle an alert and tell so; False where it is closed already."""
    words = {"id": alert, "outcome": outcome, "note": note, "by": by, "at": at}
    closed = await (await conn.execute(query("alert_close"), words)).fetchone() is not None
    if closed:
        await announce(conn, alert, "alert.closed")
        await pulse.hint(conn, f"alert:{alert}")
    return closed


async def _rows(conn: Conn, name: str, words: dict[str, Any]) -> list[AlertRow]:
    async with conn.cursor(row_factory=class_row(AlertRow)) as cursor:
        # planned with these values: which index serves depends on which words are there
        return await (await cursor.execute(query(name), words, prepare=False)).fetchall()


def _page(after: tuple[datetime, UUID] | None, limit: int) -> dict[str, Any]:
    return {"after_at": after[0] if after else None, "after_id": after[1] if after else None, "limit": limit}
