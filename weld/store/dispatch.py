"""Dispatch's own side of the store: facts become deliveries, deliveries are leased, attempts are recorded.

All times are the database's. Written by dispatch only (an officer may pause an endpoint or send a delivery again: api).
Refuses to open secrets and to know what an answer means.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class FactRow(NamedTuple):
    """A fact of the outbox; `path` is its division's."""

    id: int
    fact: str
    subject: UUID
    code: str | None
    at: datetime
    path: str | None


class RouteRow(NamedTuple):
    """An endpoint as routing sees it."""

    id: UUID
    path: str
    codes: list[str] | None
    state: Literal["active", "paused", "disabled"]


class AlertRow(NamedTuple):
    """An alert as a webhook tells of it; nothing of the person."""

    id: UUID
    code: str
    level: int
    plate: str | None
    chip: str | None
    division: str | None
    enterprise: UUID | None
    session: UUID | None
    since: datetime
    raised_at: datetime
    historical: bool
    late_by_ms: int
    occurrences: int
    evidence: dict[str, Any]
    closed_at: datetime | None
    outcome: Literal["confirmed", "false_alarm", "test", "other"] | None


class LeasedRow(NamedTuple):
    """A delivery that is ours until the lease ends. `attempts` is the number of the attempt that begins now."""

    id: UUID
    endpoint: UUID
    url: str
    secret_sealed: bytes
    payload: str
    attempts: int
    age_s: float
    failing_s: float | None


async def guard(conn: Conn, work: Literal["expand", "lease"]) -> None:
    """Until the end of this transaction no other process does the same."""
    await conn.execute(query("outbox_guard"), {"work": work})


async def xmin(conn: Conn) -> str:
    """Every transaction below this has ended; what a later statement does not see of them is not there."""
    row = await (await conn.execute(query("outbox_xmin"))).fetchone()
    return str(row[0]) if row else "0"


async def new_facts(conn: Conn, floor: str, skip: Sequence[int], limit: int) -> list[FactRow]:
    """Facts without deliveries yet, from `floor` (a transaction number) on, without those to skip."""
    async with conn.cursor(row_factory=class_row(FactRow)) as cursor:
        await cursor.execute(query("outbox_new"), {"floor": floor, "skip": list(skip), "limit": limit})
        return await cursor.fetchall()


async def oldest_fact_s(conn: Conn, floor: str) -> float:
    """How long the oldest fact has been waiting for its deliveries."""
    row = await (await conn.execute(query("outbox_age"), {"floor": floor})).fetchone()
    return float(row[0]) if row else 0.0


async def oldest_delivery_s(conn: Conn) -> float:
    """How long the delivery that is due longest has been waiting for its attempt."""
    row = await (await conn.execute(query("delivery_age"))).fetchone()
    return float(row[0]) if row else 0.0


async def mark_expanded(conn: Conn, outbox_id: int) -> None:
    """This fact has its deliveries."""
    await conn.execute(query("outbox_expanded"), {"outbox_id": outbox_id})


async def routes(conn: Conn) -> list[RouteRow]:
    """All endpoints that are not disabled."""
    async with conn.cursor(row_factory=class_row(RouteRow)) as cursor:
        await cursor.execute(query("endpoint_routes"))
        return await cursor.fetchall()


async def told_alert(conn: Conn, alert: UUID) -> AlertRow | None:
    """An alert as it stands now."""
    async with conn.cursor(row_factory=class_row(AlertRow)) as cursor:
        await cursor.execute(query("alert_told"), {"id": alert})
        return await cursor.fetchone()


async def add_delivery(conn: Conn, delivery: UUID, endpoint: UUID, fact: FactRow, payload: str) -> None:
    """One delivery, due at once; nothing where this endpoint has one of this fact already."""
    words = {"id": delivery, "endpoint": endpoint, "outbox_id": fact.id, "fact": fact.fact, "subject": fact.subject}
    await conn.execute(query("delivery_add"), words | {"payload": payload})


async def lease(
    conn: Conn, *, limit: int, per_endpoint: int, one_at_a_time_after: int, lease_s: float
) -> list[LeasedRow]:
    """Due deliveries, fairly over the endpoints; call it in a transaction, after `guard`."""
    words = {
        "limit": limit,
        "per_endpoint": per_endpoint,
        "one_at_a_time_after": one_at_a_time_after,
        "lease_s": lease_s,
    }
    async with conn.cursor(row_factory=class_row(LeasedRow)) as cursor:
        await cursor.execute(query("delivery_lease"), words)
        return await cursor.fetchall()


async def add_attempt(
    conn: Conn, delivery: UUID, number: int, latency_ms: int, status: int | None, error: str | None
) -> None:
    """What one attempt came to."""
    words = {"delivery": delivery, "number": number, "latency_ms": latency_ms, "status": status, "error": error}
    await conn.execute(query("delivery_attempt"), words)


async def mark_delivered(conn: Conn, delivery: UUID) -> None:
    """It has arrived."""
    await conn.execute(query("delivery_done"), {"id": delivery})


async def postpone(conn: Conn, delivery: UUID, number: int, delay_s: float) -> None:
    """Try again later."""
    await conn.execute(query("delivery_again"), {"id": delivery, "number": number, "delay_s": delay_s})


async def give_up(conn: Conn, delivery: UUID, number: int) -> None:
    """It stays where it is, dead."""
    await conn.execute(query("delivery_dead"), {"id": delivery, "number": number})


async def endpoint_failed(conn: Conn, endpoint: UUID, hold_s: float) -> None:
    """One more failure in a row."""
    await conn.execute(query("endpoint_failed"), {"endpoint": endpoint, "hold_s": hold_s})


async def endpoint_recovered(conn: Conn, endpoint: UUID) -> None:
    """It works; where it had failed, what waits for it is due at once."""
    if await (await conn.execute(query("endpoint_recovered"), {"endpoint": endpoint})).fetchone() is not None:
        await conn.execute(query("delivery_recall"), {"endpoint": endpoint})


async def endpoint_gone(conn: Conn, endpoint: UUID) -> None:
    """It said that it is no more: disabled, and what waited for it is cancelled."""
    await conn.execute(query("endpoint_gone"), {"endpoint": endpoint})
