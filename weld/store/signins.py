"""Who is at the door: one-time codes, signed-in workers, officers' keys, and the scope that a transaction gets from them.

Codes, tokens and keys are kept as hashes only. Refuses to know a phone number: it comes as its blind index.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class CodeRow(NamedTuple):
    """A one-time code as it is made."""

    request: UUID
    phone_index: bytes
    address: str
    code_hash: bytes
    created_at: datetime
    expires_at: datetime


class Asked(NamedTuple):
    """Codes that were asked for, those of them that led nowhere, and when the last was."""

    codes: int
    unused: int
    last_at: datetime | None


class SignedInRow(NamedTuple):
    """Whose token it is, at which device, and from when on that device is good."""

    worker: UUID
    device: UUID
    good_from: datetime


class TriedRow(NamedTuple):
    """A code after one more try. `worker` is None for a phone that nobody has: such a code never fits."""

    worker: UUID | None
    code_hash: bytes
    tries: int
    expires_at: datetime


class OfficerRow(NamedTuple):
    """Who holds an officer's key, or is signed in at a screen: what he sees and what he may do."""

    id: UUID
    scope: str
    rights: list[str]


async def codes_asked(conn: Conn, phone_index: bytes, address: str, since: datetime) -> tuple[Asked, Asked]:
    """How many codes were asked for since then: for this phone, from this address."""
    words = {"phone_index": phone_index, "address": address, "since": since}
    row = await (await conn.execute(query("code_counts"), words)).fetchone()
    return (Asked(*row[:3]), Asked(*row[3:])) if row else (Asked(0, 0, None), Asked(0, 0, None))


async def add_code(conn: Conn, row: CodeRow) -> bool:
    """Store a code; whether a worker has this phone."""
    found = await (await conn.execute(query("code_insert"), row._asdict())).fetchone()
    return bool(found and found[0])


async def try_code(conn: Conn, request: UUID) -> TriedRow | None:
    """Count one more try; None where there is no such request or its code was used."""
    async with conn.cursor(row_factory=class_row(TriedRow)) as cursor:
        return await (await cursor.execute(query("code_try"), {"request": request})).fetchone()


async def use_code(conn: Conn, request: UUID, at: datetime) -> None:
    """The code has done its work."""
    await conn.execute(query("code_use"), {"request": request, "at": at})


async def sign_in(
    conn: Conn, token_hash: bytes, worker: UUID, device: UUID, at: datetime, expires_at: datetime
) -> None:
    """Remember a token by its hash."""
    words = {"token_hash": token_hash, "worker": worker, "device": device, "created_at": at, "expires_at": expires_at}
    await conn.execute(query("sign_in_insert"), words)


async def signed_in(conn: Conn, token_hash: bytes, now: datetime) -> SignedInRow | None:
    """The worker of a token that is still good."""
    async with conn.cursor(row_factory=class_row(SignedInRow)) as cursor:
        return await (await cursor.execute(query("sign_in_read"), {"token_hash": token_hash, "now": now})).fetchone()


async def signed_in_until(conn: Conn, token_hash: bytes) -> datetime | None:
    """Until when a token is good."""
    row = await (await conn.execute(query("sign_in_until"), {"token_hash": token_hash})).fetchone()
    return None if row is None else row[0]


async def signed_in_since(conn: Conn, token_hash: bytes) -> datetime | None:
    """Since when a token is good."""
    row = await (await conn.execute(query("sign_in_since"), {"token_hash": token_hash})).fetchone()
    return None if row is None else row[0]


async def sign_out(conn: Conn, token_hash: bytes, now: datetime) -> None:
    """This token is worthless from now on."""
    await conn.execute(query("sign_in_end"), {"token_hash": token_hash, "now": now})


async def sign_out_everywhere(conn: Conn, worker: UUID, now: datetime, device: UUID | None = None) -> None:
    """All tokens of a worker are worthless from now on, or those of one device."""
    await conn.execute(query("sign_in_end_all"), {"worker": worker, "device": device, "now": now})


async def officer(conn: Conn, key_hash: bytes, now: datetime) -> OfficerRow | None:
    """The holder of a key that is neither revoked nor expired."""
    async with conn.cursor(row_factory=class_row(OfficerRow)) as cursor:
        return await (await cursor.execute(query("officer_key_read"), {"key_hash": key_hash, "now": now})).fetchone()


async def revoke_key(conn: Conn, key: UUID, now: datetime) -> None:
    """This officer's key opens nothing from now on."""
    await conn.execute(query("officer_key_revoke"), {"id": key, "now": now})


async def look_as(conn: Conn, scope: str) -> None:
    """From here to the end of the transaction see what this scope may see."""
    await conn.execute(query("scope_set"), {"scope": scope})
