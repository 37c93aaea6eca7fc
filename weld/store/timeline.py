"""One machine over a span of time: what its chip said, and where it said nothing. Read through the scope-checking functions.

Refuses to fill gaps: where numbers are missing nobody knows, and that is what is returned.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class TelemetryRow(NamedTuple):
    """One telemetry message, summed up; None is unknown."""

    at: datetime
    boot: int
    seq: int
    received_at: datetime
    late: str
    clock: str
    state: str
    contact: str | None
    session: UUID | None
    energy_wh: float | None
    span_ms: int
    current_a: float | None
    peak_a: float | None
    arc_ms: int | None


class EventRow(NamedTuple):
    """One boot, event, result or log message."""

    at: datetime
    boot: int
    seq: int
    received_at: datetime
    late: str
    clock: str
    kind: str
    name: str
    session: UUID | None
    body: dict[str, Any]


class ArcRow(NamedTuple):
    """One burst."""

    boot: int
    started_at: datetime
    ended_at: datetime | None
    arc_ms: int | None
    peak_a: float | None
    contact: str | None
    session: UUID | None


class GapRow(NamedTuple):
    """Numbers missing between two messages of one boot; `why` is None while they may still come."""

    since: datetime
    until: datetime
    boot: int
    messages: int
    why: str | None


class Span(NamedTuple):
    """Which machine, from when to when, and how many rows at most."""

    plate: str
    since: datetime
    until: datetime
    limit: int


async def telemetry(conn: Conn, span: Span) -> list[TelemetryRow]:
    """Telemetry in order of time."""
    async with conn.cursor(row_factory=class_row(TelemetryRow)) as cursor:
        return await (await cursor.execute(query("timeline_telemetry"), span._asdict())).fetchall()


async def events(conn: Conn, span: Span) -> list[EventRow]:
    """Events in order of time."""
    async with conn.cursor(row_factory=class_row(EventRow)) as cursor:
        return await (await cursor.execute(query("timeline_events"), span._asdict())).fetchall()


async def arcs(conn: Conn, span: Span) -> list[ArcRow]:
    """Bursts in order of time."""
    async with conn.cursor(row_factory=class_row(ArcRow)) as cursor:
        return await (await cursor.execute(query("timeline_arcs"), span._asdict())).fetchall()


async def gaps(conn: Conn, span: Span) -> list[GapRow]:
    """What is missing in order of time."""
    async with conn.cursor(row_factory=class_row(GapRow)) as cursor:
        return await (await cursor.execute(query("timeline_gaps"), span._asdict())).fetchall()
