"""A year of a made-up province, generated in the database itself: registers, sessions, telemetry, rollups, alerts.

For throw-away databases, as the superuser of their server: the foreign keys are left out, for what is made agrees by
construction. Every row goes the way that production's rows go, into day partitions or chunks with all their indexes, in the order
of time. Refuses personal data (nothing is sealed in its workers), and to be a chip's story: the rollups are sums of the sessions,
the telemetry beside them is not the one that they were made of; grants, commands and arcs are left out.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import psycopg
from psycopg import sql

from weld.store import partitions
from weld.store.connect import Conn
from weld.store.queries import query

_SESSIONS_A_YEAR = 30  # a machine; published: 77 starts a machine
_ON_PERCENT = 20  # of the machines, on one day
_REGISTERS = (
    "province_divisions", "province_enterprises", "province_machines", "province_workers", "province_states",
)  # fmt: skip
_HURRIED = (
    "wal_level = minimal", "max_wal_senders = 0", "max_wal_size = '1GB'", "fsync = off", "autovacuum = off",
    "maintenance_work_mem = '256MB'",
)  # fmt: skip
_ROLLUPS = ("session", "machine_day", "division_day", "enterprise_day", "alert", "hole")


class Shape(NamedTuple):
    """How much there is, up to (not including) the day `until`.

    A tenth of the telemetry is of `dense` machines, each with `each` messages a day: at full size one a minute.
    """

    machines: int
    rows: int
    days: int
    until: date

    @property
    def each(self) -> int:
        return max(1, min(1440, self.rows // 10 // self.days))

    @property
    def dense(self) -> int:
        return max(1, self.rows // 10 // (self.each * self.days))

    @property
    def on(self) -> int:
        """Machines that are on, on one day: every fifth."""
        return self.machines * _ON_PERCENT // 100

    def day(self, number: int) -> date:
        return self.until - timedelta(days=self.days - number)

    def upto(self, number: int) -> "Counts":
        """So many there are before day `number`."""
        even = self.rows - self.dense * self.each * self.days
        sessions = self.machines * _SESSIONS_A_YEAR * self.days // 365
        alerts = max(self.machines * self.days // 365, self.days)
        return Counts(*(of_all * number // self.days for of_all in (even, sessions, alerts)))


class Counts(NamedTuple):
    """Rows by table, without those of the dense machines."""

    even: int
    sessions: int
    alerts: int


class Asked(NamedTuple):
    """One machine to ask about; machine `number` below the shape's `dense` has a message a minute."""

    plate: str
    division: str
    enterprise: str
    number: int


Pieces = Mapping[date, list[str]]


def hurry(url: str, *, on: bool) -> None:
    """Settings of a server for filling it, or back to what they were; they are in force after its next start."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CHECKPOINT")
        if not on:
            conn.execute("ALTER SYSTEM RESET ALL")
            return
        for setting in _HURRIED:
            conn.execute(f"ALTER SYSTEM SET {setting}".encode())


def furnish(url: str, owner_url: str, shape: Shape) -> Pieces:
    """Registers, and a partition or chunk for every day; which those are."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        partitions.ensure(conn, shape.day(0), shape.until)
    span = {"since": _start(shape.day(0)), "until": _start(shape.until)}
    with psycopg.connect(url, autocommit=True) as conn, conn.transaction():
        conn.execute(query("load_trust"), {})
        for name in _REGISTERS:
            conn.execute(query(name), shape._asdict() | span)
        conn.execute(query("province_seed"), span)
        conn.execute(query("province_seed_hours"), span)
        found: dict[date, list[str]] = {}
        for day, piece in conn.execute(query("province_pieces"), {}).fetchall():
            found.setdefault(day, []).append(piece)
    return found


def fill(conn: psycopg.Connection, shape: Shape, number: int, pieces: Pieces) -> int:
    """Day `number` of the year in one transaction, on a connection made ready; how many rows of telemetry that were.

    The day's partitions are emptied first: what is then written into them in the same transaction needs no log.
    """
    day = shape.day(number)
    first, then = shape.upto(number), shape.upto(number + 1)
    words = {
        "machines": shape.machines, "on": shape.on, "dense": shape.dense, "each": shape.each, "day": number,
        "since": _start(day), "last": number == shape.days - 1, "recent": number >= shape.days - 30,
    }  # fmt: skip
    with conn.transaction():
        for piece in pieces[day]:
            conn.execute(sql.SQL("TRUNCATE {}").format(_named(piece)))
        conn.execute(query("province_telemetry"), words | {"first": first.even, "even": then.even - first.even})
        sessions = words | {"first": first.sessions, "sessions": then.sessions - first.sessions}
        conn.execute(query("province_sessions"), sessions)
        alerts = words | {"first": first.alerts, "alerts": then.alerts - first.alerts}
        conn.execute(query("province_alerts"), alerts)
        conn.execute(query("province_holes"), words)
    for piece in pieces[day]:
        conn.execute(sql.SQL("VACUUM (ANALYZE) {}").format(_named(piece)))
    return then.even - first.even + shape.dense * shape.each


