"""Codes of divisions: levels and parents, Henan's odd ones too, and which version of a code held on a day."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weld.core.division import (
    Version,
    at,
    code_fault,
    is_heading,
    is_within,
    level,
    lineage,
    normal,
    overlaps,
    parent,
    path,
    short,
)


@pytest.mark.parametrize(
    ("code", "expected_level", "expected_parent"),
    [
        ("410000", "province", None),  # 河南
        ("410500", "city", "410000"),  # 安阳
        ("410502", "county", "410500"),  # 文峰
        ("410171", "county", "410100"),  # 郑州经开区: no polygon, but a code
        ("410502001", "township", "410502"),
        ("410502001003", "village", "410502001"),
        # what a province runs itself
        ("419001", "county", "410000"),  # 济源
        ("419001001", "township", "419001"),
        ("429004", "county", "420000"),  # 仙桃
        ("429005", "county", "420000"),  # 潜江
        ("429006", "county", "420000"),  # 天门
        ("429021", "county", "420000"),  # 神农架林区
        ("469001", "county", "460000"),  # 五指山
        ("469030", "county", "460000"),  # 琼中
        ("659001", "county", "650000"),  # 石河子
        ("659012", "county", "650000"),  # 白杨
        # municipalities: 110100 and 500200 are headings
        ("110000", "province", None),
        ("110105", "county", "110000"),  # 朝阳
        ("310151", "county", "310000"),  # 崇明
        ("500101", "county", "500000"),  # 万州
        ("500229", "county", "500000"),  # 城口
        # cities without counties
        ("441900", "city", "440000"),  # 东莞
        ("441900003", "township", "441900"),
        ("460400", "city", "460000"),  # 儋州
        # special administrative regions
        ("810000", "province", None),
        ("810001", "county", "810000"),  # 中西区
    ],
)
def test_every_code_has_its_level_and_its_parent(code: str, expected_level: str, expected_parent: str | None) -> None:
    assert code_fault(code) is None
    assert (level(code), parent(code)) == (expected_level, expected_parent)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("41", "410000"),
        ("4105", "410500"),
        ("410502", "410502"),
        ("410502001", "410502001"),
        ("410502000", "410502"),
        ("410502001000", "410502001"),
        ("410502000000", "410502"),
        ("410500000000", "410500"),
        ("410000000000", "410000"),
        ("410502001003", "410502001003"),
        ("410502010000", "410502010"),
        ("", ""),
        ("4105021", "4105021"),
    ],
)
def test_a_code_is_the_same_however_it_is_written(written: str, expected: str) -> None:
    assert normal(written) == expected


@pytest.mark.parametrize(
    ("code", "fault", "position"),
    [
        ("4105", "length", None),
        ("", "length", None),
        ("4105O2", "character", 5),
        ("４10502", "character", 1),
        ("990102", "division", 1),
        ("000000", "division", 1),
        ("419000", "heading", 3),
        ("469000", "heading", 3),
        ("110100", "heading", 3),
        ("500200", "heading", 3),
    ],
)
def test_what_is_no_code_says_why(code: str, fault: str, position: int | None) -> None:
    wrong = code_fault(code)
    assert wrong is not None
    assert (wrong.code, wrong.position) == (fault, position)
    assert wrong.words.zh != wrong.words.en
    assert position is None or f"位置 {position}" in wrong.words.zh


def test_a_path_is_written_as_the_register_writes_it() -> None:
    assert path("410502") == "41/4105/410502"
    assert path("419001") == "41/419001"
    assert path("110105") == "11/110105"
    assert path("410502001003") == "41/4105/410502/410502001/410502001003"
    assert lineage("410502001") == ("410000", "410500", "410502", "410502001")


@pytest.mark.parametrize("written", ["41", "4105", "410502", "410502001", "410502001003", "419001", "4419", "110105"])
def test_the_register_writes_a_code_without_filling_zeros(written: str) -> None:
    assert short(normal(written)) == written


def test_what_lies_below_what() -> None:
    assert is_within("410502", "410000")
    assert is_within("419001", "410000")
    assert is_within("410502", "410502")
    assert not is_within("410502", "410503")
    assert not is_within("410000", "410502")
    assert not is_within("419001", "410100")


codes = st.from_regex(r"(11|31|37|41|42|46|50|65|81)[0-9]{4}([0-9]{3}([0-9]{3})?)?", fullmatch=True).map(normal)


@given(codes)
@example("119001000001")  # a village without a township: the county is right above it
def test_every_lineage_ends_in_its_province_and_climbs_a_level_at_a_time(code: str) -> None:
    if code_fault(code) is not None:
        return
    line = lineage(code)
    assert line[0] == f"{code[:2]}0000"
    assert line[-1] == code
    assert level(line[0]) == "province"
    assert not any(is_heading(each) for each in line)
    assert [parent(each) for each in line] == [None, *line[:-1]]


def test_a_code_means_what_it_meant_on_that_day() -> None:
    # a county became a district under another code, and a district got another name; the days are made up
    county = Version("411222", "陕县", "411200", None, date(2016, 1, 1))
    district = Version("411203", "陕州区", "411200", date(2016, 1, 1))
    before = Version("410212", "旧名区", "410200", date(2014, 1, 1), date(2020, 1, 1))
    after = Version("410212", "新名区", "410200", date(2020, 1, 1))
    versions = (county, district, before, after)
    assert at(versions, "411222", date(2015, 12, 31)) is county
    assert at(versions, "411222", date(2016, 1, 1)) is None
    assert at(versions, "411203", date(2015, 12, 31)) is None
    assert at(versions, "411203", date(2016, 1, 1)) is district
    assert at(versions, "410212", date(2013, 12, 31)) is None
    assert at(versions, "410212", date(2019, 12, 31)) is before
    assert at(versions, "410212", date(2020, 1, 1)) is after


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ((None, None), (None, None), True),
        ((None, "2015-01-01"), ("2015-01-01", None), False),  # one ends where the other begins
        ((None, "2015-01-02"), ("2015-01-01", None), True),
        (("2015-01-01", "2016-01-01"), ("2017-01-01", None), False),
        (("2015-01-01", None), ("2017-01-01", "2018-01-01"), True),
        ((None, "2015-01-01"), (None, "2014-01-01"), True),
    ],
)
def test_two_versions_of_a_code_may_not_hold_on_one_day(
    first: tuple[str | None, str | None], second: tuple[str | None, str | None], meet: bool
) -> None:
    one, other = (
        Version(
            "410502",
            "文峰区",
            "410500",
            date.fromisoformat(since) if since else None,
            date.fromisoformat(until) if until else None,
        )
        for since, until in (first, second)
    )
    assert bool(overlaps((one, other))) == bool(overlaps((other, one))) == meet
    assert not overlaps((one, Version("410503", "北关区", "410500")))
