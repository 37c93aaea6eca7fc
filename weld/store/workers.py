"""Workers as the phone needs them: who is signed in, which certificates there are. Personal fields stay sealed here.

Refuses to open a sealed field: whoever shows one opens it with the vault, and says so in the audit.
"""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.certificate import Kind, Registered
from weld.store.connect import Conn
from weld.store.queries import query


class WorkerRow(NamedTuple):
    """One worker as stored."""

    id: UUID
    enterprise: UUID | None
    enterprise_name: str | None
    division: str
    name_sealed: bytes
    identity_sealed: bytes
    phone_sealed: bytes
    suspended: bool


class CertificateRow(NamedTuple):
    """One certificate as stored."""

    id: UUID
    kind: Kind
    number_sealed: bytes
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: Registered
    issuer: str
    checked_at: datetime | None


async def hold(conn: Conn, worker: UUID) -> bool:
    """Lock the worker until the transaction ends; False where there is none."""
    return await (await conn.execute(query("worker_hold"), {"id": worker})).fetchone() is not None


async def read(conn: Conn, worker: UUID) -> WorkerRow | None:
    """One worker."""
    async with conn.cursor(row_factory=class_row(WorkerRow)) as cursor:
        return await (await cursor.execute(query("worker_read"), {"id": worker})).fetchone()


async def certificates(conn: Conn, worker: UUID) -> list[CertificateRow]:
    """All certificates of one worker."""
    async with conn.cursor(row_factory=class_row(CertificateRow)) as cursor:
        return await (await cursor.execute(query("worker_certificates"), {"worker": worker})).fetchall()
