"""Rollups counted again from stored rows, and mended: `weldgate rollups rebuild` (docs/rollups.md).

Beside live ingest without a lock that ingest knows: in one snapshot the recount must equal the sums, whoever writes; what is
missing is a difference, and adding it changes nobody else's adding. Run as owner. Refuses days whose telemetry was dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Json

from weld.store.queries import query
from weld.store.retention import Retention
from weld.store.rollups import NEWEST, OLDEST

FIGURES = (
    "arc_ms",
    "covered_ms",
    "online_ms",
    "unknown_ms",
    "sessions",
    "starts",
    "refusals",
    "alerts",
    "messages",
    "heard",
)
# Machines in one statement: about so many machine-days; and days of divisions in one.
_MACHINE_DAYS, _DAYS = 2_000, 31
# Longest span that a message is counted with: ingest.mapping.LONGEST_MS.
_LONGEST_MS = 360_000_000
_LOCK = 7_326_015  # one rebuild at a time
_MENDING = {
    "machine_hour": "mend_machine_hour",
    "machine_day": "mend_machine_day",
    "division_day": "mend_division_day",
    "enterprise_day": "mend_enterprise_day",
}


class Asked(NamedTuple):
    """Which days (of the zones of divisions), both ends included, and of which machine if not of all."""

    since: date
    until: date
    plate: str | None = None


class Difference(NamedTuple):
    """A row of a rollup that is not what stored rows come to; the figures in the order of FIGURES."""

    level: str
    key: str
    at: str
    division: str | None
    enterprise: UUID | None
    there: list[int]
    counted: list[int]
    energy_there: float
    energy_counted: float

    def words(self) -> dict[str, tuple[float, float]]:
        """What differs: as it stands, and as it was counted."""
        numbers = zip(FIGURES, self.there, self.counted, strict=False)
        found: dict[str, tuple[float, float]] = {name: (a, b) for name, a, b in numbers if a != b}
        if abs(self.energy_there - self.energy_counted) > max(0.001, abs(self.energy_counted) * 0.00001):
            found["energy_wh"] = (self.energy_there, self.energy_counted)
        return found

    def missing(self) -> dict[str, Any]:
        """What has to be added."""
        numbers = zip(FIGURES, self.there, self.counted, strict=False)
        row: dict[str, Any] = {name: counted - there for name, there, counted in numbers}
        row |= {"key": self.key, "at": self.at, "division": self.division, "enterprise": self.enterprise}
        return row | {"energy_wh": self.energy_counted - self.energy_there}


class Step(NamedTuple):
    """A part of the work that is done: how far it is, and what differed there."""

    done: str
    differences: list[Difference]


@contextmanager
def alone(conn: psycopg.Connection) -> Iterator[None]:
    """While this lasts no other rebuild runs; waits for one that does."""
    conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def whole_since(conn: psycopg.Connection, rules: Retention, now: datetime) -> date:
    """The first day of which everything that counts is still stored."""
    kept = [rule.days for name in ("telemetry", "refusal") if (rule := rules.tables[name]).days is not None]
    days = [now.date() - timedelta(days=least - 2) for least in kept if least is not None]
    first = conn.execute(query("recount_first_day")).fetchone()
    if first is not None and first[0] is not None:
        days.append(first[0] + timedelta(days=1))
    return max(days, default=date(2020, 1, 1))


def compare(conn: psycopg.Connection, asked: Asked, hours_since: date, *, mend: bool) -> Iterator[Step]:
    """Machines first, then divisions and enterprises; with `mend` each step is right when it is told.

    `hours_since`: hours before are not kept. The connection is in autocommit mode.
    """
    words = {
        "since": asked.since,
        "until": asked.until,
        "hours_since": hours_since,
        "oldest": OLDEST,
        "newest": NEWEST,
        "longest_ms": _LONGEST_MS,
    }
    words["far"] = [row[0] for row in conn.execute(query("recount_far"), words)]
    at_once = max(1, _MACHINE_DAYS // ((asked.until - asked.since).days + 1))
    after = ""
    while plates := _plates(conn, asked.plate, after, at_once):
        after = plates[-1]
        yield Step(after, _step(conn, "recount_machines", words | {"plates": plates}, mend=mend))
        if mend:
            conn.execute(query("mend_peaks"), words | {"plates": plates})
    day = asked.since
    while day <= asked.until:
        last = min(asked.until, day + timedelta(days=_DAYS - 1))
        for name in ("recount_divisions", "recount_enterprises"):
            yield Step(str(last), _step(conn, name, {"since": day, "until": last}, mend=mend))
        day = last + timedelta(days=1)


def _plates(conn: psycopg.Connection, only: str | None, after: str, limit: int) -> list[str]:
    words = {"plate": only, "after": after, "limit": limit}
    return [row[0] for row in conn.execute(query("recount_plates"), words)]


def _step(conn: psycopg.Connection, name: str, words: dict[str, Any], *, mend: bool) -> list[Difference]:
    with conn.cursor(row_factory=class_row(Difference)) as cursor:
        found = cursor.execute(query(name), words).fetchall()
    if mend:
        for level, mending in _MENDING.items():
            if rows := [one.missing() for one in found if one.level == level]:
                conn.execute(query(mending), {"rows": Json(rows, msgspec.json.encode)})
    return found
