"""Acts of officers on certificates and workers: the new state, and who set it when and why.

Written by api only, under the officer's scope. Refuses to decide which act is possible: weld.core.act does.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.act import Recorded
from weld.core.certificate import Kind, Registered
from weld.store.connect import Conn
from weld.store.queries import query


class ActRow(NamedTuple):
    """One act."""

    at: datetime
    actor: str
    act: Recorded
    before: Registered
    after: Registered
    reason: str


class GroupRow(NamedTuple):
    """Certificates that are alike to the rules; `today` is that of the workers' division."""

    kind: Kind
    status: Registered
    valid_from: date
    valid_to: date
    review_due: date | None
    clean_record: bool
    today: date
    certificates: int


async def read(conn: Conn, certificate: UUID) -> tuple[UUID, Registered] | None:
    """Whose certificate this is and how it stands; None where nobody in scope has it."""
    row = await (await conn.execute(query("act_state"), {"id": certificate})).fetchone()
    return None if row is None else (row[0], row[1])


async def hold(conn: Conn, certificate: UUID) -> tuple[Registered, Registered | None] | None:
    """The state, locked until the transaction ends, and the one that it came from by an act; hold the worker first."""
    row = await (await conn.execute(query("act_hold"), {"id": certificate})).fetchone()
    if row is None:
        return None
    words = {"id": certificate, "state": row[0]}
    before = await (await conn.execute(query("act_before"), words)).fetchone()
    return row[0], None if before is None else before[0]


async def put(conn: Conn, certificate: UUID, row: ActRow) -> None:
    """Set the state, and put the act on record."""
    await conn.execute(query("act_set"), {"id": certificate, **row._asdict()})
    await record(conn, certificate, row)


async def record(conn: Conn, certificate: UUID, row: ActRow) -> None:
    """Put an act, or an answer of the register that changed the state, on record."""
    await conn.execute(query("act_record"), {"id": certificate, **row._asdict()})


async def history(conn: Conn, certificate: UUID) -> list[ActRow]:
    """What was done to this certificate, the newest first."""
    async with conn.cursor(row_factory=class_row(ActRow)) as cursor:
        return await (await cursor.execute(query("act_history"), {"id": certificate})).fetchall()


async def suspend(conn: Conn, worker: UUID, reason: str | None) -> bool:
    """Suspend a worker, or restore with None; False where there is none in scope, or it is so already."""
    words = {"id": worker, "reason": reason}
    return await (await conn.execute(query("worker_suspend"), words)).fetchone() is not None


async def groups(conn: Conn, now: datetime, division: str | None, enterprise: UUID | None) -> list[GroupRow]:
    """The certificates in scope, those that are alike together."""
    words = {"now": now, "division": division, "enterprise": enterprise}
    async with conn.cursor(row_factory=class_row(GroupRow)) as cursor:
        return await (await cursor.execute(query("expiry_groups"), words)).fetchall()
