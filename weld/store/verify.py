"""What a verified store is: the schema, the number and the content of its rows, its references, the end of its audit.

A survey is taken of one moment, once when a store is backed up and once when it is restored; both must say the same. Refuses to
mend, and to read what is sealed: whoever has the keys may try them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from weld.core.chain import Link
from weld.store import audit
from weld.store.migrate import snapshot
from weld.store.queries import query

# What should be 0. A store that lives may have a few that are not: both surveys must count the same.
CHECKS: Final = (
    "arcs_without_session",
    "sessions_without_grant",
    "sessions_without_chip",
    "grants_of_lost_sessions",
    "alerts_without_machine",
    "boots_behind_states",
    "days_counted_otherwise",
)
# The text of a value, and who sees which grants, must not depend on who asks.
_PLAIN: Final = (
    "SET LOCAL ROLE weld_owner",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL search_path = weld, pg_temp",
)
# A survey may take hours: whoever set limits for sessions meant others.
_PATIENT: Final = ("SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0")


@dataclass(frozen=True, slots=True)
class Engine:
    """What a store runs on. `bytes` is what a dump has to read."""

    server: str
    major: int
    timescaledb: str | None
    license: str | None
    bytes: int


class Table(NamedTuple):
    """How many rows, and a sum over all of them (of large tables: over the last day); equal rows have equal sums."""

    rows: int
    sum: str


@dataclass(frozen=True, slots=True)
class Survey:
    """A store at one moment."""

    versions: Mapping[int, str]
    schema: str
    tables: Mapping[str, Table]
    checks: Mapping[str, int]
    head: Link


class Sealed(NamedTuple):
    """A sealed value, and the blind index beside it where the field has one."""

    field: str
    id: UUID
    sealed: bytes
    blind: bytes | None


@contextmanager
def moment(url: str) -> Iterator[psycopg.Connection]:
    """A connection that sees one moment and changes nothing, for as long as it takes."""
    with psycopg.connect(url, application_name="weldgate backup") as conn:
        conn.read_only, conn.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
        for word in (*_PATIENT, *_PLAIN):
            conn.execute(word)
        yield conn


def exported(conn: psycopg.Connection) -> str:
    """The name of this moment for others, good while this transaction lasts."""
    return str(_row(conn, "store_export")[0])


def engine(conn: psycopg.Connection) -> Engine:
    """What the store runs on."""
    server, major, timescaledb, license_, size = _row(conn, "store_engine")
    return Engine(str(server).split()[0], int(str(major)), _text(timescaledb), _text(license_), int(str(size)))


def survey(conn: psycopg.Connection, until: datetime, say: Callable[[str], None]) -> Survey:
    """Look at all of it; `say` hears at which table. Of large tables only the rows of the day before `until` are summed up."""
    versions = {int(number): str(digest) for number, digest in conn.execute(query("store_versions")).fetchall()}
    tables = {}
    for name, time in conn.execute(query("store_tables")).fetchall():
        say(f"counting {name}")
        tables[str(name)] = _table(conn, str(name), _text(time), until)
    checks = {name: int(str(_row(conn, name)[0])) for name in CHECKS}
    # a condition comes back from a dump with fewer brackets
    schema = hashlib.sha256(snapshot(conn).replace("(", "").replace(")", "").encode()).hexdigest()
    return Survey(versions, schema, tables, checks, audit.head(conn) or Link(0, bytes(32)))


def differences(before: Survey, now: Survey, *, same_major: bool) -> list[str]:
    """What the second survey has otherwise than the first; a line each. Another PostgreSQL spells the schema otherwise."""
    found = [] if before.versions == now.versions else ["the migrations are others"]
    if same_major and before.schema != now.schema:
        found.append("the schema is another one")
    for name in sorted(before.tables.keys() | now.tables.keys()):
        was, is_ = before.tables.get(name), now.tables.get(name)
        if was is None or is_ is None:
            found.append(f"{name}: is {'missing' if is_ is None else 'new'}")
        elif was != is_:
            found.append(
                f"{name}: {is_.rows} rows, {was.rows} expected" + ("" if was.rows != is_.rows else "; changed")
            )
    found += [
        f"{name.replace('_', ' ')}: {now.checks.get(name)}, {count} expected"
        for name, count in before.checks.items()
        if now.checks.get(name) != count
    ]
    return found if before.head == now.head else [*found, f"the audit ends at {now.head.seq}, not at {before.head.seq}"]


def is_used(conn: psycopg.Connection) -> bool:
    """Whether anything was ever entered: a store that only has its schema may be replaced."""
    return any(
        conn.execute(sql.SQL("SELECT 1 FROM weld.{} LIMIT 1").format(sql.Identifier(str(name)))).fetchone() is not None
        for name, _ in conn.execute(query("store_tables")).fetchall()
        if name not in {"lease", "lease_owner", "audit_head"}
    )


def sealed(conn: psycopg.Connection) -> list[Sealed]:
    """Some sealed values of each kind."""
    return [Sealed(*row) for row in conn.execute(query("sealed_samples")).fetchall()]


def _table(conn: psycopg.Connection, name: str, time: str | None, until: datetime) -> Table:
    table, summed = (
        sql.Identifier("weld", name),
        sql.SQL("coalesce(sum(hashtextextended(one::text, 0)::numeric), 0)::text"),
    )
    if time is None:
        rows, total = _one(conn, sql.SQL("SELECT count(*), {} FROM {} AS one").format(summed, table))
    else:
        (rows,) = _one(conn, sql.SQL("SELECT count(*) FROM {}").format(table))
        since, column = until - timedelta(days=1), sql.Identifier(time)
        day = sql.SQL("SELECT {} FROM {} AS one WHERE {} >= {} AND {} < {}")
        (total,) = _one(conn, day.format(summed, table, column, sql.Literal(since), column, sql.Literal(until)))
    return Table(int(str(rows)), str(total))


def _one(conn: psycopg.Connection, statement: sql.Composed) -> tuple[object, ...]:
    row = conn.execute(statement).fetchone()
    assert row is not None  # noqa: S101  (a sum has one row)
    return tuple(row)


def _row(conn: psycopg.Connection, name: str) -> tuple[object, ...]:
    row = conn.execute(query(name)).fetchone()
    assert row is not None  # noqa: S101  (all of these have one)
    return tuple(row)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
