"""Tables of days as TimescaleDB's hypertables: the end of every migration, where the server offers them.

Migrations make partitioned tables everywhere; an empty one becomes a hypertable with the same columns, indexes, grants and
functions. Refuses one that holds rows (they are copied out and in again: docs/how-to/timescaledb.md) and one with row-level
security (columnstore would refuse it): those stay in day partitions, which work on TimescaleDB as anywhere.
"""

from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from weld.store.engine import Engine, detect
from weld.store.partitions import TABLES, TIME
from weld.store.queries import query


class _Function(NamedTuple):
    name: str
    text: str
    limited: bool  # it has grants of its own, so PUBLIC may not use it unless it is among the users
    users: list[str]


class _Grant(NamedTuple):
    privilege_type: LiteralString
    on_column: str | None
    to_role: str


def adopt(conn: psycopg.Connection) -> list[str]:
    """Make hypertables of what may be one, as owner; their names. Does nothing on plain PostgreSQL."""
    engine = _with_extension(conn, detect(conn))
    if engine.kind != "timescaledb":
        return []
    waiting = conn.execute(query("partitioned_tables"), {"tables": list(TABLES)}).fetchall()
    return [table for table, has_policies in waiting if not has_policies and _adopt(conn, engine, table)]


def _with_extension(conn: psycopg.Connection, engine: Engine) -> Engine:
    if engine.timescaledb or not engine.offered:
        return engine
    try:
        conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")  # trusted: the database's owner may
    except psycopg.errors.InsufficientPrivilege:
        return engine  # `weldgate doctor` says what to ask the server's administrator for
    return detect(conn)


def _adopt(conn: psycopg.Connection, engine: Engine, table: str) -> bool:
    name = sql.Identifier("weld", table)
    is_empty = sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(name)
    try:
        if not _truth(conn, is_empty):
            return False
        with conn.transaction():
            conn.execute("SET LOCAL lock_timeout = '2s'")
            conn.execute(sql.SQL("LOCK TABLE {}").format(name))
            if not _truth(conn, is_empty):  # ingest was quicker
                return False
            _rebuild(conn, table)
            dimension = sql.SQL("{}({}, INTERVAL '1 day')").format(
                engine.function("by_range"), sql.Literal(TIME[table])
            )
            words = (engine.function("create_hypertable"), sql.Literal(f"weld.{table}"), dimension)
            conn.execute(sql.SQL("SELECT {}({}, {}, create_default_indexes => false)").format(*words))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DependentObjectsStillExist):
        return False  # somebody is at work, or made a view of his own on it; the next migration tries again
    return True


def _rebuild(conn: psycopg.Connection, table: str) -> None:
    """The same table without partitions. What is tied to its row type goes and comes back; anything else makes DROP refuse."""
    words = {"table": table}
    with conn.cursor(row_factory=class_row(_Function)) as cursor:
        functions = cursor.execute(query("tied_functions"), words).fetchall()
    with conn.cursor(row_factory=class_row(_Grant)) as cursor:
        grants = cursor.execute(query("table_grants"), words).fetchall()
    indexes = conn.execute(query("table_indexes"), words).fetchall()
    name, fresh = sql.Identifier("weld", table), sql.Identifier("weld", f"{table}_fresh")
    conn.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)").format(fresh, name))
    for function in functions:
        conn.execute(f"DROP FUNCTION {function.name}".encode())
    conn.execute(sql.SQL("DROP TABLE {}").format(name))
    conn.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(fresh, sql.Identifier(table)))
    for (text,) in indexes:
        conn.execute(text.encode())
    for grant in grants:
        _grant(conn, name, grant)
    for function in functions:
        _restore(conn, function)


def _grant(conn: psycopg.Connection, name: sql.Identifier, grant: _Grant) -> None:
    column = sql.SQL("({})").format(sql.Identifier(grant.on_column)) if grant.on_column else sql.SQL("")
    # a right's name comes from the catalog and is a keyword, which no quotes may surround
    right = sql.SQL(grant.privilege_type) + column
    conn.execute(sql.SQL("GRANT {} ON {} TO {}").format(right, name, sql.Identifier(grant.to_role)))


def _restore(conn: psycopg.Connection, function: _Function) -> None:
    conn.execute(function.text.encode())
    if function.limited:
        conn.execute(f"REVOKE ALL ON FUNCTION {function.name} FROM PUBLIC".encode())
        for user in function.users:
            conn.execute(f"GRANT EXECUTE ON FUNCTION {function.name} TO {user}".encode())


def _truth(conn: psycopg.Connection, question: sql.Composed) -> bool:
    row = conn.execute(question).fetchone()
    return bool(row and row[0])
