"""Tables that people bring, piece by piece, as rows of text: CSV in UTF-8 or GB18030, and XLSX; and the empty template of both.

Holds no more of a CSV than the pieces it was given last; an XLSX, which is a ZIP, must be whole before it is read. Refuses bombs:
what a file unpacks to, how wide a row is and how far a quotation goes have their limits.
"""

import codecs
import csv
import io
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from itertools import islice
from typing import Any, Literal, Protocol

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from weld.core import roster
from weld.core.law import Language, Words

Format = Literal["csv", "xlsx"]

MOST_COLUMNS = 64
_LONGEST_QUOTATION = 1 << 20
_UNPACKED = 1 << 30
_UNPACKED_TEXTS = 128 << 20
_EXACT = 10**15  # a spreadsheet's numbers have 15 digits

# What openpyxl and what it stands on say of a file that is no workbook, or one with a password.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, LookupError, ValueError, TypeError, AttributeError, OSError,
    SyntaxError, EOFError, RuntimeError, OverflowError,
)  # fmt: skip


class UnreadableError(Exception):
    """The file is no table that can be read; `words` say why and what to do."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Feed(Protocol):
    """Takes pieces of a file, gives rows."""

    def add(self, data: bytes) -> None:
        """The next piece."""

    def end(self) -> None:
        """There are no more pieces."""

    def take(self, most: int) -> list[list[str]]:
        """Up to so many rows; fewer where more pieces are needed, or where the file is at its end."""


def feed(kind: Format, encoding: str) -> Feed:
    """For a new file."""
    return _Csv(encoding) if kind == "csv" else _Xlsx()


class Sniffer:
    """Finds out in which encoding a CSV is written while it passes by: UTF-8 as long as everything fits, else GB18030."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()

    def add(self, data: bytes, *, last: bool = False) -> None:
        """The next piece."""
        try:
            if self._decoder is not None:
                self._decoder.decode(data, last)
        except UnicodeDecodeError:
            self._decoder = None

    @property
    def encoding(self) -> str:
        """The name of the codec; it also drops a mark at the beginning."""
        return "gb18030" if self._decoder is None else "utf-8-sig"


class _Csv:
    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._rest = ""
        self._rows: deque[list[str]] = deque()
        self._delimiter = ""

    def add(self, data: bytes) -> None:
        self._read(self._decode(data, last=False), last=False)

    def end(self) -> None:
        self._read(self._decode(b"", last=True), last=True)

    def take(self, most: int) -> list[list[str]]:
        return [self._rows.popleft() for _ in range(min(most, len(self._rows)))]

    def _decode(self, data: bytes, *, last: bool) -> str:
        try:
            return self._decoder.decode(data, last)
        except UnicodeDecodeError:
            raise UnreadableError(
                Words(
                    "文字编码既不是 UTF-8 也不是 GB18030：请另存为“CSV UTF-8”",
                    "the text is neither UTF-8 nor GB18030: save it as CSV UTF-8",
                )
            ) from None

    def _read(self, text: str, *, last: bool) -> None:
        lines = [f"{part}\n" for part in (self._rest + text).split("\n")]
        open_line = lines.pop()[:-1]
        if last and open_line:
            lines, open_line = [*lines, open_line], ""
        whole, self._rest = _cut(lines, open_line, last=last)
        self._delimiter = self._delimiter or _delimiter(whole)
        try:
            for row in csv.reader(whole, delimiter=self._delimiter or ",", strict=False):
                if len(row) > MOST_COLUMNS:
                    raise UnreadableError(
                        Words(f"一行超过 {MOST_COLUMNS} 列", f"a row has more than {MOST_COLUMNS} columns")
                    )
                self._rows.append(row)
        except csv.Error:
            raise UnreadableError(Words("不是 CSV 表格", "this is no CSV table")) from None


class _Xlsx:
    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._rows: Iterator[Sequence[Any]] | None = None

    def add(self, data: bytes) -> None:
        self._file.write(data)

    def end(self) -> None:
        try:
            _measure(self._file)
            with _unwarned():
                book = openpyxl.load_workbook(self._file, read_only=True, data_only=True, keep_links=False)
                sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file says of its own size may be anything
            self._rows = sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True)
        except _BROKEN:
            raise _no_workbook() from None

    def take(self, most: int) -> list[list[str]]:
        if self._rows is None:
            return []
        try:
            with _unwarned():
                return [_texts(row) for row in islice(self._rows, most)]
        except _BROKEN:
            raise _no_workbook() from None


def _unwarned() -> AbstractContextManager[object]:
    """A warning of openpyxl is of styles, which we do not read, or repeats a cell."""
    return warnings.catch_warnings(action="ignore")


def _cut(lines: list[str], rest: str, *, last: bool) -> tuple[list[str], str]:
    """The lines up to the last one outside a quotation, and everything after it, which waits for more."""
    inside, whole = False, 0
    for number, line in enumerate(lines, start=1):
        inside ^= line.count('"') % 2 == 1
        if not inside:
            whole = number
    if last:
        return lines, ""
    rest = "".join(lines[whole:]) + rest
    if len(rest) > _LONGEST_QUOTATION:
        raise UnreadableError(Words("有一个引号没有结束", "a quotation mark is never closed"))
    return lines[:whole], rest


def _delimiter(lines: Sequence[str]) -> str:
    """What parts the headings; spreadsheets write commas, semicolons or tabs."""
    first = next((line for line in lines if line.strip()), "")
    return max(",;\t", key=first.count) if first else ""


def _measure(file: io.BytesIO) -> None:
    """UnreadableError for what would unpack to more than a table of people can be. Python reads no further than it says here."""
    with zipfile.ZipFile(file) as packed:
        sizes = {entry.filename: entry.file_size for entry in packed.infolist()}
    texts = sum(size for name, size in sizes.items() if not name.startswith("xl/worksheets/"))
    if len(sizes) > 1000 or sum(sizes.values()) > _UNPACKED or texts > _UNPACKED_TEXTS:
        raise UnreadableError(
            Words(
                "工作簿太大：请另存为 CSV UTF-8，或分成几个文件",
                "the workbook is too large: save it as CSV UTF-8, or in parts",
            )
        )


def _no_workbook() -> UnreadableError:
    return UnreadableError(Words("不是能读的 XLSX 工作簿", "this is no XLSX workbook that can be read"))


def _texts(row: Sequence[Any]) -> list[str]:
    return ["" if cell is None else _text(cell) for cell in row]


def _text(cell: object) -> str:
    match cell:
        case datetime():
            return cell.date().isoformat()
        case date():
            return cell.isoformat()
        case int() | float() if abs(cell) >= _EXACT:
            return f"{cell:.14E}"  # its last digits are gone: no number that anybody wrote
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell)


def template(kind: Format, language: Language) -> bytes:
    """A file with the headings and nothing else; in a workbook all columns are text, so that no number is rounded."""
    headings = [getattr(column, language) + ("*" if column.needed else "") for column in roster.COLUMNS]
    if kind == "csv":
        return codecs.BOM_UTF8 + line(headings).encode()
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(headings)
    for number in range(1, len(headings) + 1):
        letter = openpyxl.utils.get_column_letter(number)
        sheet.column_dimensions[letter].number_format = "@"
        sheet.column_dimensions[letter].width = 22
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def line(cells: Sequence[str]) -> str:
    """One row as CSV."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
