"""Retention of the ordinary tables: what is past its time goes, some thousand rows at a time. Partitions: partitions.py.

Run as owner by `weldgate maintain`, in transactions of one statement each, so that nobody waits long for a row. Refuses to delete
what the rules of retention keep: evidence, alerts, people and the audit.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import psycopg

from weld.store.queries import query
from weld.store.retention import Retention

_AT_ONCE = 5_000
# What is left after so many goes in the next round: one table must not keep the others waiting.
_TIMES = 200

# Rows that go by their own age; what hangs on them goes with them.
QUERIES: Final[Mapping[str, str]] = {
    "sign_in_code": "forget_sign_in_codes",
    "sign_in": "forget_sign_ins",
    "officer_sign_in": "forget_officer_sign_ins",
    "officer_try": "forget_officer_tries",
    "officer_wrong": "forget_officer_wrong",
    "officer_challenge": "forget_officer_challenges",
    "officer_errand": "forget_officer_errands",
    "officer_enrolment": "forget_officer_enrolments",
    "device": "forget_devices",
    "idempotency": "forget_answers",
    "register_answer": "forget_register_answers",
    "import_part": "forget_import_parts",
    "import_chunk": "forget_import_rows",
    "outbox": "forget_outbox",
    "delivery": "forget_deliveries",
    "refusal": "forget_refusals",
    "guest": "forget_guests",
    "reveal": "forget_reveals",
    "change": "forget_changes",
    "quarantine": "forget_quarantine",
    "quarantine_day": "forget_quarantine_days",
}
# What goes with the rows of another table, by its foreign key.
WITH: Final[Mapping[str, str]] = {"expansion": "outbox", "attempt": "delivery"}


def forget(conn: psycopg.Connection, now: datetime, rules: Retention) -> dict[str, int]:
    """Delete what is past its time; how many rows of each table."""
    done = {}
    for table, name in QUERIES.items():
        if rules.tables[table].how != "keep":
            done[table] = _forget(conn, name, now, rules.days(table))
            if table == "import_chunk":
                conn.execute(query("stop_old_imports"), _words(now, rules.days(table)))
    return done


def _forget(conn: psycopg.Connection, name: str, now: datetime, days: int) -> int:
    gone = 0
    for _ in range(_TIMES):
        some = conn.execute(query(name), _words(now, days)).rowcount
        gone += some
        if some < _AT_ONCE:
            break
    return gone


def _words(now: datetime, days: int) -> dict[str, object]:
    return {"before": now - timedelta(days=days), "removed": now - timedelta(days=30), "now": now, "limit": _AT_ONCE}
