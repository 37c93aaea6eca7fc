"""Rosters: rows of workers with certificates as people keep them in tables, read into entries or into all that is wrong.

A row is a worker and at most one certificate; whoever has several stands in several rows. Headings are known in Chinese and in
English, numbers are judged by identity.py. Refuses to repeat a cell in what it says of it, and to guess a number that a
spreadsheet has rounded.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, TypeVar

from weld.core import identity, mask
from weld.core.certificate import Kind, Registered
from weld.core.fault import Fault
from weld.core.law import Words

Field = Literal[
    "name", "identity", "phone", "enterprise", "division", "kind", "number", "category", "item", "valid_from",
    "valid_to", "review_due", "status", "issuer",
]  # fmt: skip
Cells = Mapping[Field, str]
Chosen = TypeVar("Chosen")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its headings, the first of them in the template, and whether a file must have it."""

    field: Field
    zh: str
    en: str
    also: tuple[str, ...] = ()
    needed: bool = False


COLUMNS = (
    Column("name", "姓名", "name", needed=True),
    Column("identity", "身份证号", "identity number", ("身份证号码", "公民身份号码", "identity"), needed=True),
    Column("phone", "手机号", "phone", ("手机号码", "联系电话", "mobile"), needed=True),
    Column("enterprise", "企业统一社会信用代码", "enterprise credit code", ("统一社会信用代码", "enterprise")),
    Column("division", "行政区划代码", "division code", ("区划代码", "division")),
    Column("kind", "证书种类", "certificate kind", ("证件类型", "kind")),
    Column("number", "证书编号", "certificate number", ("证号", "number")),
    Column("category", "作业类别", "category", ("类别",)),
    Column("item", "准操项目", "item", ("操作项目", "作业项目")),
    Column("valid_from", "有效期起", "valid from", ("有效期开始", "valid_from")),
    Column("valid_to", "有效期止", "valid to", ("有效期至", "有效期结束", "valid_to")),
    Column("review_due", "应复审日期", "review due", ("复审日期", "review_due")),
    Column("status", "证书状态", "status", ("状态",)),
    Column("issuer", "发证机关", "issuer", ("签发机关",)),
)
# What we add to a report of errors, and skip when the mended report comes back.
ERRORS = Words("错误", "errors")

_FIELD_OF: Mapping[str, Field] = {
    heading: column.field for column in COLUMNS for heading in (column.zh, column.en, *column.also)
}
_COLUMN_OF: Mapping[Field, Column] = {column.field: column for column in COLUMNS}
_PAPER: tuple[Field, ...] = (
    "kind", "number", "category", "item", "valid_from", "valid_to", "review_due", "status", "issuer",
)  # fmt: skip
_PAPER_TEXTS: tuple[Field, ...] = ("category", "item", "issuer")
_PAPER_NEEDED: tuple[Field, ...] = ("kind", "number", "category", "item", "valid_from", "valid_to", "issuer")

_KINDS: Mapping[str, Kind] = {
    "特种作业操作证": "operation",
    "operation": "operation",
    "建筑施工特种作业操作资格证": "construction",
    "construction": "construction",
    "特种设备作业人员证": "equipment",
    "特种设备安全管理和作业人员证": "equipment",
    "equipment": "equipment",
}
_STATUSES: Mapping[str, Registered] = {
    "有效": "verified",
    "已核验": "verified",
    "verified": "verified",
    "未核验": "unverified",
    "unverified": "unverified",
    "撤销": "revoked",
    "吊销": "revoked",
    "revoked": "revoked",
    "注销": "cancelled",
    "cancelled": "cancelled",
    "暂扣": "suspended",
    "suspended": "suspended",
    "疑似假证": "suspected_fake",
    "suspected_fake": "suspected_fake",
}
_DAY = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d\d)(\d\d))", re.ASCII)
_ROUNDED = re.compile(r"\d(\.\d*)?E\+?\d+")
# A spreadsheet takes these for a formula, and long digits for a number of which it keeps 15.
_UNSAFE = re.compile(r"[=+\-@\t\r]|\d{12,}\Z")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in one column of a row (None: in the row as a whole), in words that repeat no cell."""

    field: Field | None
    code: str
    words: Words

    @property
    def column(self) -> Words:
        """The column as its template names it."""
        if self.field is None:
            return Words("整行", "row")
        column = _COLUMN_OF[self.field]
        return Words(column.zh, column.en)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a row names. Enterprise and division are codes; None where the cell is empty."""

    name: str
    identity: str
    phone: str
    enterprise: str | None
    division: str | None


