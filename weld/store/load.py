"""Registers for load: as many made-up machines, chips and live grants as a benchmark wants, and their removal.

For throw-away databases, as owner or superuser. Refuses personal data (nothing is sealed in its workers) and the streams
themselves: names and numbers are those of simulator/stream.py, and a test compares them.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import psycopg

from weld.store.queries import query

_REGISTERS = ("load_enterprises", "load_chips", "load_machines", "load_bindings", "load_workers", "load_grants")


class Heard(NamedTuple):
    """What is saved of a chip whose boot message was answered: its fold as JSON, by which rules, and the answer."""

    fold: str
    rules_version: int
    reply: bytes


class Stored(NamedTuple):
    """Rows in the store."""

    telemetry: int
    events: int
    sessions: int
    alerts: int
    quarantine: int


class Delay(NamedTuple):
    """From a message's own time to its commit."""

    messages: int
    p50_ms: float
    p99_ms: float
    most_ms: float


def clear(url: str) -> None:
    """Remove all registers and all that was reported."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(query("load_clear"))


def fill(
    url: str, first: int, count: int, *, shards: int, working_percent: int = 10, heard: Heard | None = None
) -> None:
    """Chips `first` to `first + count - 1` with everything that they need; with `heard` they have booted already."""
    words = {"first": first, "count": count, "shards": shards, "percent": working_percent}
    with psycopg.connect(url, autocommit=True) as conn, conn.transaction():
        conn.execute("SET LOCAL synchronous_commit = off")
        conn.execute(query("load_trust"))
        conn.execute(query("load_divisions"))
        for name in _REGISTERS:
            conn.execute(query(name), words)
        if heard is not None:
            for name in ("load_states", "load_boots"):
                conn.execute(query(name), words | heard._asdict())
        conn.execute(
            "ANALYZE division, enterprise, chip, machine, binding, worker, unlock_grant, chip_state, chip_boot"
        )


def last(url: str, until: datetime) -> None:
    """All live grants are good until then."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(query("load_last"), {"until": until})


def hear(url: str, first: int, count: int, heard: Heard) -> None:
    """Chips LOAD... that were enrolled otherwise, as ones that were heard once."""
    words = {"first": first, "count": count} | heard._asdict()
    with psycopg.connect(url, autocommit=True) as conn, conn.transaction():
        conn.execute(query("load_trust"))
        for name in ("load_states", "load_boots"):
            conn.execute(query(name), words)


def some_workers(url: str, count: int) -> list[UUID]:
    """Workers, from all over the register."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(query("load_trust"))
        return [row[0] for row in conn.execute(query("load_some_workers"), {"count": count}).fetchall()]


def stored(url: str) -> Stored:
    """What is in the store."""
    with psycopg.connect(url, autocommit=True) as conn:
        return Stored(*(conn.execute(query("load_stored")).fetchone() or (0,) * 5))


def commit_delay(url: str, since: datetime, until: datetime) -> Delay:
    """How long messages of a time took to their commit."""
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(query("load_commit_delay"), {"since": since, "until": until}).fetchone()
        return Delay(*(row or (0, 0.0, 0.0, 0.0)))


def track_commits(conn: psycopg.Connection) -> None:
    """Let the server note when each transaction committed, from its next start on."""
    conn.execute("ALTER SYSTEM SET track_commit_timestamp = on")
