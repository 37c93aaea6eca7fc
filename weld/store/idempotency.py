"""Answers kept by Idempotency-Key: the same request gets the same answer, however often and however concurrently it comes.

The claim, the work and the answer are one transaction. Refuses to compare bodies: it stores the hash that it is given.
"""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.store.connect import Conn
from weld.store.queries import query


class KeptRow(NamedTuple):
    """What was asked and answered under a key."""

    request_hash: bytes
    status: int
    body: dict[str, Any]


async def claim(conn: Conn, subject: str, key: str, request_hash: bytes, at: datetime) -> KeptRow | None:
    """None for the first request with this key (go on and `answer`); otherwise what was answered.

    Waits for a request with the same key that is just being worked on.
    """
    words = {"subject": subject, "key": key, "request_hash": request_hash, "at": at}
    if await (await conn.execute(query("idempotency_claim"), words)).fetchone() is not None:
        return None
    async with conn.cursor(row_factory=class_row(KeptRow)) as cursor:
        return await (await cursor.execute(query("idempotency_read"), {"subject": subject, "key": key})).fetchone()


async def answer(conn: Conn, subject: str, key: str, status: int, body: dict[str, Any]) -> None:
    """Keep the answer."""
    words = {"subject": subject, "key": key, "status": status, "body": Jsonb(body)}
    await conn.execute(query("idempotency_answer"), words)
