"""The days of the big tables, partitions of PostgreSQL or chunks of TimescaleDB: made, turned into columns, dropped in time.

Run by `weldgate maintain`, which connects as owner and is the only one who does any of this: no policy and no job of the
extension works on our tables. A partition is created LIKE its parent and attached, as CREATE TABLE ... PARTITION OF would lock
out all writers; TimescaleDB makes chunks itself. There is no default partition: a row without one is in quarantine before it
gets here. Refuses to wait long for a lock: whoever comes after us would wait behind us. What cannot be had now is for the next
round, and a round that was ended in the middle is finished by the next one.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from weld.store.engine import detect
from weld.store.queries import query

TABLES = ("telemetry", "event", "machine_hour")
# The column that says on which day a row belongs.
TIME: Final[Mapping[str, str]] = {"telemetry": "at", "event": "at", "machine_hour": "hour"}
# Chips buffer for 30 days (domain.md 3.2); older messages are refused to quarantine as too old.
DAYS_BACK = 35
DAYS_AHEAD = 8

# An hour's row is written again with each batch: room beside it keeps that out of the index.
_FILL = {"machine_hour": 50}

_LOCK = 7_326_001  # one maintenance at a time
_WAIT_MS = 500
_TRIES = 4
_PAUSE_S = 0.5
# In one go: the rest of the maintenance must not wait for hours where years of days are to become columns.
_COMPRESSED_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class _Kept:
    """How a table is laid out as columns: rows of one `together` stand in one batch, in this order."""

    together: str
    order: str


# A chip sends hundreds of messages in a day of work, so its own batches fill up. Events are few: those of many chips share one.
_COLUMNS: Final[Mapping[str, _Kept]] = {
    "telemetry": _Kept("chip_no", "at, boot, seq"),
    "event": _Kept("", "chip_no, at, boot, seq"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One day of a table, and how it stands: rows, columns, columns with rows that came later (mixed), or on its way out."""

    schema: str
    name: str
    day: date
    state: Literal["rows", "columns", "mixed", "leaving", "left"]

    @property
    def identifier(self) -> sql.Identifier:
        """Its full name."""
        return sql.Identifier(self.schema, self.name)


def ensure(conn: psycopg.Connection, first: date, last: date) -> int:
    """Make the partitions of these days where they are missing; how many were made. Chunks need no making."""
    made = 0
    for table in TABLES:
        if is_hypertable(conn, table):
            continue
        there = {part.day for part in parts(conn, table)}
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        for day in (one for one in days if one not in there):
            _make(conn, table, day)
            made += 1
    return made


def drop_before(conn: psycopg.Connection, table: str, day: date) -> list[str]:
    """Drop the days of `table` before a day, the oldest first, without stopping writers; `table_YYYYMMDD` for each."""
    drop = _drop_chunk if is_hypertable(conn, table) else _drop_partition
    done = []
    old = [part for part in parts(conn, table) if part.day < day]
    for part in sorted(old, key=lambda one: one.state != "leaving"):  # PostgreSQL detaches one at a time
        if not _patiently(conn, drop, table, part):
            break
        done.append(_name(table, part.day))
    return done


def compress_before(conn: psycopg.Connection, table: str, day: date, closed: date) -> list[str]:
    """Turn the days of `table` before a day into columns; does nothing where the server has no columnstore.

    Who writes to that very day waits meanwhile. Days before `closed` get no more rows: those to which some came after they were
    columns are done once more.
    """
    engine = detect(conn)
    if not engine.has_columnstore or table not in _COLUMNS or not is_hypertable(conn, table):
        return []
    if not _hypertables(conn)[table]:
        _allow_columns(conn, table)
    done = []
    for part in parts(conn, table):
        is_due = part.day < (day if part.state == "rows" else closed)
        if is_due and part.state != "columns" and _patiently(conn, _compress, table, part):
            done.append(_name(table, part.day))
        if len(done) == _COMPRESSED_AT_ONCE:
            break
    return done


def locked(conn: psycopg.Connection) -> bool:
    """Whether this connection is now the one that maintains."""
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    return bool(row and row[0])


def first_day(conn: psycopg.Connection, table: str) -> date | None:
    """The first day of which this table has a partition or a chunk."""
    return min((part.day for part in parts(conn, table)), default=None)


def horizon(now: datetime) -> tuple[date, date]:
    """The days that must have partitions at `now`."""
    today = now.date()
    return today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)


def parts(conn: psycopg.Connection, table: str) -> list[Part]:
    """The days that a table has, the oldest first."""
    name = "day_chunks" if is_hypertable(conn, table) else "day_partitions"
    with conn.cursor(row_factory=class_row(Part)) as cursor:
        return cursor.execute(query(name), {"table": table}).fetchall()


def is_hypertable(conn: psycopg.Connection, table: str) -> bool:
    """Whether TimescaleDB minds this table."""
    return table in _hypertables(conn)


def _hypertables(conn: psycopg.Connection) -> dict[str, bool]:
    return {} if detect(conn).timescaledb is None else dict(conn.execute(query("hypertables")).fetchall())


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


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


def _drop_partition(conn: psycopg.Connection, table: str, part: Part) -> None:
    state = next(
        one.state for one in parts(conn, table) if one.day == part.day
    )  # a first try may have gone half the way
    if state != "left":
        how = sql.SQL("FINALIZE" if state == "leaving" else "CONCURRENTLY")
        words = (sql.Identifier("weld", table), part.identifier, how)
        conn.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(*words))
    conn.execute(sql.SQL("DROP TABLE {}").format(part.identifier))


def _drop_chunk(conn: psycopg.Connection, table: str, part: Part) -> None:
    words = (detect(conn).function("drop_chunks"), sql.Literal(f"weld.{table}"), _next_midnight(part.day))
    conn.execute(sql.SQL("SELECT {}({}, older_than => {}::timestamptz)").format(*words))


def _compress(conn: psycopg.Connection, _table: str, part: Part) -> None:
    words = (detect(conn).function("compress_chunk"), sql.Literal(f"{part.schema}.{part.name}"))
    conn.execute(sql.SQL("SELECT {}({}::regclass)").format(*words))


def _allow_columns(conn: psycopg.Connection, table: str) -> None:
    kept = _COLUMNS[table]
    # `together` is said even where it is empty: TimescaleDB would choose a column by itself
    settings = "timescaledb.compress, timescaledb.compress_segmentby = {}, timescaledb.compress_orderby = {}"
    words = sql.SQL(settings).format(kept.together, kept.order)
    with _short_waits(conn):
        conn.execute(sql.SQL("ALTER TABLE {} SET ({})").format(sql.Identifier("weld", table), words))


def _next_midnight(day: date) -> sql.Literal:
    return sql.Literal(f"{day + timedelta(days=1)} 00:00+00")


def _patiently(
    conn: psycopg.Connection, work: Callable[[psycopg.Connection, str, Part], None], table: str, part: Part
) -> bool:
    """Try it some times, each with a short wait for locks; whether it was done."""
    with _short_waits(conn):
        for _ in range(_TRIES):
            try:
                work(conn, table, part)
            except psycopg.errors.LockNotAvailable:
                time.sleep(_PAUSE_S)
            else:
                return True
    return False


@contextmanager
def _short_waits(conn: psycopg.Connection) -> Iterator[None]:
    conn.execute(sql.SQL("SET lock_timeout = {}").format(_WAIT_MS))
    try:
        yield
    finally:
        conn.execute("RESET lock_timeout")
