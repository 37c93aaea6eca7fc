"""Departments: the offices of divisions that officers belong to. Written by api only; seen as far as the scope reaches."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege, UniqueViolation
from psycopg.rows import class_row

from weld.store.connect import Conn
from weld.store.queries import query

# The name is taken in this division; officers or endpoints still belong to it; it lies out of the scope.
TAKEN = UniqueViolation
IN_USE = ForeignKeyViolation
OUT_OF_SCOPE = InsufficientPrivilege


class Department(NamedTuple):
    """A department as it is entered; `codes` are the alerts that are its business, None all."""

    id: UUID
    name: str
    kind: str
    division: str
    contact: str
    codes: list[str] | None


class DepartmentRow(NamedTuple):
    """A department with the names around it."""

    id: UUID
    name: str
    kind: str
    division: str
    division_zh: str
    division_en: str
    path: str
    contact: str
    codes: list[str] | None
    officers: int


async def search(conn: Conn, department: UUID | None = None) -> list[DepartmentRow]:
    """The departments in scope."""
    async with conn.cursor(row_factory=class_row(DepartmentRow)) as cursor:
        return await (await cursor.execute(query("department_list"), {"id": department})).fetchall()


async def add(conn: Conn, department: Department, now: datetime) -> None:
    """Enter a department."""
    await conn.execute(query("department_add"), department._asdict() | {"now": now})


async def change(conn: Conn, department: Department) -> bool:
    """Change name, kind, contact and codes; False where nobody in scope knows it."""
    return (await conn.execute(query("department_change"), department._asdict())).rowcount == 1


async def remove(conn: Conn, department: UUID) -> bool:
    """Remove one that nobody belongs to; IN_USE otherwise."""
    return (await conn.execute(query("department_remove"), {"id": department})).rowcount == 1
