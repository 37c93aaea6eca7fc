"""Rows into the bytes of a table, piece by piece: CSV for people and spreadsheets, Parquet for programs.

Columns have types, and both forms are written from the same typed rows. Holds no more than the rows of one group. Refuses to let
a text begin as a formula would: whoever opens a CSV in a spreadsheet runs what stands in it.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "instant", "day", "truth", "int16", "int32", "int64", "float32", "float64", "float32s", "int32s"]
Form = Literal["csv", "parquet"]
Rows = Sequence[Sequence[Any]]

MEDIA: Final[dict[Form, str]] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}

# A group is what a reader of Parquet takes at once, and what we hold until it is whole.
GROUP_ROWS: Final = 100_000
GROUP_BYTES: Final = 32 << 20
# What a spreadsheet takes for the beginning of a formula, or skips before one.
_FORMULA: Final = r"^[=+\-@\t\r\n]"
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; its unit ends its name."""

    name: str
    kind: Kind


class Table(Protocol):
    """A table that is being written: `begin`, `add` as often as needed, `end`; what they give, in order, is the file."""

    def begin(self) -> bytes:
        """The first bytes."""

    def add(self, rows: Rows) -> bytes:
        """What is ready to leave after these rows; it may be nothing."""

    def end(self) -> bytes:
        """The last bytes."""


def table(form: Form, columns: Sequence[Column], *, bom: bool = False) -> Table:
    """A new table; `bom` marks a CSV as UTF-8 for spreadsheets that would guess otherwise."""
    return _Csv(columns, bom=bom) if form == "csv" else _Parquet(columns)


class _Csv:
    def __init__(self, columns: Sequence[Column], *, bom: bool) -> None:
        self._columns = columns
        self._bom = bom

    def begin(self) -> bytes:
        return (_BOM if self._bom else b"") + ",".join(column.name for column in self._columns).encode() + b"\n"

    def add(self, rows: Rows) -> bytes:
        if not rows:
            return b""
        import pyarrow as pa
        from pyarrow import csv

        batch = _batch(self._columns, rows)
        names = batch.schema.names
        texts = [_texts(column, batch.column(at)) for at, column in enumerate(self._columns)]
        sink = io.BytesIO()
        csv.write_csv(pa.RecordBatch.from_arrays(texts, names), sink, csv.WriteOptions(include_header=False))
        return sink.getvalue()

    def end(self) -> bytes:
        return b""


class _Parquet:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._sink = _Sink()
        self._waiting: list[pa.RecordBatch] = []
        self._writer: Any = None

    def begin(self) -> bytes:
        from pyarrow import parquet

        self._writer = parquet.ParquetWriter(self._sink, _schema(self._columns), compression="zstd")
        return self._sink.take()

    def add(self, rows: Rows) -> bytes:
        if rows:
            self._waiting.append(_batch(self._columns, rows))
        is_full = sum(batch.num_rows for batch in self._waiting) >= GROUP_ROWS
        if is_full or sum(batch.nbytes for batch in self._waiting) >= GROUP_BYTES:
            self._write()
        return self._sink.take()

    def end(self) -> bytes:
        self._write()
        self._writer.close()
        return self._sink.take()

    def _write(self) -> None:
        """One row group of all that waits."""
        if not self._waiting:
            return
        import pyarrow as pa

        whole, self._waiting = pa.Table.from_batches(self._waiting), []
        self._writer.write_table(whole, row_group_size=whole.num_rows)


class _Sink(io.RawIOBase):
    """What the writer of Parquet takes for a file; gives away what was written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._told = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - bytes, or whatever buffer pyarrow has
        self._pieces.append(bytes(data))
        self._told += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._told

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _types() -> dict[Kind, Any]:
    # Here, and not above: whoever exports nothing does not load 60 MB.
    import pyarrow as pa

    return {
        "text": pa.string(),
        "instant": pa.timestamp("us", tz="UTC"),
        "day": pa.date32(),
        "truth": pa.bool_(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float32": pa.float32(),
        "float64": pa.float64(),
        "float32s": pa.list_(pa.float32()),
        "int32s": pa.list_(pa.int32()),
    }


def _schema(columns: Sequence[Column]) -> "pa.Schema":
    import pyarrow as pa

    types = _types()
    return pa.schema([(column.name, types[column.kind]) for column in columns])


def _batch(columns: Sequence[Column], rows: Rows) -> "pa.RecordBatch":
    import pyarrow as pa

    types = _types()
    values = zip(*rows, strict=True)
    arrays = [pa.array(found, types[column.kind]) for column, found in zip(columns, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_schema(columns))


def _texts(column: Column, found: "pa.Array") -> "pa.Array":
    """A column as a CSV shows it: instants in ISO 8601 with Z, lists in brackets, texts without the power of a formula."""
    import pyarrow as pa
    from pyarrow import compute

    match column.kind:
        case "instant":
            return compute.replace_substring(found.cast(pa.string()), " ", "T", max_replacements=1)
        case "text":
            is_formula = compute.match_substring_regex(found, _FORMULA)
            return compute.if_else(is_formula, compute.binary_join_element_wise("'", found, ""), found)
        case "float32s" | "int32s":
            items = compute.fill_null(found.values.cast(pa.string()), "null")
            joined = compute.binary_join(pa.ListArray.from_arrays(found.offsets, items), ",")
            return compute.binary_join_element_wise("[", joined, "]", "")
        case _:
            return found
