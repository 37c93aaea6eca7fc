"""Rows as PostgreSQL's binary COPY takes them, ready made: the driver's own adapters cost several times as much.

A row is the number of its columns and the columns; a column is its value behind its size. Only what the hot tables hold: times,
numbers, words, arrays of numbers, uuids, jsonb. Refuses checks: what arrives here was bounded by the wire's schema. Formats: COPY
in PostgreSQL's manual; array_recv, timestamptz_recv, uuid_recv and jsonb_recv of its sources.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import LiteralString

import msgspec
from psycopg.types.json import Json

from weld.store.connect import Conn

# PostgreSQL counts microseconds from 2000-01-01 UTC.
EPOCH_US = 946_684_800_000_000

_FLOAT4, _INT4 = 700, 23  # oids in pg_type

# Before the first row: signature, flags, length of an extension; after the last one: a row of -1 columns.
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"

# So many rows are sent at once: about what fits in the driver's largest block.
_ROWS = 256

NULL = b"\xff\xff\xff\xff"
NOWHERE = 3 * NULL
FLAG = {None: NULL, False: b"\0\0\0\1\0", True: b"\0\0\0\1\1"}
# Columns of one number: to be packed with its size before it.
INT2, INT4, INT8, FLOAT4, FLOAT8 = (Struct(f">i{code}").pack for code in "hiqfd")


class _Words(dict[str | None, bytes]):
    """Words of closed lists as columns, each made once."""

    def __missing__(self, word: str | None) -> bytes:
        column = self[word] = NULL if word is None else sized(word.encode())
        return column


async def copy_rows(conn: Conn, table: LiteralString, rows: Iterable[bytes]) -> None:
    """COPY rows that are ready."""
    async with (
        conn.cursor() as cursor,
        cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy,
    ):
        block = [_HEADER]
        for row in rows:
            block.append(row)
            if len(block) >= _ROWS:
                await copy.write(b"".join(block))
                block.clear()
        block.append(_TRAILER)
        await copy.write(b"".join(block))


def sized(value: bytes) -> bytes:
    """A column from its value."""
    return len(value).to_bytes(4, "big") + value


def micros(ms: int) -> int:
    """A time in UTC milliseconds as a timestamptz, which goes as an INT8."""
    return ms * 1000 - EPOCH_US


def uuid(text: str) -> bytes:
    """A uuid from its text."""
    return b"\0\0\0\x10" + bytes.fromhex(text.replace("-", ""))


def jsonb(text: bytes) -> bytes:
    """JSON text as a jsonb."""
    return sized(b"\x01" + text)


def in_json(rows: object) -> Json:
    """Rows as one parameter, for json_to_recordset: a set-based write without a statement a row."""
    return Json(rows, msgspec.json.encode)


def floats(values: Sequence[float | None]) -> bytes:
    """A float4[]."""
    return _array(values, "f", _FLOAT4)


def ints(values: Sequence[int | None]) -> bytes:
    """An int4[]."""
    return _array(values, "i", _INT4)


def _array(values: Sequence[float | None], code: str, oid: int) -> bytes:
    if None in values:
        return _with_nulls(values, code, oid)
    if not any(values):
        return _zeros(len(values), code, oid)
    packing, words = _packing(len(values), code, oid)
    words = words.copy()
    words[7::2] = values  # type: ignore[assignment]  # None was ruled out above
    return packing.pack(*words)


@lru_cache(maxsize=2048)
def _packing(length: int, code: str, oid: int) -> tuple[Struct, list[float]]:
    """Size; dimensions, nulls, type, length, lower bound; then each element behind its size."""
    return Struct(">6i" + f"i{code}" * length), [20 + 8 * length, 1, 0, oid, length, 1, *([4, 0] * length)]


@lru_cache(maxsize=2048)
def _zeros(length: int, code: str, oid: int) -> bytes:
    if not length:
        return Struct(">4i").pack(12, 0, 0, oid)
    packing, words = _packing(length, code, oid)
    return packing.pack(*words)


def _with_nulls(values: Sequence[float | None], code: str, oid: int) -> bytes:
    element = Struct(f">i{code}")
    head = Struct(">5i").pack(1, 1, oid, len(values), 1)
    return sized(head + b"".join(NULL if value is None else element.pack(4, value) for value in values))


WORDS = _Words()
