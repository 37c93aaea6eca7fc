"""The gateway's side of the command table: claim under a lease, fix the bytes, record the sending.

Refuses to say what became of a command: the chip's answer is written by ingest.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class ClaimedRow(NamedTuple):
    """A command to send; the later columns are None unless it is a ticket. `wire` holds the bytes once they are fixed."""

    id: UUID
    kind: str
    chip: str
    shard: str
    level: int
    grace_s: int
    counter: int
    by: str
    session: UUID | None
    expires_at: datetime
    wire: bytes | None
    created_at: datetime
    grant_id: UUID | None
    worker: UUID | None
    presence: str | None
    ticket_expires_at: datetime | None
    longest_s: int | None
    nonce: str | None


async def claim(conn: Conn, most: int, lease_s: float) -> list[ClaimedRow]:
    """Up to `most` due commands, ours for `lease_s`; locks before tickets."""
    async with conn.cursor(row_factory=class_row(ClaimedRow)) as cursor:
        await cursor.execute(query("command_claim"), {"most": most, "lease_s": lease_s})
        return await cursor.fetchall()


async def fix_wire(conn: Conn, command: UUID, wire: bytes) -> bytes:
    """Keep the bytes of a command; returns the ones that count (the first ones, if another was quicker)."""
    row = await (await conn.execute(query("command_wire"), {"id": command, "wire": wire})).fetchone()
    return bytes(row[0]) if row else wire


async def mark_sent(conn: Conn, command: UUID) -> None:
    """The broker has acknowledged it."""
    await conn.execute(query("command_sent"), {"id": command})


async def unlease(conn: Conn, command: UUID) -> None:
    """The sending failed; somebody may try again at once."""
    await conn.execute(query("command_unleased"), {"id": command})


async def expire(conn: Conn) -> int:
    """Close live commands whose time is over; how many."""
    return len(await (await conn.execute(query("commands_expired"))).fetchall())
