"""Keys of connected systems: made, listed, revoked. Kept as hashes only. Refuses to show what opens."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class KeyRow(NamedTuple):
    """One key as administrators see it."""

    id: UUID
    name: str
    scope: str
    rights: list[str]
    created_at: datetime
    created_by: UUID | None
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKey(NamedTuple):
    """A key to be kept."""

    id: UUID
    name: str
    key_hash: bytes
    scope: str
    rights: list[str]
    expires_at: datetime
    created_by: UUID | None


async def search(conn: Conn, key: UUID | None = None) -> list[KeyRow]:
    """All keys, the newest first."""
    async with conn.cursor(row_factory=class_row(KeyRow)) as cursor:
        return await (await cursor.execute(query("key_list"), {"id": key})).fetchall()


async def add(conn: Conn, key: NewKey, now: datetime) -> bool:
    """Keep a key; False where the name is taken, also by one that was revoked."""
    return (await conn.execute(query("key_add"), key._asdict() | {"now": now})).rowcount == 1
