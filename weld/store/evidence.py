"""Evidence: what chips said, stored once each; what could not be used, kept in quarantine.

Written by ingest only. Refuses to decide what is new: the caller knows what is above a high-water mark and asks for the rest.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.store.binary import copy_rows
from weld.store.connect import Conn
from weld.store.queries import query

# In the order of the rows that are ready. Named, so that a column that a later schema adds stops nobody who does not know it.
_TELEMETRY: LiteralString = (
    "telemetry ("
    "chip_no, at, boot, seq, received_at, corrected_at, clock, late, hash, up_ms, from_up, step_ms, "
    "current_a, peak_a, voltage_v, arc_ms, state, contact, energy_wh, mains, temperature_c, "
    "signal_dbm, battery_v, lat, lon, accuracy_m, session, ticket)"
)
_EVENT: LiteralString = (
    "event (chip_no, at, boot, seq, received_at, corrected_at, clock, late, hash, up_ms, kind, name, session, body)"
)

# More than this a chip and day is only counted: a broken chip must not fill the disk.
QUARANTINE_CAP = 1000


class QuarantineRow(NamedTuple):
    """One message that nobody could use, with the reason."""

    received_at: datetime
    topic: str
    chip: str | None
    boot: int | None
    seq: int | None
    reason: str
    detail: str
    hash: int
    payload: bytes


class Key(NamedTuple):
    """What tells a stored message: the exact key, the chip's name for quarantine, and the hash of the bytes."""

    chip_no: int
    chip: str
    at: datetime
    boot: int
    seq: int
    hash: int


class StoredTelemetry(NamedTuple):
    """As much of a stored telemetry row as a session needs."""

    at: datetime
    corrected_at: datetime | None
    boot: int
    seq: int
    up_ms: int
    from_up: int
    step_ms: int
    current_a: list[float | None]
    peak_a: list[float | None]
    voltage_v: list[float | None]
    arc_ms: list[int | None]
    contact: str | None
    session: UUID | None
    ticket: UUID | None


class StoredEvent(NamedTuple):
    """As much of a stored event as a session needs."""

    at: datetime
    corrected_at: datetime | None
    boot: int
    seq: int
    up_ms: int
    kind: str
    name: str
    body: dict[str, Any]


async def put_telemetry(conn: Conn, rows: Iterable[bytes]) -> None:
    """Store messages that are known to be new, as rows that are ready (weld.store.binary).

    UniqueViolation means that memory was wrong, and the batch must go.
    """
    await copy_rows(conn, _TELEMETRY, rows)


async def put_events(conn: Conn, rows: Iterable[bytes]) -> None:
    """The same for everything that is not telemetry."""
    await copy_rows(conn, _EVENT, rows)


async def find(conn: Conn, keys: Sequence[Key]) -> dict[int, int]:
    """For the position of each key that is stored: the hash of what is stored."""
    words = {
        "n": list(range(len(keys))),
        "chip_no": [key.chip_no for key in keys],
        "at": [key.at for key in keys],
        "boot": [key.boot for key in keys],
        "seq": [key.seq for key in keys],
        "since": min((key.at for key in keys), default=None),
        "until": max((key.at for key in keys), default=None),
    }
    return dict(await (await conn.execute(query("evidence_find"), words)).fetchall())


async def find_elsewhere(conn: Conn, keys: Sequence[Key], which: Sequence[int]) -> set[int]:
    """Of these positions: the keys whose (chip, boot, seq) is stored with another time."""
    words = {
        "n": list(which),
        "chip_no": [keys[n].chip_no for n in which],
        "boot": [keys[n].boot for n in which],
        "seq": [keys[n].seq for n in which],
    }
    return {row[0] for row in await (await conn.execute(query("evidence_elsewhere"), words)).fetchall()}


async def stored_run(conn: Conn, chip: str, chip_no: int, boot: int) -> int:
    """Up to which seq of this boot everything is stored, in quarantine or declared; for boots that nobody remembers."""
    words = {"chip": chip, "chip_no": chip_no, "boot": boot}
    row = await (await conn.execute(query("stored_run"), words)).fetchone()
    return int(row[0]) if row else 0


async def find_quarantined(conn: Conn, keys: Sequence[Key]) -> set[int]:
    """The positions of the keys that are in quarantine with the same bytes."""
    words = {
        "n": list(range(len(keys))),
        "chip": [key.chip for key in keys],
        "boot": [key.boot for key in keys],
        "seq": [key.seq for key in keys],
        "hash": [key.hash for key in keys],
    }
    rows = await (await conn.execute(query("quarantine_find"), words)).fetchall()
    return {row[0] for row in rows}


async def put_quarantine(conn: Conn, rows: Sequence[QuarantineRow]) -> None:
    """Keep these, up to the cap of a chip and day; all are counted."""
    async with conn.cursor() as cursor:
        await cursor.executemany(query("quarantine_put"), [{**row._asdict(), "cap": QUARANTINE_CAP} for row in rows])


async def put_hole(conn: Conn, chip_no: int, boot: int, from_seq: int, to_seq: int, why: str, at: datetime) -> None:
    """A range that will never come."""
    words = {"chip_no": chip_no, "boot": boot, "from_seq": from_seq, "to_seq": to_seq, "why": why, "at": at}
    await conn.execute(query("hole_put"), words)


async def of_session(
    conn: Conn, chip_no: int, session: UUID, since: datetime, until: datetime
) -> tuple[list[StoredTelemetry], list[StoredEvent]]:
    """All stored messages of one session in a window, in no order."""
    words = {"chip_no": chip_no, "session": session, "since": since, "until": until}
    async with conn.cursor(row_factory=class_row(StoredTelemetry)) as cursor:
        telemetry = await (await cursor.execute(query("session_telemetry"), words)).fetchall()
    async with conn.cursor(row_factory=class_row(StoredEvent)) as cursor:
        events = await (await cursor.execute(query("session_events"), words)).fetchall()
    return telemetry, events
