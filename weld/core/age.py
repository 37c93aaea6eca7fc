"""Who is old enough and not too old for special work: at least 18, not above the statutory retirement age.

The retirement age rises step by step since 2025 (decision of the NPC Standing Committee of 2024-09-13), so it is a table of
dated rules, not a number. Ages are counted to the day: on the day itself the age is reached and not yet passed.
Refuses to guess: an unknown date of birth is no reason against anybody; the register has to find it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from weld.core.months import months_later

# Men; women whose limit was 55 (cadres); women whose limit was 50 (workers).
Group = Literal["men", "women_55", "women_50"]


@dataclass(frozen=True, slots=True)
class Steps:
    """One table: `oldest_months` for who was born before `rising_from`; then it grows by a month for every
    `births_per_month` months of birth, up to `oldest_months_top`."""

    oldest_months: int
    rising_from: date
    births_per_month: int
    oldest_months_top: int


@dataclass(frozen=True, slots=True)
class AgeRules:
    """The ages in force on a day. Whose group the register does not know is judged by the table `unknown`."""

    youngest_years: int
    tables: Mapping[Group, Steps]
    unknown: Group


def age_problem(
    birth: date | None, day: date, rules: AgeRules, group: Group | None = None
) -> Literal["under_age", "over_age"] | None:
    """Why somebody of this age may not do special work on this day, or None."""
    if birth is None:
        return None
    if day < months_later(birth, rules.youngest_years * 12):
        return "under_age"
    return "over_age" if day > last_day_of_age(birth, rules, group) else None


def last_day_of_age(birth: date, rules: AgeRules, group: Group | None = None) -> date:
    """The day on which the retirement age is reached: the last one that is not above it."""
    return months_later(birth, oldest_months(birth, rules.tables[group or rules.unknown]))


def oldest_months(birth: date, steps: Steps) -> int:
    """The retirement age of somebody born then, in months."""
    later = (birth.year - steps.rising_from.year) * 12 + birth.month - steps.rising_from.month
    if later < 0:
        return steps.oldest_months
    return min(steps.oldest_months_top, steps.oldest_months + later // steps.births_per_month + 1)
