"""Work that runs while its licence changes: whose is to be looked at again, and what became of it.

Triggers put workers into the queue, so that no way of changing papers can forget it. Refuses to decide, and to look at
anybody twice at once: hold the worker first.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class RunningRow(NamedTuple):
    """A permission that is live."""

    id: UUID
    plate: str
    chip: str
    session: UUID | None


class RecheckRow(NamedTuple):
    """What became of one; `command` is the lock that carries it out."""

    grant_id: UUID
    ending: str
    at: datetime
    reasons: list[str]
    rules_version: int
    command: UUID | None


async def take(conn: Conn, after: int) -> tuple[int, UUID] | None:
    """Take the next worker behind this place of the queue off it: gone when the transaction commits."""
    row = await (await conn.execute(query("recheck_take"), {"after": after})).fetchone()
    return None if row is None else (row[0], row[1])


async def past_midnight(conn: Conn, now: datetime) -> list[UUID]:
    """Whose work runs since an earlier day of its division and was not looked at today."""
    rows = await (await conn.execute(query("recheck_past_midnight"), {"now": now})).fetchall()
    return [row[0] for row in rows]


async def running(conn: Conn, worker: UUID, overdue: datetime) -> list[RunningRow]:
    """What is live for this worker; a permission that nobody clicked until `overdue` is not."""
    async with conn.cursor(row_factory=class_row(RunningRow)) as cursor:
        await cursor.execute(query("recheck_running"), {"worker": worker, "overdue": overdue})
        return await cursor.fetchall()


async def seen(conn: Conn, grant: UUID, day: date) -> None:
    """This permission was looked at on this day of its division."""
    await conn.execute(query("recheck_seen"), {"id": grant, "day": day})


async def known(conn: Conn, grant: UUID, ending: str) -> bool:
    """Whether this ending of this permission is on record: then all that follows from it was ordered."""
    words = {"grant_id": grant, "ending": ending}
    return await (await conn.execute(query("recheck_known"), words)).fetchone() is not None


async def ordered(conn: Conn, grant: UUID, level: int) -> UUID | None:
    """The order that this permission's end has already, if it was carried out or is as hard as `level` and under way."""
    row = await (await conn.execute(query("recheck_ordered"), {"grant_id": grant, "level": level})).fetchone()
    return None if row is None else row[0]


async def record(conn: Conn, row: RecheckRow) -> None:
    """Put it on record."""
    await conn.execute(query("recheck_insert"), row._asdict())
