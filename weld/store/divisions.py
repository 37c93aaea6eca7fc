"""Divisions as filters and breadcrumbs show them, in which of them a point lies, and what an import changes.

What people enter by hand is `registers`' business. Refuses those outside of the scope, also as somebody's parent; refuses to
delete a division.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.core.area import area, locate
from weld.core.division import Level, Version
from weld.core.gazetteer import Held, Plan
from weld.store.connect import Conn
from weld.store.queries import query

# The pieces of one division: polygons of rings of corners, longitude first, in degrees, as GeoJSON has them.
Pieces = Sequence[Sequence[Sequence[Sequence[float]]]]


class DivisionRow(NamedTuple):
    """One division in scope; `parent` is None where that is out of it, `machines` counts all below. `until`: it has ended."""

    code: str
    parent: str | None
    name_zh: str
    name_en: str
    level: Level
    until: date | None
    machines: int


class PlaceRow(NamedTuple):
    """One step of the way down to a place."""

    code: str
    name_zh: str
    name_en: str
    level: Level


async def in_scope(conn: Conn) -> list[DivisionRow]:
    """The divisions in scope, parents before children."""
    async with conn.cursor(row_factory=class_row(DivisionRow)) as cursor:
        return await (await cursor.execute(query("division_list"))).fetchall()


async def at_point(conn: Conn, lat: float, lon: float) -> str | None:
    """The lowest division whose land has this point (WGS-84); None outside of what was imported."""
    cursor = await conn.execute(query("division_area_at"), {"lat": lat, "lon": lon})
    return locate([area(code, "Polygon", rings) for code, rings in await cursor.fetchall()], lon, lat)


async def way_down(conn: Conn, code: str) -> list[PlaceRow]:
    """From the topmost division in reach down to this one; empty where it is out of reach."""
    async with conn.cursor(row_factory=class_row(PlaceRow)) as cursor:
        return await (await cursor.execute(query("division_above"), {"code": code})).fetchall()


async def versions(conn: Conn, code: str) -> list[Version]:
    """What a code has meant, the oldest first."""
    rows = await (await conn.execute(query("division_versions"), {"code": code})).fetchall()
    return [Version(*row) for row in rows]


async def hold_imports(conn: Conn) -> None:
    """Wait until no other import runs; this one is alone until its transaction ends."""
    await conn.execute(query("division_import_alone"))


async def held(conn: Conn, provinces: Sequence[str]) -> list[Held]:
    """The register's rows of these provinces (41), of all where none is named."""
    async with conn.cursor(row_factory=class_row(Held)) as cursor:
        return await (await cursor.execute(query("division_held"), {"provinces": list(provinces)})).fetchall()


async def carry_out(conn: Conn, plan: Plan) -> None:
    """What a plan adds and changes."""
    for name, rows in (
        ("division_past_add", plan.past),
        ("division_list_change", plan.changed),
        ("division_list_add", plan.added),
    ):
        await _each(conn, name, [_words(row) for row in rows])


async def lands(conn: Conn, provinces: Sequence[str]) -> dict[str, Pieces]:
    """The land that is known, by division."""
    cursor = await conn.execute(query("division_area_held"), {"provinces": list(provinces)})
    return dict(await cursor.fetchall())


async def put_lands(conn: Conn, changed: Mapping[str, Pieces], gone: Iterable[str]) -> None:
    """Land as it is from now on, and divisions without any."""
    await conn.execute(query("division_area_remove"), {"divisions": [*changed, *gone]})
    rows = [_piece(code, number, rings) for code, pieces in changed.items() for number, rings in enumerate(pieces)]
    await _each(conn, "division_area_add", rows)


async def _each(conn: Conn, name: str, rows: list[dict[str, Any]]) -> None:
    async with conn.cursor() as cursor:
        await cursor.executemany(query(name), rows)


def _words(row: Held) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Held.__slots__}


def _piece(code: str, number: int, rings: Sequence[Sequence[Sequence[float]]]) -> dict[str, Any]:
    box = area(code, "Polygon", rings).box
    return {"division": code, "piece": number, "rings": Jsonb(rings)} | box._asdict()
