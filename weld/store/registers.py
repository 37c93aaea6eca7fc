"""Registers of places and things: divisions, enterprises, chips, machines and which chip sits in which machine.

Each `put` makes an entry what it should be and says whether that was news; putting the same twice changes nothing.
Written by api only. Refuses to judge what it is given: api has checked it, and the tables' own checks come last.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from psycopg.errors import InsufficientPrivilege, UniqueViolation
from psycopg.rows import class_row

from weld.core.ids import Chip, Division, Enterprise, Plate, Shard
from weld.store.connect import Conn
from weld.store.queries import query

Outcome = Literal["created", "updated", "unchanged"]

# Somebody else was first, or it is there already but out of the caller's sight, or would be.
CLASHES = (UniqueViolation, InsufficientPrivilege)


class DivisionRow(NamedTuple):
    """A division of the administration; `path` holds the codes from the root down to it."""

    code: Division
    name_zh: str
    name_en: str
    parent: Division | None
    path: str
    zone: str
    longest_s: int | None


class EnterpriseRow(NamedTuple):
    """A company or a trader that owns machines and employs workers."""

    id: Enterprise
    name: str
    credit_code: str
    division: Division


class ChipRow(NamedTuple):
    """A chip as it was enrolled."""

    chip: Chip
    shard: Shard
    model: str
    public_key: bytes | None
    profile: int


class MachineRow(NamedTuple):
    """A machine as people know it."""

    plate: Plate
    division: Division
    enterprise: Enterprise | None
    maker: str
    model: str
    serial: str
    rated_a: float | None
    work: str
    presence: str
    longest_s: int | None
    lat: float | None
    lon: float | None
    process: str | None = None
    site: UUID | None = None


class SiteRow(NamedTuple):
    """Where machines stand for a while; `until` is the last day."""

    id: UUID
    enterprise: Enterprise
    name: str
    division: Division
    work: str
    lat: float | None
    lon: float | None
    since: date
    until: date | None


async def find_division(conn: Conn, code: str) -> DivisionRow | None:
    """The division of this code."""
    async with conn.cursor(row_factory=class_row(DivisionRow)) as cursor:
        await cursor.execute(query("division_find"), {"code": code})
        return await cursor.fetchone()


async def put_division(conn: Conn, row: DivisionRow) -> Outcome:
    """Add or change a division; parent and path of one that exists stay."""
    found = await find_division(conn, row.code)
    if found == row:
        return "unchanged"
    await conn.execute(query("division_change" if found else "division_add"), row._asdict())
    return "updated" if found else "created"


async def find_enterprise(conn: Conn, credit_code: str) -> EnterpriseRow | None:
    """The enterprise of this credit code."""
    async with conn.cursor(row_factory=class_row(EnterpriseRow)) as cursor:
        await cursor.execute(query("enterprise_find"), {"credit_code": credit_code})
        return await cursor.fetchone()


async def put_enterprise(conn: Conn, row: EnterpriseRow) -> tuple[Outcome, Enterprise]:
    """Add or change the enterprise of this credit code; one that exists keeps its id, which is returned."""
    found = await find_enterprise(conn, row.credit_code)
    if found is None:
        await conn.execute(query("enterprise_add"), row._asdict())
        return "created", row.id
    wanted = row._replace(id=found.id)
    if found == wanted:
        return "unchanged", found.id
    await conn.execute(query("enterprise_change"), wanted._asdict())
    return "updated", found.id


async def find_site(conn: Conn, enterprise: UUID, name: str) -> SiteRow | None:
    """The site of this enterprise with this name."""
    async with conn.cursor(row_factory=class_row(SiteRow)) as cursor:
        await cursor.execute(query("site_find"), {"enterprise": enterprise, "name": name})
        return await cursor.fetchone()


async def put_site(conn: Conn, row: SiteRow) -> tuple[Outcome, UUID]:
    """Add or change the site of this enterprise and name; one that exists keeps its id, which is returned."""
    found = await find_site(conn, row.enterprise, row.name)
    wanted = row if found is None else row._replace(id=found.id)
    if found == wanted:
        return "unchanged", wanted.id
    await conn.execute(query("site_change" if found else "site_add"), wanted._asdict())
    return "updated" if found else "created", wanted.id


async def find_chip(conn: Conn, chip: str) -> ChipRow | None:
    """The chip of this id."""
    async with conn.cursor(row_factory=class_row(ChipRow)) as cursor:
        await cursor.execute(query("chip_find"), {"chip": chip})
        return await cursor.fetchone()


async def put_chip(conn: Conn, row: ChipRow) -> Outcome:
    """Enrol or change a chip; the shard of one that exists stays."""
    found = await find_chip(conn, row.chip)
    if found is not None and found == row._replace(shard=found.shard):
        return "unchanged"
    await conn.execute(query("chip_change" if found else "chip_add"), row._asdict())
    return "updated" if found else "created"


async def find_machine(conn: Conn, plate: str) -> MachineRow | None:
    """The machine with this plate."""
    async with conn.cursor(row_factory=class_row(MachineRow)) as cursor:
        await cursor.execute(query("machine_find"), {"plate": plate})
        return await cursor.fetchone()


class LabelRow(NamedTuple):
    """What a plate says of its machine."""

    plate: Plate
    model: str


async def labels(
    conn: Conn,
    *,
    plates: Sequence[str] | None = None,
    enterprise: UUID | None = None,
    division: str | None = None,
    limit: int | None,
) -> list[LabelRow]:
    """Machines in scope whose plates are to be printed, by plate: these, or all of an enterprise, or of a division and below."""
    words = {"plates": None if plates is None else list(plates), "enterprise": enterprise, "division": division}
    async with conn.cursor(row_factory=class_row(LabelRow)) as cursor:
        await cursor.execute(query("machine_labels"), words | {"limit": limit})
        return await cursor.fetchall()


async def put_machine(conn: Conn, row: MachineRow) -> Outcome:
    """Add or change a machine; the chip in it is `bind`'s business."""
    found = await find_machine(conn, row.plate)
    if found == row:
        return "unchanged"
    await conn.execute(query("machine_change" if found else "machine_add"), row._asdict())
    return "updated" if found else "created"


async def bound_chip(conn: Conn, plate: str) -> Chip | None:
    """The chip that sits in this machine."""
    row = await (await conn.execute(query("binding_now"), {"plate": plate})).fetchone()
    return None if row is None else Chip(row[0])


async def bind(conn: Conn, chip: str, plate: str, at: datetime) -> Outcome:
    """From `at` on this chip sits in this machine; what either was bound to before ends then and stays as history."""
    before = await bound_chip(conn, plate)
    if before == chip:
        return "unchanged"
    words = {"chip": chip, "plate": plate, "at": at}
    for step in ("binding_close", "binding_release", "binding_open"):
        await conn.execute(query(step), words)
    return "created" if before is None else "updated"
