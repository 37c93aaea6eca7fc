"""Tables that come in pieces: encodings, quotations, delimiters, workbooks and bombs."""

import io
import zipfile
from datetime import date
from typing import Any

import openpyxl
import pytest

from api import sheets
from api.sheets import Format, Sniffer, UnreadableError


def read(data: bytes, kind: Format = "csv", piece: int = 7) -> list[list[str]]:
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    sniffer = Sniffer()
    for each in pieces:
        sniffer.add(each)
    sniffer.add(b"", last=True)
    feed, rows = sheets.feed(kind, sniffer.encoding), []
    for each in pieces:
        feed.add(each)
        rows += feed.take(100)
    feed.end()
    while more := feed.take(2):
        rows += more
    return rows


def workbook(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
def test_a_csv_is_the_same_in_every_encoding_and_however_it_is_cut(encoding: str, piece: int) -> None:
    data = '姓名,备注\r\n张示例,"一,二\n三 ""四"""\r\n\r\n㐀,末行'.encode(encoding)
    assert read(data, piece=piece) == [["姓名", "备注"], ["张示例", '一,二\n三 "四"'], [], ["㐀", "末行"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_part_the_columns_in_three_ways(delimiter: str) -> None:
    assert read(f"a{delimiter}b\n1{delimiter}2\n".encode()) == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xff,\n", "neither UTF-8 nor GB18030"),
        (b"a,b\n" + b"x," * 70 + b"\n", "more than 64 columns"),
        (b"a\n" + b"x" * 200_000 + b"\n", "no CSV table"),
        (b'a\n"' + b"x\n" * (1 << 20), "never closed"),
    ],
)
def test_what_is_no_table_is_told(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        read(data, piece=1 << 16)


def test_cells_of_a_workbook_become_what_a_person_reads_there() -> None:
    data = workbook([["a", 19900000001, 1.5, date(2026, 1, 31), None, True], [410502199001010014]])
    rows = read(data, "xlsx", 1000)
    assert rows[0][:6] == ["a", "19900000001", "1.5", "2026-01-31", "", "True"]
    assert rows[1][0] == "4.10502199001010E+17"


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(name: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed, packed.open(name, "w", force_zip64=True) as entry:
        for _ in range(1100 if "sheet1" in name else 200):
            entry.write(b"\0" * (1 << 20))
    assert len(file.getvalue()) < 2 << 20
    with pytest.raises(UnreadableError, match="too large"):
        read(file.getvalue(), "xlsx", 1 << 16)


def test_entities_that_multiply_are_refused() -> None:
    data = workbook([["a"]])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as good, zipfile.ZipFile(file, "w") as bad:
        for entry in good.namelist():
            text = good.read(entry)
            if entry == "xl/worksheets/sheet1.xml":
                lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
                head = f'<!DOCTYPE x [<!ENTITY l0 "lolololololololololol">{lol}]>'.encode()
                text = head + text.replace(b"</sheetData>", b'<row><c t="str"><v>&l11;</v></c></row></sheetData>')
            bad.writestr(entry, text)
    with pytest.raises(UnreadableError, match="no XLSX workbook"):
        read(file.getvalue(), "xlsx", 1 << 16)
