"""The audit: who did what to what, one row after the other, chained by their hashes (weld/core/chain.py).

A row is written in the transaction that did it, and as its last statement: the next writer waits for its end. Refuses personal
data (ids only), and to change or remove anything.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.core.chain import Link, Row
from weld.store.connect import Conn
from weld.store.queries import query

_AT_ONCE = 5000


class Trace(NamedTuple):
    """Who did what to what; ids only, never personal data."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class Wanted(NamedTuple):
    """Which rows to look for; `action` is the beginning of one, `before` the number behind them."""

    actor: str | None
    action: str | None
    subject: str | None
    since: datetime | None
    until: datetime | None
    before: int | None
    limit: int


class AuditRow(NamedTuple):
    """One row, for people to read."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class NoChainError(RuntimeError):
    """The database holds no chained audit; the message says what to do."""


async def append(conn: Conn, traces: Sequence[Trace]) -> None:
    """Rows at the end of the chain. Nothing but the commit may follow."""
    if traces:
        async with conn.cursor() as cursor:
            await cursor.executemany(query("audit_append"), [_words(trace) for trace in traces])


async def search(conn: Conn, wanted: Wanted) -> list[AuditRow]:
    """The newest rows first."""
    async with conn.cursor(row_factory=class_row(AuditRow)) as cursor:
        return await (await cursor.execute(query("audit_list"), wanted._asdict())).fetchall()


def append_now(conn: psycopg.Connection, trace: Trace) -> None:
    """The same for maintenance, which waits for each statement: a transaction of its own, where there is none."""
    conn.execute(query("audit_append"), _words(trace))


def head(conn: psycopg.Connection) -> Link | None:
    """Where the chain says that it ends; None where that was removed."""
    row = conn.execute(query("audit_head")).fetchone()
    return None if row is None else Link(*row)


@contextmanager
def opened(url: str) -> Iterator[psycopg.Connection]:
    """A connection that can only read, and sees one moment; NoChainError where there is no chain to read."""
    with psycopg.connect(url, application_name="weldgate audit") as conn:
        conn.read_only, conn.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
        try:
            head(conn)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise NoChainError(
                "the database has no chained audit: run `weldgate migrate`, or name another one"
            ) from None
        yield conn


def rows(conn: psycopg.Connection, after: int = 0) -> Iterator[Row]:
    """The rows after a number, in order, some thousands in memory at a time."""
    with conn.cursor("audit_rows", row_factory=class_row(Row)) as cursor:
        cursor.itersize = _AT_ONCE
        yield from cursor.execute(query("audit_rows"), {"after": after})


def _words(trace: Trace) -> dict[str, Any]:
    return trace._asdict() | {"detail": Jsonb(trace.detail)}
