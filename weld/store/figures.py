"""Counts for the figures above the map, under the caller's scope. Refuses to say what a day is: its bounds are handed in."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from weld.store.connect import Conn
from weld.store.queries import query


class Span(NamedTuple):
    """The bounds of today, of yesterday up to the same time, and of the same day a week ago."""

    today: datetime
    tomorrow: datetime
    yesterday: datetime
    same_time: datetime
    week_ago: datetime
    zone: str


class KindYears(NamedTuple):
    """For how many years one kind of certificate is good, and after how many it is re-examined; None sets no limit."""

    kind: str
    valid_years: int | None
    review_years: int | None


class MachineCounts(NamedTuple):
    """Machines in scope."""

    machines: int
    chipped: int
    online: int
    arcing: int


class WorkerCounts(NamedTuple):
    """Workers in scope."""

    workers: int
    usable: int
    expiring: int


class SessionCounts(NamedTuple):
    """Open sessions; of today's, the time that is known and all of it."""

    open: int
    known_ms: int
    contact_ms: int


async def machines(conn: Conn, arcing: Sequence[str]) -> MachineCounts:
    """How many machines there are, and what they do; `arcing` are the words of that look."""
    return MachineCounts(*(await _rows(conn, "figures_machines", {"arcing": list(arcing)}))[0])


async def workers(conn: Conn, today: date, near: date, rules: Sequence[KindYears]) -> WorkerCounts:
    """How many workers there are, and how many hold a certificate that is good today."""
    years = {
        "kinds": [rule.kind for rule in rules],
        "valid_years": [rule.valid_years for rule in rules],
        "review_years": [rule.review_years for rule in rules],
    }
    return WorkerCounts(*(await _rows(conn, "figures_workers", {"today": today, "near": near} | years))[0])


async def sessions(conn: Conn, span: Span) -> SessionCounts:
    """Sessions of today."""
    return SessionCounts(*(await _rows(conn, "figures_sessions", span._asdict()))[0])


async def starts_by_hour(conn: Conn, span: Span) -> dict[int, tuple[int, int]]:
    """Starts of each hour: today, a week ago."""
    return {row[0]: (row[1], row[2]) for row in await _rows(conn, "figures_starts", span._asdict())}


async def starts_between(conn: Conn, since: datetime, until: datetime) -> int:
    """Starts in a span."""
    found: int = (await _rows(conn, "figures_starts_between", {"since": since, "until": until}))[0][0]
    return found


async def refusals(conn: Conn, span: Span) -> dict[str, tuple[int, int]]:
    """Refused starts by their first reason: today, and yesterday up to the same time."""
    return {row[0]: (row[1], row[2]) for row in await _rows(conn, "figures_refusals", span._asdict())}


async def alerts(conn: Conn) -> dict[int, tuple[int, int]]:
    """Alerts that nobody has closed, by level: all, and unsigned."""
    return {row[0]: (row[1], row[2]) for row in await _rows(conn, "figures_alerts", {})}


async def _rows(conn: Conn, name: str, words: dict[str, object]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query(name), words)).fetchall()
