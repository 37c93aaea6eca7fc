"""Officers' passkeys (public keys only) and what authenticators are to sign. Written by api only.

Refuses to judge a signature.
"""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query

Purpose = Literal["register", "sign_in", "step_up"]


class Challenge(NamedTuple):
    """Something to sign, for one purpose; `officer` is None as long as nobody knows who it will be."""

    id: UUID
    purpose: Purpose
    officer: UUID | None
    challenge: bytes
    address: str
    expires_at: datetime


class Passkey(NamedTuple):
    """A passkey as it is added."""

    id: UUID
    officer: UUID
    credential: bytes
    public_key: bytes
    sign_count: int
    name: str


class FoundRow(NamedTuple):
    """Whose passkey it is."""

    id: UUID
    officer: UUID
    public_key: bytes
    sign_count: int
    disabled: bool


class PasskeyRow(NamedTuple):
    """A passkey as its owner sees it."""

    id: UUID
    credential: bytes
    name: str
    created_at: datetime
    used_at: datetime | None


async def open_challenges(conn: Conn, address: str, now: datetime) -> int:
    """How many were asked for from this address and not used yet."""
    row = await (await conn.execute(query("passkey_challenge_count"), {"address": address, "now": now})).fetchone()
    return int(row[0]) if row else 0


async def add_challenge(conn: Conn, challenge: Challenge) -> None:
    """Remember what is to be signed."""
    await conn.execute(query("passkey_challenge_add"), challenge._asdict())


async def use_challenge(
    conn: Conn, number: UUID, purpose: Purpose, officer: UUID | None, now: datetime
) -> bytes | None:
    """What was to be signed, this once; None where there is none such, or it is too late."""
    words = {"id": number, "purpose": purpose, "officer": officer}
    row = await (await conn.execute(query("passkey_challenge_use"), words)).fetchone()
    return bytes(row[0]) if row is not None and row[1] > now else None


async def add(conn: Conn, passkey: Passkey, now: datetime) -> bool:
    """Add a passkey; False where it is somebody's already."""
    return (await conn.execute(query("passkey_add"), passkey._asdict() | {"now": now})).rowcount == 1


async def find(conn: Conn, credential: bytes) -> FoundRow | None:
    """Whose passkey this is."""
    async with conn.cursor(row_factory=class_row(FoundRow)) as cursor:
        return await (await cursor.execute(query("passkey_find"), {"credential": credential})).fetchone()


async def used(conn: Conn, passkey: UUID, sign_count: int, now: datetime) -> None:
    """It was used, and counts this far."""
    await conn.execute(query("passkey_used"), {"id": passkey, "sign_count": sign_count, "now": now})


async def of(conn: Conn, officer: UUID) -> list[PasskeyRow]:
    """An officer's passkeys, in the order they were made."""
    async with conn.cursor(row_factory=class_row(PasskeyRow)) as cursor:
        return await (await cursor.execute(query("passkey_list"), {"officer": officer})).fetchall()


async def rename(conn: Conn, officer: UUID, passkey: UUID, name: str) -> bool:
    """Another name for a passkey; False where this officer has none such."""
    words = {"officer": officer, "id": passkey, "name": name}
    return (await conn.execute(query("passkey_rename"), words)).rowcount == 1


async def remove(conn: Conn, officer: UUID, passkey: UUID) -> bool:
    """It opens nothing any more; False where this officer has none such."""
    return (await conn.execute(query("passkey_remove"), {"officer": officer, "id": passkey})).rowcount == 1
