"""Too young, too old: the tables of the decision of 2024-09-13 with their edges, and ages to the very day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.certificates import RULES
from weld.core.age import Group, age_problem, last_day_of_age, oldest_months
from weld.core.months import months_later

AGES = RULES.age


@pytest.mark.parametrize(
    ("group", "birth", "months"),
    [
        ("men", "1964-12-31", 60 * 12),
        ("men", "1965-01-01", 60 * 12 + 1),
        ("men", "1965-04-30", 60 * 12 + 1),
        ("men", "1965-05-01", 60 * 12 + 2),
        ("men", "1965-12-31", 60 * 12 + 3),
        ("men", "1966-01-01", 60 * 12 + 4),
        ("men", "1976-08-31", 62 * 12 + 11),
        ("men", "1976-09-01", 63 * 12),
        ("men", "1999-01-01", 63 * 12),
        ("women_55", "1969-12-31", 55 * 12),
        ("women_55", "1970-01-01", 55 * 12 + 1),
        ("women_55", "1970-05-01", 55 * 12 + 2),
        ("women_55", "1981-08-31", 57 * 12 + 11),
        ("women_55", "1981-09-01", 58 * 12),
        ("women_50", "1974-12-31", 50 * 12),
        ("women_50", "1975-01-01", 50 * 12 + 1),
        ("women_50", "1975-02-28", 50 * 12 + 1),
        ("women_50", "1975-03-01", 50 * 12 + 2),
        ("women_50", "1984-10-31", 54 * 12 + 11),
        ("women_50", "1984-11-01", 55 * 12),
    ],
)
def test_the_retirement_age_rises_as_the_published_tables_say(group: Group, birth: str, months: int) -> None:
    assert oldest_months(date.fromisoformat(birth), AGES.tables[group]) == months


@pytest.mark.parametrize(
    ("group", "birth", "last"),
    [
        # the published tables name birth and month of retirement
        ("men", "1964-12-31", "2024-12-31"),
        ("men", "1965-01-01", "2025-02-01"),
        ("men", "1965-05-15", "2025-07-15"),
        ("men", "1976-09-30", "2039-09-30"),
        ("men", "1965-03-31", "2025-04-30"),  # a month too short for the day ends the period
        ("women_55", "1970-01-20", "2025-02-20"),
        ("women_55", "1981-09-10", "2039-09-10"),
        ("women_50", "1975-01-20", "2025-02-20"),
        ("women_50", "1984-11-10", "2039-11-10"),
        (None, "1966-06-01", "2026-11-01"),  # in no known group: the table of men
    ],
)
def test_the_day_of_the_age_is_the_last_one(group: Group | None, birth: str, last: str) -> None:
    born, day = date.fromisoformat(birth), date.fromisoformat(last)
    assert last_day_of_age(born, AGES, group) == day
    assert age_problem(born, day, AGES, group) is None
    assert age_problem(born, day + timedelta(days=1), AGES, group) == "over_age"


@pytest.mark.parametrize(
    ("birth", "first"),
    [("2008-11-22", "2026-11-22"), ("2008-02-29", "2026-02-28"), ("2008-03-01", "2026-03-01")],
)
def test_the_eighteenth_birthday_is_the_first_day(birth: str, first: str) -> None:
    born, day = date.fromisoformat(birth), date.fromisoformat(first)
    assert age_problem(born, day - timedelta(days=1), AGES) == "under_age"
    assert age_problem(born, day, AGES) is None


def test_who_has_no_date_of_birth_is_neither_too_young_nor_too_old() -> None:
    assert age_problem(None, date(2026, 11, 22), AGES) is None


@given(
    st.dates(date(1940, 1, 1), date(2020, 1, 1)),
    st.dates(date(2025, 1, 1), date(2060, 1, 1)),
    st.sampled_from([None, "men", "women_55", "women_50"]),
)
def test_who_is_too_old_stays_too_old(birth: date, day: date, group: Group | None) -> None:
    if age_problem(birth, day, AGES, group) == "over_age":
        assert age_problem(birth, day + timedelta(days=1), AGES, group) == "over_age"


@given(
    st.dates(date(1940, 1, 1), date(2000, 1, 1)),
    st.integers(0, 400),
    st.sampled_from(["men", "women_55", "women_50"]),
)
def test_who_is_born_later_works_no_shorter(birth: date, days: int, group: Group) -> None:
    later = birth + timedelta(days=days)
    assert oldest_months(later, AGES.tables[group]) >= oldest_months(birth, AGES.tables[group])
    assert last_day_of_age(later, AGES, group) >= last_day_of_age(birth, AGES, group)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-05-31", 6, "2026-11-30"),
        ("2025-08-31", 6, "2026-02-28"),
        ("2023-08-29", 6, "2024-02-29"),
        ("2026-06-01", 6, "2026-12-01"),
        ("2024-02-29", 72, "2030-02-28"),
        ("9998-06-01", 24, "9999-12-31"),
        ("2026-12-15", 0, "2026-12-15"),
        ("2026-12-15", 1, "2027-01-15"),
    ],
)
def test_a_period_of_months_ends_on_its_day_or_with_its_month(day: str, months: int, expected: str) -> None:
    assert months_later(date.fromisoformat(day), months).isoformat() == expected
