"""Workers and their certificates, as the phone and the officers need them. Personal fields stay sealed here.

Refuses to open a sealed field: whoever shows one opens it with the vault, and says so in the audit.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.age import Group
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


class LicenceRow(NamedTuple):
    """What a licence is judged by, without the certificates."""

    identity_sealed: bytes
    suspended: bool
    retirement_group: Group | None
    practical_test_on: date | None
    last_work_on: date | None


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
    clean_record: bool


class ListedRow(NamedTuple):
    """One worker as officers see one; `today` is that of the division."""

    id: UUID
    name_sealed: bytes
    phone_sealed: bytes
    identity_sealed: bytes
    division: str
    division_zh: str
    division_en: str
    enterprise: UUID | None
    enterprise_name: str | None
    suspended_reason: str | None
    today: date


class PaperRow(NamedTuple):
    """One certificate and whose it is."""

    worker: UUID
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
    clean_record: bool


class ActivityRow(NamedTuple):
    """When a worker opened a machine last, and the session that is open now."""

    worker: UUID
    last_opened_at: datetime | None
    open_session: UUID | None


async def hold(conn: Conn, worker: UUID) -> bool:
    """Lock the worker until the transaction ends; False where there is none."""
    return await (await conn.execute(query("worker_hold"), {"id": worker})).fetchone() is not None


async def read(conn: Conn, worker: UUID) -> WorkerRow | None:
    """One worker."""
    async with conn.cursor(row_factory=class_row(WorkerRow)) as cursor:
        return await (await cursor.execute(query("worker_read"), {"id": worker})).fetchone()


async def licence(conn: Conn, worker: UUID, zone: str) -> LicenceRow | None:
    """What a licence is judged by; days are those of `zone`."""
    async with conn.cursor(row_factory=class_row(LicenceRow)) as cursor:
        return await (await cursor.execute(query("worker_licence"), {"id": worker, "zone": zone})).fetchone()


async def certificates(conn: Conn, worker: UUID) -> list[CertificateRow]:
    """All certificates of one worker."""
    async with conn.cursor(row_factory=class_row(CertificateRow)) as cursor:
        return await (await cursor.execute(query("worker_certificates"), {"worker": worker})).fetchall()


async def search(
    conn: Conn,
    now: datetime,
    *,
    worker: UUID | None = None,
    division: str | None = None,
    enterprise: UUID | None = None,
    after: UUID | None = None,
    limit: int = 1,
) -> list[ListedRow]:
    """Workers in scope, the newest first."""
    words = {"now": now, "id": worker, "division": division, "enterprise": enterprise, "after": after, "limit": limit}
    async with conn.cursor(row_factory=class_row(ListedRow)) as cursor:
        return await (await cursor.execute(query("worker_list"), words)).fetchall()


async def papers(conn: Conn, of: Sequence[UUID]) -> list[PaperRow]:
    """The certificates of these workers."""
    async with conn.cursor(row_factory=class_row(PaperRow)) as cursor:
        return await (await cursor.execute(query("worker_papers"), {"workers": list(of)})).fetchall()


async def activity(conn: Conn, of: Sequence[UUID]) -> list[ActivityRow]:
    """What these workers do now and did last; a row for each."""
    async with conn.cursor(row_factory=class_row(ActivityRow)) as cursor:
        return await (await cursor.execute(query("worker_activity"), {"workers": list(of)})).fetchall()