@dataclass(frozen=True, slots=True)
class Paper:
    """Which certificate a row names. `status` None: the row does not say."""

    kind: Kind
    number: str
    category: str
    item: str
    valid_from: date
    valid_to: date
    review_due: date | None
    status: Registered | None
    issuer: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row in which nothing is wrong by itself."""

    person: Person
    paper: Paper | None


@dataclass(frozen=True, slots=True)
class Heading:
    """Which field stands in which place of a row; headings that are not ours are left out."""

    places: tuple[Field | None, ...]

    def cells(self, row: Sequence[str]) -> Cells:
        """The cells of a row by their fields."""
        found: dict[Field, str] = {}
        for field, cell in zip(self.places, row, strict=False):
            if field is not None:
                found[field] = cell.strip().removeprefix("'")
        return found

    def ignored(self, row: Sequence[str]) -> list[str]:
        """Headings that nothing is read from."""
        pairs = zip(self.places, row, strict=True)
        return [cell for field, cell in pairs if field is None and cell.strip() and cell not in (ERRORS.zh, ERRORS.en)]


def heading(row: Sequence[str]) -> Heading | Words:
    """The first row of a file understood, or what keeps it from being one."""
    places = tuple(_FIELD_OF.get(" ".join(cell.removesuffix("*").lower().split())) for cell in row)
    given = [field for field in places if field is not None]
    doubled = [_COLUMN_OF[field] for field in dict.fromkeys(given) if given.count(field) > 1]
    if doubled:
        return Words(
            f"列出现了两次：{'、'.join(column.zh for column in doubled)}",
            f"these columns stand twice: {', '.join(column.en for column in doubled)}",
        )
    missing = [column for column in COLUMNS if column.needed and column.field not in given]
    if missing:
        return Words(
            f"第一行应是列名，缺少：{'、'.join(column.zh for column in missing)}",
            f"the first row must hold the headings; missing: {', '.join(column.en for column in missing)}",
        )
    return Heading(places)


def read(cells: Cells, today: date) -> Entry | tuple[Mistake, ...]:
    """A row as an entry, or everything that is wrong with it."""
    number = identity.normal(cells.get("identity", ""))
    person = Person(
        name=cells.get("name", ""),
        identity=number,
        phone=identity.normal_phone(cells.get("phone", "")),
        enterprise=identity.normal(cells.get("enterprise", "")) or None,
        division=identity.normal(cells.get("division", "")) or None,
    )
    mistakes = list(_person_mistakes(person, today))
    paper = None
    if any(cells.get(field) for field in _PAPER):
        found = _paper(cells, number)
        if isinstance(found, Paper):
            paper = found
        else:
            mistakes += found
    return tuple(mistakes) if mistakes else Entry(person, paper)


def masked(cells: Cells) -> dict[Field, str]:
    """The cells as a screen may show them."""
    masks: Mapping[Field, Callable[[str], str]] = {
        "name": mask.mask_name,
        "identity": mask.mask_identity,
        "phone": mask.mask_phone,
        "number": mask.mask_identity,
    }
    return {field: masks[field](cell) if cell and field in masks else cell for field, cell in cells.items()}


def safe(cell: str) -> str:
    """A cell that a spreadsheet leaves as it is; `Heading.cells` takes the mark away again."""
    return f"'{cell}" if _UNSAFE.match(cell) else cell


def _person_mistakes(person: Person, today: date) -> Iterator[Mistake]:
    yield from _text("name", person.name, 60)
    judged: tuple[tuple[Field, str | None, Fault | None], ...] = (
        ("identity", person.identity, identity.identity_fault(person.identity, today)),
        ("phone", person.phone, identity.phone_fault(person.phone)),
        ("enterprise", person.enterprise, _credit_fault(person.enterprise) if person.enterprise else None),
    )
    for field, number, fault in judged:
        if fault is not None:
            yield _number(field, number or "", fault)
    if person.division is not None and re.fullmatch(r"[0-9]{2,12}", person.division) is None:
        yield _say("division", "shape", "行政区划代码是 2 到 12 位数字", "a division's code has 2 to 12 digits")


def _paper(cells: Cells, holder: str) -> Paper | list[Mistake]:
    """The certificate of a row, or what is wrong with it."""
    mistakes = [_empty(field) for field in _PAPER_NEEDED if not cells.get(field)]
    kind, status = _choice(cells, "kind", _KINDS, mistakes), _choice(cells, "status", _STATUSES, mistakes)
    number = identity.normal(cells.get("number", ""))
    if kind is not None and number and (fault := _paper_fault(kind, number, holder)) is not None:
        mistakes.append(_number("number", number, fault))
    first, last = _day(cells, "valid_from", mistakes), _day(cells, "valid_to", mistakes)
    review = _day(cells, "review_due", mistakes)
    for field in _PAPER_TEXTS:
        mistakes += _text(field, cells.get(field) or "-", 100)
    if first is not None and last is not None and last < first:
        mistakes.append(_say("valid_to", "order", "有效期止早于有效期起", "lies before valid from"))
    if mistakes or kind is None or first is None or last is None:
        return mistakes
    category, item, issuer = (cells[field] for field in _PAPER_TEXTS)
    return Paper(kind, number, category, item, first, last, review, status, issuer)


def _paper_fault(kind: Kind, number: str, holder: str) -> Fault | None:
    # An identity number of another length is blamed in its own column.
    if kind == "operation" and len(number) == 19 and len(holder) != 18:
        return None
    return identity.certificate_fault(kind, number, holder)


def _choice(cells: Cells, field: Field, choices: Mapping[str, Chosen], mistakes: list[Mistake]) -> Chosen | None:
    cell = cells.get(field, "")
    if cell and cell.lower() not in choices:
        names = "、".join(name for name in choices if not name.isascii())
        others = ", ".join(name for name in choices if name.isascii())
        mistakes.append(_say(field, "choice", f"只能填：{names}", f"must be one of: {others}"))
    return choices.get(cell.lower())


def _day(cells: Cells, field: Field, mistakes: list[Mistake]) -> date | None:
    cell = cells.get(field, "")
    if not cell:
        return None
    day = _date(cell)
    if day is None:
        mistakes.append(_say(field, "day", "日期要写成 2026-01-31 这样", "a date is written like 2026-01-31"))
    return day


@lru_cache(maxsize=20_000)
def _date(cell: str) -> date | None:
    """Of a million rows the dates are a few thousand."""
    match = _DAY.fullmatch(cell)
    try:
        year, month, day = (int(part) for part in match.groups() if part and part.isdigit()) if match else (0, 0, 0)
        return date(year, month, day)
    except ValueError:
        return None


@lru_cache(maxsize=20_000)
def _credit_fault(code: str) -> Fault | None:
    """Nor are the enterprises many."""
    return identity.credit_fault(code)


def _text(field: Field, text: str, longest: int) -> Iterator[Mistake]:
    if not text:
        yield _empty(field)
    elif len(text) > longest:
        yield _say(field, "length", f"最多 {longest} 个字", f"has more than {longest} characters")
    elif not text.isprintable():
        yield _say(field, "character", "含有不可见的字符", "holds characters that cannot be seen")


def _empty(field: Field) -> Mistake:
    return _say(field, "empty", "不能为空", "must not be empty")


def _number(field: Field, number: str, fault: Fault) -> Mistake:
    if not number:
        return _empty(field)
    if _ROUNDED.fullmatch(number):
        return _say(
            field,
            "rounded",
            "表格软件把号码当成了数字，丢了后几位：请把这一列设为文本再填",
            "a spreadsheet took it for a number and lost the last digits: make the column text and fill it again",
        )
    return Mistake(field, fault.code, fault.words)


def _say(field: Field, code: str, zh: str, en: str) -> Mistake:
    return Mistake(field, code, Words(zh, en))
