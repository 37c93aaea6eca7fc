"""What stands on an officer's desk beside alerts and sessions: quarantine and deliveries.

Refuses payloads: quarantine shows why a message was of no use, never its bytes.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class QuarantineRow(NamedTuple):
    """One message that nobody could use."""

    id: int
    received_at: datetime
    topic: str
    chip: str | None
    boot: int | None
    seq: int | None
    reason: str
    detail: str
    bytes: int


class DeliveryRow(NamedTuple):
    """One fact on its way to one endpoint, with its last attempt."""

    id: UUID
    endpoint: UUID
    endpoint_name: str
    fact: str
    state: str
    attempts: int
    next_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    last_at: datetime | None
    last_status: int | None
    last_error: str | None


async def quarantine(conn: Conn, *, chip: str | None, after: int | None, limit: int) -> list[QuarantineRow]:
    """Messages in quarantine, the newest first."""
    words = {"chip": chip, "after": after, "limit": limit}
    async with conn.cursor(row_factory=class_row(QuarantineRow)) as cursor:
        return await (await cursor.execute(query("quarantine_list"), words)).fetchall()


async def deliveries(
    conn: Conn,
    *,
    delivery: UUID | None = None,
    endpoint: UUID | None = None,
    subject: UUID | None = None,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[DeliveryRow]:
    """Deliveries to endpoints in scope, the newest first; `subject` is the alert that they tell of."""
    words: dict[str, object] = {
        "id": delivery,
        "endpoint": endpoint,
        "subject": subject,
        "state": state,
        "limit": limit,
    }
    words |= {"after_at": after[0] if after else None, "after_id": after[1] if after else None}
    async with conn.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        return await (await cursor.execute(query("delivery_list"), words)).fetchall()
