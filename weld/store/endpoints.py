"""Webhook endpoints as an officer keeps them: how they fare, held or not, and a delivery sent once more.

The api's side of what dispatch works through. Refuses secrets: no query here reads one.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.ids import uuid7
from weld.store.connect import Conn
from weld.store.queries import query

State = Literal["active", "paused", "disabled"]

# Ended deliveries stay for good; an officer asks how an endpoint fares, not how it once did.
COUNTED = timedelta(days=30)


class EndpointRow(NamedTuple):
    """One endpoint. `pending` counts all; the counts and the time of what has ended look back 30 days."""

    id: UUID
    name: str
    url: str
    division: str
    division_zh: str
    division_en: str
    codes: list[str] | None
    state: State
    created_at: datetime
    failures: int
    failing_since: datetime | None
    hold_until: datetime | None
    pending: int
    delivered: int
    dead: int
    last_delivered_at: datetime | None


class AttemptRow(NamedTuple):
    """One try to hand a delivery over."""

    number: int
    at: datetime
    latency_ms: int
    status: int | None
    error: str | None


async def search(conn: Conn, now: datetime, endpoint: UUID | None = None) -> list[EndpointRow]:
    """Endpoints in scope, by name."""
    words = {"id": endpoint, "since": uuid7(now - COUNTED, bytes(10))}
    async with conn.cursor(row_factory=class_row(EndpointRow)) as cursor:
        return await (await cursor.execute(query("endpoint_list"), words)).fetchall()


async def set_state(conn: Conn, endpoint: UUID, state: Literal["active", "paused"]) -> State | None:
    """What it was before; None where nobody in scope knows it. Dispatch hears of it when the transaction commits."""
    row = await (await conn.execute(query("endpoint_state"), {"id": endpoint, "state": state})).fetchone()
    if row is None:
        return None
    await conn.execute(query("dispatch_wake"))
    before: State = row[0]
    return before


async def payload(conn: Conn, delivery: UUID) -> str | None:
    """The body of a delivery in scope, as every attempt sends it."""
    row = await (await conn.execute(query("delivery_read"), {"id": delivery})).fetchone()
    return None if row is None else str(row[0])


async def attempts(conn: Conn, delivery: UUID) -> list[AttemptRow]:
    """Every attempt at a delivery, in order."""
    async with conn.cursor(row_factory=class_row(AttemptRow)) as cursor:
        return await (await cursor.execute(query("delivery_attempts"), {"id": delivery})).fetchall()


async def resend(conn: Conn, delivery: UUID) -> bool:
    """Due now and for its full time; False where it has arrived, was cancelled, or is not in scope."""
    if await (await conn.execute(query("delivery_resend"), {"id": delivery})).fetchone() is None:
        return False
    await conn.execute(query("dispatch_wake"))
    return True
