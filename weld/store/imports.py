"""Imports: files that people bring, in sealed pieces, then in chunks of sealed rows, and how far each has come.

Whatever a chunk does is counted in the transaction that does it, so that an import goes on after a crash where it was. Written by
api only. Refuses to keep a row in plain words, and a row that was entered.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from weld.core.law import Words
from weld.core.roster import Field, Mistake
from weld.store import fields
from weld.store.connect import Conn
from weld.store.queries import query
from weld.store.vault import Vault

# A row as it was read: its number in the file, and its cells.
Row = tuple[int, list[str]]


class ImportRow(NamedTuple):
    """One import with its counts."""

    id: UUID
    actor: str
    scope: str
    format: str
    encoding: str
    state: str
    bytes: int
    parts: int
    heading: list[str] | None
    read_chunks: int
    rows_read: int
    entered_chunks: int
    rows_entered: int
    why_zh: str | None
    why_en: str | None
    created_at: datetime
    ended_at: datetime | None
    created: int
    updated: int
    unchanged: int
    bad: int


class Job(NamedTuple):
    """An import whose turn it is."""

    id: UUID
    actor: str
    scope: str
    format: str
    encoding: str
    state: str
    parts: int
    heading: list[str] | None
    read_chunks: int
    rows_read: int
    entered_chunks: int


class Fault(NamedTuple):
    """What is wrong in one row."""

    row: int
    mistake: Mistake


class Chunk(NamedTuple):
    """Rows of one chunk as far as they are kept, and what is wrong with them."""

    number: int
    size: int
    rows: list[Row]
    faults: list[Fault]


class Counts(NamedTuple):
    """What becomes of the rows of one chunk."""

    created: int
    updated: int
    unchanged: int
    bad: int


async def add(conn: Conn, number: UUID, actor: str, scope: str, kind: str, at: datetime) -> None:
    """A new import, of which nothing has come yet."""
    words = {"id": number, "actor": actor, "scope": scope, "format": kind, "at": at}
    await conn.execute(query("import_add"), words)


async def add_part(conn: Conn, vault: Vault, number: UUID, part: int, data: bytes) -> None:
    """The next piece of the file."""
    sealed = vault.seal(f"{fields.IMPORT_PART}.{part}", number, base64.b64encode(data).decode())
    await conn.execute(query("import_part_add"), {"id": number, "number": part, "sealed": sealed})


async def part(conn: Conn, vault: Vault, number: UUID, which: int) -> bytes:
    """One piece of the file."""
    row = await (await conn.execute(query("import_part"), {"id": number, "number": which})).fetchone()
    if row is None:
        raise LookupError(f"piece {which} of import {number} is gone")
    return base64.b64decode(vault.open(f"{fields.IMPORT_PART}.{which}", number, row[0]))


async def received(conn: Conn, number: UUID, size: int, parts: int, encoding: str, at: datetime) -> None:
    """The file is here as a whole."""
    words = {"id": number, "bytes": size, "parts": parts, "encoding": encoding, "at": at}
    await conn.execute(query("import_received"), words)


async def kept(conn: Conn, scope: str) -> int:
    """How many imports of a scope are not at their end."""
    row = await (await conn.execute(query("import_kept"), {"scope": scope})).fetchone()
    return 0 if row is None else int(row[0])


async def read(conn: Conn, number: UUID) -> ImportRow | None:
    """One import in scope."""
    found = await listed(conn, number=number, limit=1)
    return found[0] if found else None


async def listed(
    conn: Conn, *, number: UUID | None = None, after: UUID | None = None, limit: int = 50
) -> list[ImportRow]:
    """Imports in scope, the newest first."""
    async with conn.cursor(row_factory=class_row(ImportRow)) as cursor:
        words = {"id": number, "after": after, "limit": limit}
        return await (await cursor.execute(query("import_read"), words)).fetchall()


async def take(conn: Conn, number: UUID | None = None) -> Job | None:
    """The import that has waited longest (or this one), held until the transaction ends; None where none waits."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        return await (await cursor.execute(query("import_take"), {"id": number})).fetchone()


