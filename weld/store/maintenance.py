"""Retention of the ordinary tables. Partitions have a file of their own.

Run as owner by `weldgate maintain`. Refuses to delete evidence, sessions, alerts and audit.
"""

from datetime import datetime, timedelta

import psycopg

from weld.store.queries import query


def forget_imports(conn: psycopg.Connection, now: datetime, days: int) -> dict[str, int]:
    """Rows of files that people brought so long ago, and files that were never read to their end; how many of each."""
    words = {"before": now - timedelta(days=days), "now": now}
    names = ("forget_import_rows", "forget_import_parts", "forget_imports_open")
    return {name: conn.execute(query(name), words).rowcount for name in names}


def forget(conn: psycopg.Connection, now: datetime, quarantine_days: int) -> dict[str, int]:
    """Delete what is past its time; how many rows of each."""
    words = {"before": now - timedelta(days=quarantine_days), "yesterday": now - timedelta(days=1)}
    names = ("forget_quarantine", "forget_quarantine_days", "forget_changes")
    return {name: conn.execute(query(name), words).rowcount for name in names}
