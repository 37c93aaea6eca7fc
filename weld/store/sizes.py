"""How large tables and their indexes are, and how vacuum keeps up: what a long run is judged by.

Read only. Refuses to advise: docs/benchmarks.md does.
"""

from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from weld.store.queries import query


class TableSize(NamedTuple):
    """One table with all its partitions or chunks, since the statistics began."""

    name: str
    table_bytes: int
    index_bytes: int
    rows: int
    dead_rows: int
    updates: int
    hot_updates: int
    vacuums: int


def tables(url: str) -> list[TableSize]:
    """Every table that was written, the largest first."""
    with psycopg.connect(url, autocommit=True) as conn:
        return read(conn)


def read(conn: psycopg.Connection) -> list[TableSize]:
    """The same on a connection."""
    with conn.cursor(row_factory=class_row(TableSize)) as cursor:
        return cursor.execute(query("table_sizes")).fetchall()
