"""Divisions as filters and breadcrumbs show them. Refuses those outside of the scope, also as somebody's parent."""

from typing import NamedTuple

from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query


class DivisionRow(NamedTuple):
    """One division in scope; `parent` is None where that is out of it, `machines` counts all below."""

    code: str
    parent: str | None
    name_zh: str
    name_en: str
    machines: int


async def in_scope(conn: Conn) -> list[DivisionRow]:
    """The divisions in scope, parents before children."""
    async with conn.cursor(row_factory=class_row(DivisionRow)) as cursor:
        return await (await cursor.execute(query("division_list"))).fetchall()
