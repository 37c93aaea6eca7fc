"""A machine over a year, or any span: by day or hour from the rollups, what is missing, its alerts; then page by page what
it said.

Read through functions and policies that check the scope. Refuses to fill gaps: a span without a message is told as silence.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.curve import Silence, silences
from weld.store.connect import Conn
from weld.store.curves import home
from weld.store.queries import query
from weld.store.timeline import EventRow, TelemetryRow

_MOST = 500


class StepRow(NamedTuple):
    """A day or an hour of a machine; `peak_a` None: not known. More covered than online: some of it came out of a memory."""

    since: datetime
    until: datetime
    arc_ms: int
    covered_ms: int
    online_ms: int
    unknown_ms: int
    energy_wh: float
    sessions: int
    starts: int
    refusals: int
    alerts: int
    messages: int
    peak_a: float | None


class LostRow(NamedTuple):
    """Numbers that never will come, by when that was declared."""

    at: datetime
    boot: int
    from_seq: int
    to_seq: int
    why: str


class MarkRow(NamedTuple):
    """One alert on the line."""

    id: UUID
    code: str
    level: int
    since: datetime
    last_at: datetime
    state: str
    historical: bool


class History(NamedTuple):
    """A machine over a span. `missing`: numbers that may still come; of lost and alerts there are the first 500."""

    zone: str
    by_hour: bool
    steps: list[StepRow]
    silent: list[Silence]
    lost: list[LostRow]
    missing: int
    alerts: list[MarkRow]


class Place(NamedTuple):
    """The last row seen: what a page begins behind."""

    at: datetime
    boot: int
    seq: int
    chip_no: int


async def timeline_year(
    conn: Conn, plate: str, since: datetime, until: datetime, *, by_hour: bool = False
) -> History | None:
    """A machine's year, or any span, by day or by hour; None where nobody in scope knows the machine.

    Where hours are kept no longer, whole days inside the span are told instead.
    """
    at = await home(conn, plate)
    if at is None:
        return None
    words = {"plate": plate, "since": since, "until": until, "zone": at.zone, "limit": _MOST}
    steps = await _rows(conn, "history_hours", StepRow, words) if by_hour else []
    if not steps:
        days = await _rows(conn, "history_days", StepRow, words)
        steps = [day for day in days if not by_hour or (since <= day.since and day.until <= until)]
        by_hour = by_hour and not steps
    told = [(step.since, step.until) for step in steps if step.messages]
    lost = await _rows(conn, "history_lost", LostRow, words)
    marks = await _rows(conn, "history_alerts", MarkRow, words)
    return History(at.zone, by_hour, steps, silences(told, since, until), lost, at.missing, marks)


async def telemetry_page(
    conn: Conn, plate: str, since: datetime, until: datetime, *, after: Place | None = None, limit: int = 50
) -> list[tuple[TelemetryRow, Place]]:
    """Telemetry behind the last row seen, in order of time."""
    found = await _page(conn, "telemetry_page", (plate, since, until), after, limit)
    return [(TelemetryRow(*row[:-1]), Place(row[0], row[1], row[2], row[-1])) for row in found]


async def event_page(
    conn: Conn, plate: str, since: datetime, until: datetime, *, after: Place | None = None, limit: int = 50
) -> list[tuple[EventRow, Place]]:
    """Events, results and logs behind the last row seen, in order of time."""
    found = await _page(conn, "event_page", (plate, since, until), after, limit)
    return [(EventRow(*row[:-1]), Place(row[0], row[1], row[2], row[-1])) for row in found]


async def _page(
    conn: Conn, name: str, span: tuple[str, datetime, datetime], after: Place | None, limit: int
) -> list[tuple[Any, ...]]:
    at, boot, seq, chip_no = after or (None, None, None, None)
    words = {"plate": span[0], "since": span[1], "until": span[2], "limit": limit}
    words |= {"after_at": at, "after_boot": boot, "after_seq": seq, "after_chip": chip_no}
    return await (await conn.execute(query(name), words, prepare=False)).fetchall()


async def _rows(conn: Conn, name: str, kind: type[Any], words: dict[str, Any]) -> list[Any]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        return await (await cursor.execute(query(name), words, prepare=False)).fetchall()