async def put_heading(conn: Conn, number: UUID, heading: Sequence[str]) -> None:
    """The headings as they were read."""
    await conn.execute(query("import_heading"), {"id": number, "heading": list(heading)})


async def add_chunk(
    conn: Conn, vault: Vault, job: Job, rows: Sequence[Row], faults: Sequence[Fault], counts: Counts, at: datetime
) -> None:
    """Rows that were read, and what would become of them."""
    number = job.read_chunks
    words = counts._asdict() | {"id": job.id, "number": number, "rows": len(rows), "at": at}
    words |= {"sealed": _sealed(vault, job.id, number, rows), "faults": _faults(faults)}
    await conn.execute(query("import_chunk_add"), words)
    await conn.execute(query("import_chunk_read"), words)


async def previewed(conn: Conn, number: UUID, at: datetime) -> None:
    """All rows are read; the file itself is forgotten."""
    await conn.execute(query("import_previewed"), {"id": number, "at": at})
    await conn.execute(query("import_parts_forget"), {"id": number})


async def chunks(
    conn: Conn, vault: Vault, number: UUID, first: int, *, faulty: bool = False, opened: bool = True, limit: int = 1
) -> list[Chunk]:
    """Chunks from one on, in order; with `faulty` only those with something wrong in them, without `opened` without rows."""
    words = {"id": number, "number": first, "faulty": faulty, "limit": limit}
    found = await (await conn.execute(query("import_chunks"), words)).fetchall()
    return [
        Chunk(
            which,
            size,
            _opened(vault, number, which, sealed) if opened and sealed is not None else [],
            [_fault(*fault) for fault in faults],
        )
        for which, size, sealed, faults in found
    ]


async def chunk_done(
    conn: Conn, vault: Vault, job: Job, chunk: Chunk, faults: Sequence[Fault], counts: Counts, at: datetime
) -> None:
    """What became of the rows; only those that were wrong are kept."""
    wrong = {fault.row for fault in faults}
    rows = [row for row in chunk.rows if row[0] in wrong]
    words: dict[str, Any] = counts._asdict() | {"id": job.id, "number": chunk.number, "rows": chunk.size, "at": at}
    words |= {"sealed": _sealed(vault, job.id, chunk.number, rows) if rows else None, "faults": _faults(faults)}
    await conn.execute(query("import_chunk_done"), words)
    await conn.execute(query("import_chunk_entered"), words)


async def confirm(conn: Conn, number: UUID, at: datetime) -> bool:
    """From here on rows are entered; False where it is not previewed."""
    return await (await conn.execute(query("import_confirm"), {"id": number, "at": at})).fetchone() is not None


async def end(conn: Conn, number: UUID, state: str, at: datetime, why: Words | None = None) -> bool:
    """It is done, or stopped; False where it was already. The file itself is forgotten."""
    words = {"id": number, "state": state, "at": at, "zh": why and why.zh, "en": why and why.en}
    ended = await (await conn.execute(query("import_end"), words)).fetchone() is not None
    await conn.execute(query("import_parts_forget"), {"id": number})
    return ended


def _sealed(vault: Vault, number: UUID, chunk: int, rows: Sequence[Row]) -> bytes:
    return vault.seal(f"{fields.IMPORT_ROWS}.{chunk}", number, json.dumps(rows, ensure_ascii=False))


def _opened(vault: Vault, number: UUID, chunk: int, sealed: bytes) -> list[Row]:
    rows = json.loads(vault.open(f"{fields.IMPORT_ROWS}.{chunk}", number, sealed))
    return [(row, cells) for row, cells in rows]


def _faults(faults: Sequence[Fault]) -> Jsonb:
    return Jsonb([(row, told.field, told.code, told.words.zh, told.words.en) for row, told in faults])


def _fault(row: int, field: Field | None, code: str, zh: str, en: str) -> Fault:
    return Fault(row, Mistake(field, code, Words(zh, en)))