def fill_past(url: str, owner_url: str, first: date, days: int, rows: int) -> int:
    """So many rows of telemetry on each of `days` days from `first` on, of chips that are there; how many in all."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        partitions.ensure(conn, first, first + timedelta(days=days - 1))
    with psycopg.connect(url, autocommit=True) as conn:
        ready(conn)
        for number in range(days):
            words = {"on": 100, "first": 0, "even": rows, "dense": 0, "each": 1, "day": number}
            conn.execute(query("province_telemetry"), words | {"since": _start(first + timedelta(days=number))})
    return days * rows


def count_pieces(conn: psycopg.Connection) -> dict[str, int]:
    """Partitions or chunks by table."""
    return dict(conn.execute(query("province_count_pieces"), {}).fetchall())


def ready(conn: psycopg.Connection) -> None:
    """What a connection needs before it fills days."""
    conn.execute("SET search_path = weld, pg_temp")
    conn.execute("SET session_replication_role = replica")
    conn.execute("SET work_mem = '128MB'")
    conn.execute("SELECT setseed(0.5)")
    for name in ("province_patterns", "province_places"):
        conn.execute(query(name), {})
    conn.execute("ANALYZE pattern")
    conn.execute("ANALYZE place")


def settle(url: str) -> None:
    """VACUUM ANALYZE of what is not by day; days were done when they were full."""
    with psycopg.connect(url, autocommit=True) as conn:
        for table in (*_ROLLUPS, "division", "enterprise", "machine", "chip", "binding", "worker", "chip_state"):
            conn.execute(sql.SQL("VACUUM (ANALYZE) weld.{}").format(sql.Identifier(table)))
        conn.execute("CHECKPOINT")


def compress(owner_url: str, shape: Shape) -> int:
    """What production's maintenance would have turned into columns by now, where the server can; how many days."""
    before, done = shape.until - timedelta(days=partitions.DAYS_BACK), 0
    with psycopg.connect(owner_url, autocommit=True) as conn:
        while days := partitions.compress_before(conn, "telemetry", before, before):
            done += len(days)
    return done


def some(url: str, count: int, dense: int) -> list[Asked]:
    """Machines from all over the register, and all those below number `dense`."""
    with psycopg.connect(url, autocommit=True) as conn:
        return [
            Asked(*row) for row in conn.execute(query("province_some"), {"count": count, "dense": dense}).fetchall()
        ]


def sizes(url: str) -> dict[str, tuple[int, int]]:
    """Bytes of each table that has rows, and of its indexes; partitions and chunks count as their table."""
    with psycopg.connect(url, autocommit=True) as conn:
        return {name: (table, index) for name, table, index in conn.execute(query("province_sizes"), {}).fetchall()}


def samples_a_row(url: str, shape: Shape) -> float:
    """How many samples a row of telemetry has, by the last day's rows."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query("province_samples"), {"since": _start(shape.day(shape.days - 1))}).fetchone()
        return float(row[0]) if row else 0.0


def server(url: str) -> dict[str, str | None]:
    """What the server is: its version, and TimescaleDB's version and licence where that is there."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query("province_server"), {}).fetchone() or (None,) * 3
        told = {"version": row[0], "timescaledb": row[1], "license": row[2]}
        return {name: value for name, value in told.items() if value is not None}


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _named(piece: str) -> sql.Identifier:
    return sql.Identifier(*(part.strip('"') for part in piece.split(".")))


@asynccontextmanager
async def explained(url: str, role: str, scope: str, tell: Callable[[str], None]) -> AsyncIterator[Conn]:
    """A transaction of `role` under a scope, of whose statements the server tells how they were planned and what they cost."""
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True)
    async with conn, conn.transaction():
        await conn.execute("LOAD 'auto_explain'")
        for name in ("province_explain", "province_act_as"):
            await conn.execute(query(name), {"role": role, "scope": scope})
        conn.add_notice_handler(lambda notice: tell(notice.message_primary or ""))
        yield conn
