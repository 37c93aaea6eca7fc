"""Day partitions of the big tables: made a week ahead, detached and dropped after their retention.

Run by `weldgate maintain`, which connects as owner. A partition is created LIKE its parent and attached: CREATE TABLE ...
PARTITION OF would lock out all writers. There is no default partition: a row without one is in quarantine before it gets here.
"""

from datetime import date, datetime, timedelta

import psycopg
from psycopg import sql

TABLES = ("telemetry", "event", "machine_hour")
# Chips buffer for 30 days (domain.md 3.2); older messages are refused to quarantine as too old.
DAYS_BACK = 35
DAYS_AHEAD = 8

# An hour's row is written again with each batch: room beside it keeps that out of the index.
_FILL = {"machine_hour": 80}

_LOCK = 7_326_001  # one maintenance at a time


def ensure(conn: psycopg.Connection, first: date, last: date) -> int:
    """Make the partitions of these days where they are missing; how many were made."""
    made = 0
    for table in TABLES:
        there = _partitions(conn, table)
        day = first
        while day <= last:
            if _name(table, day) not in there:
                _make(conn, table, day)
                made += 1
            day += timedelta(days=1)
    return made


def drop_before(conn: psycopg.Connection, table: str, day: date) -> list[str]:
    """Detach (without stopping writers) and drop the partitions of `table` before a day; their names."""
    old = sorted(name for name in _partitions(conn, table) if name < _name(table, day))
    for name in old:
        part = sql.Identifier("weld", name)
        conn.execute(
            sql.SQL("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY").format(sql.Identifier("weld", table), part)
        )
        conn.execute(sql.SQL("DROP TABLE {}").format(part))
    return old


def locked(conn: psycopg.Connection) -> bool:
    """Whether this connection is now the one that maintains."""
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    return bool(row and row[0])


def horizon(now: datetime) -> tuple[date, date]:
    """The days that must have partitions at `now`."""
    today = now.date()
    return today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


def _partitions(conn: psycopg.Connection, table: str) -> set[str]:
    rows = conn.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)",
        (f"weld.{table}",),
    ).fetchall()
    return {row[0] for row in rows}


def _make(conn: psycopg.Connection, table: str, day: date) -> None:
    parent, part = sql.Identifier("weld", table), sql.Identifier("weld", _name(table, day))
    with conn.transaction():
        conn.execute("SET LOCAL lock_timeout = '2s'")
        fill = sql.Literal(_FILL.get(table, 100))
        conn.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL) WITH (fillfactor = {})").format(part, parent, fill)
        )
        conn.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                parent, part, sql.Literal(f"{day} 00:00+00"), sql.Literal(f"{day + timedelta(days=1)} 00:00+00")
            )
        )
