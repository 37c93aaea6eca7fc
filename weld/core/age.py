"""Who is old enough and not too old for special work: at least 18, not above the statutory retirement age.

The retirement age rises step by step since 2025 (decision of 2024-09-13), so it is a table of dated rules, not a number.
Refuses to guess: an unknown date of birth is no reason against anybody; the register has to find it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class AgeRules:
    """The oldest age is `oldest_months` for who was born before `rising_from`; then it grows by a month for every
    `births_per_month` months of birth, up to `oldest_months_top`."""

    youngest_years: int
    oldest_months: int
    rising_from: date
    births_per_month: int
    oldest_months_top: int


def age_problem(birth: date | None, day: date, rules: AgeRules) -> Literal["under_age", "over_age"] | None:
    """Why somebody of this age may not do special work on this day, or None."""
    if birth is None:
        return None
    if _full_months(birth, day) < rules.youngest_years * 12:
        return "under_age"
    return "over_age" if _full_months(birth, day) > oldest_months(birth, rules) else None


def oldest_months(birth: date, rules: AgeRules) -> int:
    """The retirement age of somebody born then, in months."""
    later = (birth.year - rules.rising_from.year) * 12 + birth.month - rules.rising_from.month
    if later < 0:
        return rules.oldest_months
    return min(rules.oldest_months_top, rules.oldest_months + later // rules.births_per_month + 1)


def _full_months(birth: date, day: date) -> int:
    months = (day.year - birth.year) * 12 + day.month - birth.month
    return months if day.day >= birth.day else months - 1
