"""What `weldgate doctor` asks a database: facts, as they are. Read only; refuses to judge, weld/cli/doctor.py does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

from weld.store import engine, partitions, setup, sizes
from weld.store.engine import Engine
from weld.store.migrate import migrations
from weld.store.partitions import Part
from weld.store.queries import query
from weld.store.sizes import TableSize

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """How the server is set, and its clock when it was asked."""

    clock: datetime
    is_standby: bool
    version_number: int
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    autovacuum: str
    data_checksums: str
    calls_home: str | None  # TimescaleDB's telemetry; None: not loaded
    ctype: str  # which letters are letters
    bytes: int


@dataclass(frozen=True, slots=True)
class Role:
    """A role of ours that is not as it should be."""

    name: str
    is_missing: bool
    is_mighty: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot without a reader."""

    slot_name: str
    kept_bytes: int


@dataclass(frozen=True, slots=True)
class Days:
    """The days of one table."""

    table: str
    is_hypertable: bool
    has_policies: bool
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one database said."""

    engine: Engine
    server: Server
    schema: Mapping[int, str]  # the migrations that were applied, number -> hash
    wanted: Mapping[int, str]  # those of this program
    roles: Sequence[Role]
    slots: Sequence[Slot]
    days: Sequence[Days]
    tables: Sequence[TableSize]
    jobs: Sequence[str]


def look(conn: psycopg.Connection) -> Facts:
    """Ask as owner (or as a reader who may see the same); in autocommit."""
    found = engine.detect(conn)
    applied = _applied(conn)
    return Facts(
        engine=found,
        server=_one(conn, Server, "checkup_server"),
        schema=applied,
        wanted={each.number: each.hash for each in migrations()},
        roles=_many(conn, Role, "checkup_roles", {"roles": _roles(conn.info.dbname)}),
        slots=_many(conn, Slot, "checkup_slots"),
        days=_days(conn) if applied else (),
        tables=sizes.read(conn),
        jobs=[row[0] for row in conn.execute(query("checkup_jobs")).fetchall()] if found.timescaledb else (),
    )


def _applied(conn: psycopg.Connection) -> dict[int, str]:
    try:
        return dict(conn.execute(query("checkup_schema")).fetchall())
    except psycopg.errors.UndefinedTable:
        return {}


def _roles(database: str) -> list[str]:
    return [*(f"weld_{role}" for role in (*setup.ROLES, "audit")), *(f"{database}_{role}" for role in setup.ROLES)]


def _days(conn: psycopg.Connection) -> list[Days]:
    partitioned: dict[str, bool] = dict(
        conn.execute(query("partitioned_tables"), {"tables": list(partitions.TABLES)}).fetchall()
    )
    return [
        Days(table, partitions.is_hypertable(conn, table), partitioned.get(table, False), partitions.parts(conn, table))
        for table in partitions.TABLES
    ]


def _one(conn: psycopg.Connection, kind: type[T], name: str) -> T:
    return _many(conn, kind, name)[0]


def _many(conn: psycopg.Connection, kind: type[T], name: str, words: Mapping[str, object] | None = None) -> list[T]:
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query(name), words).fetchall()
