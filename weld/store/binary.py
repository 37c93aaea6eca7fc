"""Values as PostgreSQL takes them, ready made: an array costs a tenth of what the driver's own adapter takes.

Only what the hot tables hold: times, arrays of numbers, uuids, jsonb. Refuses checks: what arrives here was bounded by the
wire's schema. Formats: array_recv, timestamptz_recv, uuid_recv and jsonb_recv of PostgreSQL's sources.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import LiteralString

import msgspec
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Json
from psycopg.types.string import BytesBinaryDumper

from weld.store.connect import Conn

# PostgreSQL counts microseconds from 2000-01-01 UTC.
EPOCH_US = 946_684_800_000_000

_FLOAT4, _INT4 = 700, 23  # oids in pg_type


# The driver's blocks of 32 KiB that are sent at once.
_BLOCKS = 4


async def copy_rows(conn: Conn, table: LiteralString, types: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """COPY rows whose columns are ready; `types` tell how each goes over the wire."""
    async with conn.cursor() as cursor:
        # the driver's own encoder of bytes, in C, in place of the one that the DB-API's Binary brings
        cursor.adapters.register_dumper(bytes, BytesBinaryDumper)
        async with cursor.copy(SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(Identifier(table))) as copy:
            copy.set_types(types)
            write_row, blocks = copy.formatter.write_row, list[bytes]()
            for row in rows:
                if block := write_row(row):  # a full buffer: most rows need not be awaited
                    blocks.append(bytes(block))
                    if len(blocks) == _BLOCKS:
                        await copy.write(b"".join(blocks))
                        blocks.clear()
            if blocks:
                await copy.write(b"".join(blocks))


def micros(ms: int) -> int:
    """A time in UTC milliseconds as a timestamptz."""
    return ms * 1000 - EPOCH_US


def uuid_bytes(text: str) -> bytes:
    """A uuid from its text."""
    return bytes.fromhex(text.replace("-", ""))


def jsonb(text: bytes) -> bytes:
    """JSON text as a jsonb."""
    return b"\x01" + text


def in_json(rows: object) -> Json:
    """Rows as one parameter, for json_to_recordset: a set-based write without a statement a row."""
    return Json(rows, msgspec.json.encode)


def floats(values: Sequence[float | None]) -> bytes:
    """A float4[]."""
    return _ONE_ZERO_F if values == _ONE_ZERO else _array(values, "f", _FLOAT4)


def ints(values: Sequence[int | None]) -> bytes:
    """An int4[]."""
    return _ONE_ZERO_I if values == _ONE_ZERO else _array(values, "i", _INT4)


def _array(values: Sequence[float | None], code: str, oid: int) -> bytes:
    if not any(values):
        if None not in values:
            return _zeros(len(values), code, oid)
        return _with_nulls(values, code, oid)
    if None in values:
        return _with_nulls(values, code, oid)
    packing, words = _packing(len(values), code, oid)
    words = words.copy()
    words[6::2] = values  # type: ignore[assignment]  # None was ruled out above
    return packing.pack(*words)


@lru_cache(maxsize=2048)
def _packing(length: int, code: str, oid: int) -> tuple[Struct, list[float]]:
    """Dimensions, nulls, type, length, lower bound; then each element behind its size."""
    return Struct(">5i" + f"i{code}" * length), [1, 0, oid, length, 1, *([4, 0] * length)]


@lru_cache(maxsize=2048)
def _zeros(length: int, code: str, oid: int) -> bytes:
    if not length:
        return Struct(">3i").pack(0, 0, oid)
    packing, words = _packing(length, code, oid)
    return packing.pack(*words)


# Nearly every message of an idle machine is one sample of nothing.
_ONE_ZERO = [0]
_ONE_ZERO_F = _zeros(1, "f", _FLOAT4)
_ONE_ZERO_I = _zeros(1, "i", _INT4)


def _with_nulls(values: Sequence[float | None], code: str, oid: int) -> bytes:
    element, null = Struct(f">i{code}"), Struct(">i").pack(-1)
    head = Struct(">5i").pack(1, 1, oid, len(values), 1)
    return head + b"".join(null if value is None else element.pack(4, value) for value in values)
