"""A day so many months later, as periods of the law run. Refuses to read a clock."""

from calendar import monthrange
from datetime import date


def months_later(day: date, months: int) -> date:
    """The same day of the month; where that month is too short its last day (Civil Code, Article 202).

    A period that leaves the calendar ends on the calendar's last day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
