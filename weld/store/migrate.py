"""Migrations: numbered SQL files, applied once each, their hashes kept so that an edited one is noticed.

Refuses to start work on another schema version than the one this program was written for.
"""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import LiteralString, NamedTuple

import psycopg

from weld.store import hypertables
from weld.store.queries import query

_FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_(\w+)\.sql\Z")

# Each try waits as long as the migration says (lock_timeout), and for so long nobody else gets at those tables.
_TRIES = 20
_LONGEST_WAIT_S = 5.0

_TABLE: LiteralString = """
    CREATE TABLE IF NOT EXISTS public.schema_version (
        number     integer PRIMARY KEY,
        name       text NOT NULL,
        hash       text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )"""


class SchemaMismatch(RuntimeError):
    """The database has another schema than this program; the message says what to do."""


class MigrationBlockedError(RuntimeError):
    """Somebody kept holding what a migration needs; the message says who."""


class Migration(NamedTuple):
    """One file: its number, its name, its text and the text's hash."""

    number: int
    name: str
    text: LiteralString
    hash: str


def migrations() -> list[Migration]:
    """All files in order; ValueError where a number is missing or double."""
    found = []
    for file in sorted(_FOLDER.glob("*.sql")):
        match = _NAME.fullmatch(file.name)
        if match is None:
            raise ValueError(f"{file.name} is not NNNN_words.sql")
        text = file.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(int(match[1]), match[2], text, digest))
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise ValueError("the numbers of the migrations have a hole or a double")
    return found


def migrate(owner_url: str, told: Callable[[str], None] = lambda _: None) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; the names of those applied. `told` hears what blocks.

    Then empty tables of days become hypertables, where the server has TimescaleDB. Two at once do not collide: the second waits
    for the first. SchemaMismatch where an applied file was edited.
    """
    applied = []
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(hashtext('weldgate migrate'))")
        conn.execute(_TABLE)
        conn.execute("GRANT SELECT ON public.schema_version TO PUBLIC")
        done: dict[int, str] = dict(conn.execute("SELECT number, hash FROM public.schema_version").fetchall())
        for migration in migrations():
            if migration.number in done:
                _check_hash(migration, done[migration.number])
                continue
            _apply_patiently(conn, migration, told)
            applied.append(migration.name)
        hypertables.adopt(conn)
    return applied


def _apply_patiently(conn: psycopg.Connection, migration: Migration, told: Callable[[str], None]) -> None:
    """Again and again where somebody holds what it needs: it gives up its place in the line, so that others are not kept."""
    for attempt in range(1, _TRIES + 1):
        try:
            _apply(conn, migration)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            blockers = _blockers(conn)
            if attempt == _TRIES:
                raise MigrationBlockedError(
                    f"migration {migration.number} did not get its locks in {_TRIES} tries, nothing of it was done: {blockers}"
                ) from error
            told(f"migration {migration.number} waits, try {attempt} of {_TRIES}: {blockers}")
            time.sleep(min(_LONGEST_WAIT_S, 0.5 * attempt))
        else:
            return


def _apply(conn: psycopg.Connection, migration: Migration) -> None:
    with conn.transaction():
        conn.execute(migration.text)
        conn.execute(
            "INSERT INTO public.schema_version (number, name, hash) VALUES (%s, %s, %s)",
            (migration.number, migration.name, migration.hash),
        )


def _blockers(conn: psycopg.Connection) -> str:
    """Who holds locks on our tables now, for a person who may end them."""
    rows = conn.execute(query("schema_blockers")).fetchall()
    return "; ".join(f"{name} (pid {pid}) holds {tables}" for pid, name, tables in rows) or "nobody holds anything now"


async def check_version(conn: psycopg.AsyncConnection) -> None:
    """SchemaMismatch unless the database has exactly the schema of this program."""
    wanted = migrations()
    try:
        rows = await (await conn.execute("SELECT number, hash FROM public.schema_version")).fetchall()
    except psycopg.errors.UndefinedTable:
        raise SchemaMismatch("the database has no schema yet: run `weldgate migrate`") from None
    found: dict[int, str] = dict(rows)
    for migration in wanted:
        if migration.number not in found:
            raise SchemaMismatch(f"migration {migration.number} is missing: run `weldgate migrate`")
        _check_hash(migration, found[migration.number])
    if len(found) > len(wanted):
        raise SchemaMismatch(
            f"the database has schema {max(found)}, this program knows {len(wanted)}: update the program"
        )


def _check_hash(migration: Migration, found: str) -> None:
    if found != migration.hash:
        raise SchemaMismatch(f"migration {migration.number} was edited after it was applied: restore the file")


def snapshot(conn: psycopg.Connection) -> str:
    """The schema that a database has, as text: a line for each column, index, constraint, policy, grant and function."""
    return "\n".join(row[0] for row in conn.execute(query("schema_snapshot")).fetchall()) + "\n"
