"""Machines as people meet them: the scan, the public page, the list, the days. What chips reported is read only.

Refuses to change anything but the block: the register itself is registers.py.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from weld.core.access import Presence
from weld.core.certificate import Process, Work
from weld.store import pulse
from weld.store.connect import Conn
from weld.store.queries import query


class ScannedRow(NamedTuple):
    """What a decision needs to know of a machine."""

    plate: str
    chip: str | None
    division: str
    enterprise: UUID | None
    work: Work
    presence: Presence
    longest_s: int | None
    blocked: bool
    division_longest_s: int | None
    counter: int | None
    online: bool | None
    reported: str | None
    today: date
    tomorrow: datetime
    locking: bool
    in_use: bool
    process: Process | None
    place: Work | None
    zone: str


class PublicRow(NamedTuple):
    """What anybody may know of a machine."""

    plate: str
    maker: str
    model: str
    rated_a: float | None
    division_zh: str
    division_en: str
    chipped: bool
    blocked: bool
    online: bool | None
    contact: str | None
    heard_at: datetime | None
    licensed_now: bool


class MachineRow(NamedTuple):
    """One machine with its latest state, for officers."""

    plate: str
    chip: str | None
    division: str
    enterprise: UUID | None
    maker: str
    model: str
    serial: str
    rated_a: float | None
    work: Work
    presence: Presence
    longest_s: int | None
    blocked_reason: str | None
    online: bool | None
    reported: str | None
    contact: str | None
    session: UUID | None
    current_a: float | None
    energy_wh: float | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    heard_at: datetime | None
    facts: str
    division_zh: str
    division_en: str
    enterprise_name: str | None
    open_alerts: int


class DayRow(NamedTuple):
    """One day of one machine."""

    plate: str
    day: date
    arc_ms: int
    covered_ms: int
    energy_wh: float
    sessions: int
    messages: int


async def hold(conn: Conn, plate: str) -> bool:
    """Lock the machine until the transaction ends; False where nobody in scope knows it."""
    return await (await conn.execute(query("machine_hold"), {"plate": plate})).fetchone() is not None


async def scanned(conn: Conn, plate: str, now: datetime) -> ScannedRow | None:
    """The machine at this moment, for a decision; hold it first."""
    async with conn.cursor(row_factory=class_row(ScannedRow)) as cursor:
        await cursor.execute(query("machine_scanned"), {"plate": plate, "now": now})
        return await cursor.fetchone()


async def public(conn: Conn, plate: str) -> PublicRow | None:
    """The public page of a plate."""
    async with conn.cursor(row_factory=class_row(PublicRow)) as cursor:
        return await (await cursor.execute(query("machine_public"), {"plate": plate})).fetchone()


async def clock_ms(conn: Conn, plate: str) -> int | None:
    """How far the clock of a machine's chip is behind ours, below 0: ahead; None where nothing is known of it."""
    row = await (await conn.execute(query("machine_clock"), {"plate": plate})).fetchone()
    return None if row is None else row[0]


async def search(
    conn: Conn,
    *,
    plate: str | None = None,
    division: str | None = None,
    enterprise: UUID | None = None,
    part: str | None = None,
    facts: Sequence[str] | None = None,
    after: str | None = None,
    limit: int = 1,
) -> list[MachineRow]:
    """Machines in scope, by plate; `part` of a plate, model or serial, `facts` as weld.core.look words them."""
    words: dict[str, object] = {"plate": plate, "division": division, "enterprise": enterprise}
    words |= {"like": None if part is None else _containing(part), "facts": None if facts is None else list(facts)}
    words |= {"after": after, "limit": limit}
    async with conn.cursor(row_factory=class_row(MachineRow)) as cursor:
        return await (await cursor.execute(query("machine_list"), words)).fetchall()


async def block(conn: Conn, plate: str, reason: str | None) -> bool:
    """Take the machine out of use, or bring it back with None; False where nobody in scope knows it."""
    words = {"plate": plate, "reason": reason}
    found = await (await conn.execute(query("machine_block"), words)).fetchone() is not None
    if found:
        await pulse.hint(conn, f"machine:{plate}")
    return found


async def days(conn: Conn, plate: str, since: date, until: date) -> list[DayRow]:
    """The days of one machine."""
    async with conn.cursor(row_factory=class_row(DayRow)) as cursor:
        await cursor.execute(query("machine_days"), {"plate": plate, "since": since, "until": until})
        return await cursor.fetchall()


def _containing(part: str) -> str:
    """A pattern of LIKE in which every character of `part` stands for itself."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
