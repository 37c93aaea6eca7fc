"""The current of one machine over any span, in about as many points as a screen has. Read through functions that check the scope.

Every peak is kept: a point of many samples, of an hour or of a day tells its largest one. Refuses to fill gaps: between two
points nobody knows.
"""

from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from weld.core.curve import Source, Zoom, zoom
from weld.store.connect import Conn
from weld.store.queries import query

_QUERY: dict[Source, str] = {"samples": "current_samples", "hours": "current_hours", "days": "current_days"}


class PointRow(NamedTuple):
    """A run of samples; None is unknown, and of hours and days only the largest is kept. `late`: some came out of a memory."""

    since: datetime
    until: datetime
    min_a: float | None
    max_a: float | None
    last_a: float | None
    peak_a: float | None
    arc_ms: int
    covered_ms: int
    late: bool


class Curve(NamedTuple):
    """From what the points were made, and the points in order of time; `zone`: whose days they are."""

    source: Source
    zone: str
    points: list[PointRow]


class Home(NamedTuple):
    """What is asked first: whose days a machine has, and how many numbers its chip may still send."""

    zone: str
    missing: int


async def home(conn: Conn, plate: str) -> Home | None:
    """None where nobody in scope knows the machine."""
    async with conn.cursor(row_factory=class_row(Home)) as cursor:
        return await (await cursor.execute(query("machine_zone"), {"plate": plate})).fetchone()


async def current_curve(conn: Conn, plate: str, since: datetime, until: datetime, points: int = 1000) -> Curve | None:
    """The current of a machine in about so many points; None where nobody in scope knows the machine.

    Where samples or hours are kept no longer, whole days inside the span are told instead.
    """
    at = await home(conn, plate)
    if at is None:
        return None
    drawn = zoom(since, until, points)
    words = {"plate": plate, "since": since, "until": until, "points": points, "zone": at.zone}
    found = await _drawn(conn, drawn, words)
    if not found and drawn.source != "days":
        days = await _drawn(conn, Zoom("days", 1), words)
        if inside := [day for day in days if since <= day.since and day.until <= until]:
            return Curve("days", at.zone, inside)
    return Curve(drawn.source, at.zone, found)


async def _drawn(conn: Conn, drawn: Zoom, words: dict[str, object]) -> list[PointRow]:
    async with conn.cursor(row_factory=class_row(PointRow)) as cursor:
        # planned with these values: only the days that are asked for are opened
        await cursor.execute(query(_QUERY[drawn.source]), {**words, "together": drawn.together}, prepare=False)
        return await cursor.fetchall()
