"""What the live map reads: every machine as it stands, and what has changed since a position in the tail of changes.

A position is a transaction below which nothing is under way any more: a row that commits late with a lower number is never
behind the reader. Refuses to decide what a machine looks like: weld.core.look does.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class PlacedRow(NamedTuple):
    """One machine on the map; `facts` in the words of weld.core.look."""

    plate: str
    division: str
    facts: str
    lat: float | None
    lon: float | None
    current_a: float | None


class StandingRow(NamedTuple):
    """How an alert stands, as little of it as tells whether it changed."""

    id: UUID
    code: str
    plate: str | None
    state: str
    occurrences: int
    since: datetime
    last_at: datetime
    historical: bool


async def position(conn: Conn) -> str:
    """Where the tail is settled up to. Ask before reading anything that is to be consistent with it."""
    row = await (await conn.execute(query("live_position"))).fetchone()
    if row is None:
        raise RuntimeError("the database has no snapshot")
    found: str = row[0]
    return found


async def changes(conn: Conn, since: str, until: str) -> dict[str, datetime]:
    """The plates that changed between two positions, of every scope, each with the time of its last change."""
    rows = await (await conn.execute(query("live_changes"), {"since": since, "until": until})).fetchall()
    return {row[0]: row[1] for row in rows}


async def standings(conn: Conn) -> list[StandingRow]:
    """The alerts in scope that nobody has closed."""
    async with conn.cursor(row_factory=class_row(StandingRow)) as cursor:
        return await (await cursor.execute(query("live_standings"))).fetchall()


async def machines(conn: Conn, plates: Sequence[str]) -> list[PlacedRow]:
    """These machines, where they are in scope."""
    async with conn.cursor(row_factory=class_row(PlacedRow)) as cursor:
        return await (await cursor.execute(query("live_machines"), {"plates": list(plates)})).fetchall()


async def everything(conn: Conn) -> list[PlacedRow]:
    """All machines in scope, by plate."""
    async with conn.cursor(row_factory=class_row(PlacedRow)) as cursor:
        return await (await cursor.execute(query("live_map"))).fetchall()
