"""Commands as people give them: a ticket, a lock, an end of a session. The gateway sends them, ingest books the results.

One live command a machine: the next one supersedes it in the same transaction. Refuses to sign or to send anything.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class CommandCollisionError(Exception):
    """Two commands for one machine in the same moment; the argument is the plate."""


class CommandRow(NamedTuple):
    """A command as it is given."""

    id: UUID
    kind: str
    chip: str
    plate: str
    grant_id: UUID | None
    session: UUID | None
    level: int
    grace_s: int
    counter: int
    by: str
    actor: str
    why: str
    created_at: datetime
    expires_at: datetime


class GivenRow(NamedTuple):
    """A command as it stands."""

    id: UUID
    kind: str
    plate: str
    session: UUID | None
    level: int
    by: str
    actor: str
    why: str
    created_at: datetime
    expires_at: datetime
    state: str
    reason: str | None


async def hold(conn: Conn, plate: str) -> None:
    """Lock the live command of a machine; lock its grant first."""
    await conn.execute(query("command_hold"), {"plate": plate})


async def close_overdue(conn: Conn, plate: str, overdue: datetime, now: datetime) -> None:
    """Close the live command of a machine whose time was over at `overdue`."""
    await conn.execute(query("command_stale"), {"plate": plate, "overdue": overdue, "now": now})


async def supersede(conn: Conn, plate: str, reason: str, now: datetime) -> None:
    """End the live command of a machine for the next one."""
    await conn.execute(query("command_supersede"), {"plate": plate, "reason": reason, "now": now})


async def live(conn: Conn, plate: str) -> GivenRow | None:
    """The live command of a machine."""
    async with conn.cursor(row_factory=class_row(GivenRow)) as cursor:
        return await (await cursor.execute(query("command_live"), {"plate": plate})).fetchone()


async def latest(conn: Conn, plate: str, limit: int) -> list[GivenRow]:
    """The newest commands of a machine in scope."""
    async with conn.cursor(row_factory=class_row(GivenRow)) as cursor:
        return await (await cursor.execute(query("command_latest"), {"plate": plate, "limit": limit})).fetchall()


async def give(conn: Conn, row: CommandRow) -> None:
    """Queue a command and wake the gateway when the transaction commits; supersede the live one before.

    CommandCollisionError where somebody else's command (a rule's lock) came between: the transaction is lost, try again.
    """
    try:
        await conn.execute(query("command_insert"), row._asdict())
    except UniqueViolation as error:
        raise CommandCollisionError(row.plate) from error
    await conn.execute(query("command_wake"))


async def raise_counter(conn: Conn, chip: str) -> int:
    """Make every ticket so far worthless; the new floor."""
    row = await (await conn.execute(query("counter_raise"), {"chip": chip})).fetchone()
    return int(row[0]) if row else 0


async def counter(conn: Conn, chip: str) -> int:
    """The counter that a ticket carries now."""
    row = await (await conn.execute(query("counter_read"), {"chip": chip})).fetchone()
    return int(row[0]) if row else 0
