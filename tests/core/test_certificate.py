"""How a certificate stands on a day, with the dates of the law on the very day."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.certificates import CONSTRUCTION, EQUIPMENT, OPERATION, RULES, TODAY
from weld.core.certificate import (
    USABLE,
    Certificate,
    Process,
    Registered,
    Status,
    Work,
    is_stale,
    last_day,
    problems,
    status,
    status_by_date,
    work_here,
)

PAPERS = RULES.certificates


@pytest.mark.parametrize(
    ("changes", "day", "expected"),
    [
        ({}, TODAY, "valid"),
        ({}, OPERATION.valid_from, "valid"),
        ({}, OPERATION.valid_from - timedelta(days=1), "not_yet_valid"),
        ({}, date(2027, 3, 9), "valid"),  # 61 days before the re-examination
        ({}, date(2027, 3, 10), "review_due"),  # 60 days
        ({}, date(2027, 5, 9), "review_due"),  # the day itself is still good
        ({}, date(2027, 5, 10), "review_overdue"),
        ({"review_due": date(2030, 5, 9)}, date(2030, 5, 9), "review_due"),
        ({"review_due": date(2030, 5, 9)}, date(2030, 5, 10), "expired"),
        ({"review_due": date(2040, 1, 1)}, date(2030, 5, 10), "expired"),  # a review cannot outlive the certificate
        ({"review_due": None}, date(2027, 5, 10), "review_due"),  # 3 years from the beginning, by law
        ({"review_due": None}, date(2027, 5, 11), "review_overdue"),
        ({"valid_to": date(2099, 1, 1), "review_due": date(2099, 1, 1)}, date(2030, 5, 11), "expired"),  # 6 years
        ({"registered": "unverified"}, TODAY, "unverified"),
        ({"registered": "revoked"}, TODAY, "revoked"),
        ({"registered": "cancelled"}, TODAY, "cancelled"),
        ({"registered": "suspended"}, TODAY, "suspended"),
        ({"registered": "suspected_fake"}, TODAY, "suspected_fake"),
        ({"registered": "revoked"}, date(2040, 1, 1), "revoked"),
    ],
)
def test_an_operation_certificate_stands_as_the_law_says(changes: dict[str, Any], day: date, expected: Status) -> None:
    assert status(replace(OPERATION, **changes), day, PAPERS) == expected


@pytest.mark.parametrize(
    ("certificate", "day", "expected"),
    [
        (CONSTRUCTION, date(2027, 2, 28), "review_due"),
        (CONSTRUCTION, date(2027, 3, 1), "expired"),
        (replace(CONSTRUCTION, valid_to=date(2031, 2, 28)), date(2027, 3, 2), "review_overdue"),  # every 2 years
        (replace(CONSTRUCTION, valid_to=date(2031, 2, 28), review_due=date(2029, 2, 28)), date(2027, 3, 2), "valid"),
        (EQUIPMENT, date(2027, 10, 1), "valid"),  # no re-examination, 4 years
        (EQUIPMENT, date(2027, 12, 31), "review_due"),
        (EQUIPMENT, date(2028, 1, 1), "expired"),
    ],
)
def test_the_other_kinds_have_their_own_years(certificate: Certificate, day: date, expected: Status) -> None:
    assert status(certificate, day, PAPERS) == expected


@pytest.mark.parametrize(
    ("certificate", "work", "expected"),
    [
        (OPERATION, "ordinary", ()),
        (OPERATION, "building", ()),
        (OPERATION, "special_equipment", ("wrong_domain",)),
        (CONSTRUCTION, "ordinary", ("wrong_domain",)),  # valid on building sites only
        (CONSTRUCTION, "building", ()),
        (CONSTRUCTION, "special_equipment", ("wrong_domain",)),
        (EQUIPMENT, "ordinary", ("wrong_domain",)),
        (EQUIPMENT, "building", ("wrong_domain",)),
        (EQUIPMENT, "special_equipment", ()),
    ],
)
def test_each_kind_allows_its_own_work(certificate: Certificate, work: Work, expected: tuple[str, ...]) -> None:
    assert problems(certificate, work, TODAY, PAPERS) == expected


@pytest.mark.parametrize(
    ("item", "process", "expected"),
    [
        ("熔化焊接与热切割作业", "arc", ()),
        ("熔化焊接与热切割作业", "cutting", ()),
        ("熔化焊接与热切割作业", "resistance", ("wrong_item",)),
        ("熔化焊接与热切割作业", "brazing", ("wrong_item",)),
        ("压力焊作业", "resistance", ()),
        ("压力焊作业", "arc", ("wrong_item",)),
        ("钎焊作业", "brazing", ()),
        ("钎焊作业", "cutting", ("wrong_item",)),
        ("熔化焊接与热切割作业", None, ()),  # nobody entered the process: taken for arc welding
        ("压力焊作业", None, ("wrong_item",)),
    ],
)
def test_each_process_has_its_item(item: str, process: Process | None, expected: tuple[str, ...]) -> None:
    assert problems(replace(OPERATION, item=item), "ordinary", TODAY, PAPERS, process) == expected


@pytest.mark.parametrize(
    ("machine", "place", "expected"),
    [
        ("building", None, "building"),
        ("building", "ordinary", "ordinary"),  # a builder's machine in a shopping mall
        ("ordinary", "building", "building"),
        ("special_equipment", "building", "special_equipment"),  # a boiler stays a boiler on a building site
        ("ordinary", "special_equipment", "special_equipment"),
    ],
)
def test_the_place_decides_the_kind_of_work_except_for_special_equipment(
    machine: Work, place: Work | None, expected: Work
) -> None:
    assert work_here(machine, place) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"review_due": None}, date(2027, 5, 10)),
        ({"review_due": None, "clean_record": True}, date(2030, 5, 9)),  # six years, and not past its end
        ({"clean_record": True}, date(2030, 5, 9)),
    ],
)
def test_ten_clean_years_put_the_re_examination_off(changes: dict[str, Any], expected: date) -> None:
    assert last_day(replace(OPERATION, **changes), PAPERS) == expected


def test_a_clean_record_changes_nothing_where_the_law_knows_none() -> None:
    assert last_day(replace(CONSTRUCTION, clean_record=True), PAPERS) == last_day(CONSTRUCTION, PAPERS)


@pytest.mark.parametrize(
    ("checked", "registered", "expected"),
    [
        (TODAY - timedelta(days=30), "verified", False),
        (TODAY - timedelta(days=31), "verified", True),
        (None, "verified", False),
        (TODAY - timedelta(days=31), "revoked", False),  # a no does not grow old
        (TODAY + timedelta(days=1), "verified", False),
    ],
)
def test_a_yes_of_the_register_grows_old(checked: date | None, registered: Registered, expected: bool) -> None:
    assert is_stale(replace(OPERATION, checked_on=checked, registered=registered), TODAY, PAPERS) == expected


@pytest.mark.parametrize("item", ["压力焊作业", "钎焊作业"])
def test_pressure_welding_and_brazing_are_the_wrong_item(item: str) -> None:
    assert problems(replace(OPERATION, item=item), "ordinary", TODAY, PAPERS) == ("wrong_item",)


def test_another_trade_of_the_building_site_does_not_weld() -> None:
    assert problems(replace(CONSTRUCTION, item="建筑架子工"), "building", TODAY, PAPERS) == ("wrong_item",)


def test_all_that_is_wrong_is_said_at_once() -> None:
    bad = replace(CONSTRUCTION, registered="suspended", item="建筑电工")
    assert problems(bad, "ordinary", date(2030, 1, 1), PAPERS) == (
        "certificate_suspended",
        "certificate_expired",
        "wrong_domain",
        "wrong_item",
    )


def test_29_february_has_an_anniversary() -> None:
    leap = replace(OPERATION, valid_from=date(2024, 2, 29), valid_to=date(2030, 2, 28), review_due=None)
    assert last_day(leap, PAPERS) == date(2027, 2, 28)


@given(
    valid_from=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    days=st.integers(0, 4000),
    review_days=st.none() | st.integers(0, 4000),
    day=st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    kind=st.sampled_from([OPERATION, CONSTRUCTION, EQUIPMENT]),
)
def test_a_certificate_is_usable_exactly_from_its_first_to_its_last_day(
    valid_from: date, days: int, review_days: int | None, day: date, kind: Certificate
) -> None:
    paper = replace(
        kind,
        valid_from=valid_from,
        valid_to=valid_from + timedelta(days=days),
        review_due=None if review_days is None else valid_from + timedelta(days=review_days),
    )
    usable = status_by_date(paper, day, PAPERS) in USABLE
    assert usable == (valid_from <= day <= last_day(paper, PAPERS))
