"""Rosters: headings, rows, and what a person is told of a wrong one."""

from datetime import date

import pytest

from weld.core import roster
from weld.core.law import Words
from weld.core.roster import Cells, Entry, Field, Heading, Mistake

TODAY = date(2026, 11, 22)
GOOD: dict[Field, str] = {
    "name": "张示例",
    "identity": "410502199001010014",
    "phone": "19900000001",
    "enterprise": "91410502MA00000072",
    "kind": "特种作业操作证",
    "number": "T410502199001010014",
    "category": "焊接与热切割作业",
    "item": "熔化焊接与热切割作业",
    "valid_from": "2025-01-01",
    "valid_to": "2030-12-31",
    "issuer": "河南省应急管理厅",
}


def wrong(cells: Cells) -> list[tuple[str | None, str]]:
    found = roster.read(cells, TODAY)
    assert not isinstance(found, Entry)
    return [(mistake.field, mistake.code) for mistake in found]


def test_a_row_is_a_worker_with_a_certificate() -> None:
    entry = roster.read(GOOD, TODAY)
    assert isinstance(entry, Entry)
    assert entry.person == roster.Person("张示例", "410502199001010014", "19900000001", "91410502MA00000072", None)
    assert entry.paper is not None
    assert (entry.paper.kind, entry.paper.valid_to, entry.paper.status) == ("operation", date(2030, 12, 31), None)


def test_a_row_without_a_certificate_is_a_worker() -> None:
    cells: dict[Field, str] = {field: GOOD[field] for field in ("name", "identity", "phone")}
    assert roster.read(cells, TODAY) == Entry(
        roster.Person("张示例", "410502199001010014", "19900000001", None, None), None
    )


def test_numbers_are_folded_before_they_are_judged() -> None:
    cells = GOOD | {
        "identity": " ４１０５０２ 199001010014",
        "phone": "+86 199-0000-0001",
        "number": "t410502199001010014",
    }
    assert roster.read(cells, TODAY) == roster.read(GOOD, TODAY)


@pytest.mark.parametrize("text", ["2030-12-31", "2030/12/31", "2030.12.31", "20301231", "2030年12月31日"])
def test_dates_are_read_as_people_write_them(text: str) -> None:
    assert roster.read(GOOD | {"valid_to": text}, TODAY) == roster.read(GOOD, TODAY)


@pytest.mark.parametrize("text", ["2030-13-01", "2030-2-30", "31.12.2030", "2030-12/31", "长期", "46021"])
def test_another_date_is_told(text: str) -> None:
    assert wrong(GOOD | {"valid_to": text}) == [("valid_to", "day")]


@pytest.mark.parametrize(
    ("field", "cell", "code"),
    [
        ("name", "", "empty"),
        ("name", "张" * 61, "length"),
        ("name", "张\x00", "character"),
        ("identity", "410502199001010015", "check"),
        ("identity", "", "empty"),
        ("identity", "4.10502E+17", "rounded"),
        ("phone", "12345", "length"),
        ("enterprise", "91410502MA00000073", "check"),
        ("division", "河南", "shape"),
        ("kind", "驾驶证", "choice"),
        ("number", "T410502199001010015", "holder"),
        ("category", "", "empty"),
        ("issuer", "局" * 101, "length"),
        ("valid_to", "2024-12-31", "order"),
        ("status", "好", "choice"),
    ],
)
def test_what_is_wrong_is_told_by_column(field: Field, cell: str, code: str) -> None:
    assert (field, code) in wrong(GOOD | {field: cell})


def test_everything_that_is_wrong_is_told_at_once_and_no_cell_is_repeated() -> None:
    cells: Cells = GOOD | {"identity": "410502199001010015", "phone": "77", "kind": "驾驶证", "valid_to": "never"}
    found = roster.read(cells, TODAY)
    assert isinstance(found, tuple)
    assert [mistake.field for mistake in found] == ["identity", "phone", "kind", "valid_to"]
    told = "".join(f"{mistake.words.zh}{mistake.words.en}" for mistake in found)
    assert not [cell for cell in ("410502199001010015", "驾驶证", "never") if cell in told]


def test_an_identity_number_says_which_character_in_both_languages() -> None:
    found = roster.read(GOOD | {"identity": "41050219900101001A", "number": "T41050219900101001A"}, TODAY)
    assert isinstance(found, tuple)
    assert found[0].words.en.startswith("character 18")
    assert found[0].words.zh.startswith("位置 18")
    assert found[0].column == Words("身份证号", "identity number")


@pytest.mark.parametrize(
    "headings",
    [
        ["姓名*", "身份证号*", "手机号*", "备注"],
        ["Name", "Identity number", "PHONE", "note"],
        ["name", "identity", "mobile", "错误"],
        [" 姓名 ", "公民身份号码", "联系电话", ""],
    ],
)
def test_headings_are_known_in_both_languages(headings: list[str]) -> None:
    assert roster.heading(headings) == Heading(("name", "identity", "phone", None))


def test_a_heading_that_is_missing_or_stands_twice_is_named() -> None:
    missing, doubled = roster.heading(["姓名", "手机号"]), roster.heading(["姓名", "name", "身份证号", "手机号"])
    assert isinstance(missing, Words)
    assert "身份证号" in missing.zh
    assert isinstance(doubled, Words)
    assert "twice: name" in doubled.en


def test_columns_that_are_not_ours_are_named_except_the_one_of_the_errors() -> None:
    row = ["姓名", "身份证号", "手机号", "备注", "错误", ""]
    found = roster.heading(row)
    assert isinstance(found, Heading)
    assert found.ignored(row) == ["备注"]


@pytest.mark.parametrize("cell", ["=1+1", "+8613", "-x", "@x", "410502199001010014"])
def test_a_cell_that_a_spreadsheet_would_change_is_marked_and_comes_back_as_it_was(cell: str) -> None:
    assert roster.safe(cell) == f"'{cell}"
    assert Heading(("name",)).cells([roster.safe(cell)]) == {"name": cell}


@pytest.mark.parametrize("cell", ["张示例", "2030-12-31", "19900000001", "T410502199001010014", ""])
def test_another_cell_stays_as_it_is(cell: str) -> None:
    assert roster.safe(cell) == cell


def test_a_screen_sees_masked_cells() -> None:
    shown = "".join(roster.masked(GOOD).values())
    assert not [GOOD[field] for field in ("name", "identity", "phone", "number") if GOOD[field] in shown]
    assert "熔化焊接与热切割作业" in shown


def test_a_mistake_of_the_whole_row_names_no_column() -> None:
    assert Mistake(None, "differs", Words("x", "x")).column == Words("整行", "row")
