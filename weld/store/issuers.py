"""Certificates on their way to the issuer's register and back: which are due, which answers are kept, what was settled.

Answers are kept under the blind index of the number. Refuses to open a number, and to decide what an answer means.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.certificate import Kind, Registered
from weld.core.issuer import Answer
from weld.store.connect import Conn
from weld.store.queries import query


class DueRow(NamedTuple):
    """A certificate to ask about."""

    id: UUID
    worker: UUID
    kind: Kind
    number_sealed: bytes
    number_index: bytes
    item: str


async def due(conn: Conn, now: datetime, checked_before: datetime, asked_before: datetime, limit: int) -> list[DueRow]:
    """Take certificates not asked about for longest; they are not due again until `asked_before` has passed them."""
    words = {"now": now, "checked_before": checked_before, "asked_before": asked_before, "limit": limit}
    async with conn.cursor(row_factory=class_row(DueRow)) as cursor:
        return await (await cursor.execute(query("issuer_due"), words)).fetchall()


async def one(conn: Conn, certificate: UUID) -> DueRow | None:
    """One certificate in scope, to be asked about now."""
    async with conn.cursor(row_factory=class_row(DueRow)) as cursor:
        return await (await cursor.execute(query("issuer_certificate"), {"id": certificate})).fetchone()


async def kept(conn: Conn, row: DueRow) -> Answer | None:
    """The answer that is kept for this certificate."""
    found = await (await conn.execute(query("issuer_kept"), row._asdict())).fetchone()
    return None if found is None else Answer(found[0], found[1])


async def keep(conn: Conn, row: DueRow, answer: Answer) -> None:
    """Keep an answer for a while."""
    await conn.execute(query("issuer_keep"), {**row._asdict(), "said": answer.said, "at": answer.at})


async def settle(conn: Conn, certificate: UUID, after: Registered, at: datetime) -> None:
    """The state that follows from an answer, and when it was given."""
    await conn.execute(query("issuer_settle"), {"id": certificate, "after": after, "at": at})


async def forget(conn: Conn, before: datetime) -> None:
    """Let go of old answers."""
    await conn.execute(query("issuer_forget"), {"before": before})
