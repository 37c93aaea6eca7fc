"""Enterprises as officers list them. Entered by weld/store/registers.py. Refuses those out of the scope."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class EnterpriseRow(NamedTuple):
    """One enterprise with what it has in scope."""

    id: UUID
    name: str
    credit_code: str
    division: str
    division_zh: str
    division_en: str
    created_at: datetime
    machines: int
    workers: int


async def search(
    conn: Conn,
    *,
    enterprise: UUID | None = None,
    name: str | None = None,
    division: str | None = None,
    after: UUID | None = None,
    limit: int = 1,
) -> list[EnterpriseRow]:
    """Enterprises in scope, the newest first; `name` is a part of the name or the whole credit code."""
    words = {"id": enterprise, "name": name, "division": division, "after": after, "limit": limit}
    async with conn.cursor(row_factory=class_row(EnterpriseRow)) as cursor:
        return await (await cursor.execute(query("enterprise_list"), words)).fetchall()


class SiteRow(NamedTuple):
    """A place where an enterprise works for a while."""

    id: UUID
    name: str
    division: str
    division_zh: str
    division_en: str
    work: str
    lat: float | None
    lon: float | None
    since: date
    until: date | None
    machines: int


async def sites(conn: Conn, enterprise: UUID) -> list[SiteRow]:
    """The sites of an enterprise in scope, those in use first."""
    async with conn.cursor(row_factory=class_row(SiteRow)) as cursor:
        return await (await cursor.execute(query("enterprise_sites"), {"enterprise": enterprise})).fetchall()
