"""Retention of the ordinary tables. Partitions have a file of their own.

Run as owner by `weldgate maintain`. Refuses to delete evidence, sessions, alerts and audit.
"""

from datetime import datetime, timedelta

import psycopg

from weld.store.queries import query


def forget(conn: psycopg.Connection, now: datetime, quarantine_days: int) -> dict[str, int]:
    """Delete what is past its time; how many rows of each."""
    words = {"before": now - timedelta(days=quarantine_days), "yesterday": now - timedelta(days=1)}
    names = ("forget_quarantine", "forget_quarantine_days", "forget_changes")
    return {name: conn.execute(query(name), words).rowcount for name in names}
