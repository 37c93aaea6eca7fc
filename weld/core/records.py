"""Records that can be taken away as a table: which kinds there are, and what may be asked for together.

Refuses to know how they are stored and written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

What = Literal["sessions", "telemetry", "machine_hour", "machine_day", "division_day", "enterprise_day"]

# Sums over machines: no row is of one.
SUMS: Final[frozenset[What]] = frozenset({"division_day", "enterprise_day"})
# Whose midnight a day is that somebody asks for; the screens' figures have the same.
ZONE: Final = ZoneInfo("Asia/Shanghai")

_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of them, from when to when (the end is outside), and of which division or machine only."""

    what: What
    since: datetime
    until: datetime
    division: str | None = None
    plate: str | None = None

    def words(self) -> Mapping[str, object]:
        """As the audit keeps it."""
        told = {"division": self.division, "plate": self.plate}
        span = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return span | {name: value for name, value in told.items() if value is not None}


def fault(asked: Asked) -> str | None:
    """Why nothing can be given for this; None where something can."""
    if asked.since >= asked.until:
        return "since, until: in order"
    if asked.plate is not None and asked.what in SUMS:
        return f"plate: {asked.what} is of no machine"
    return None


def days(asked: Asked) -> tuple[date, date]:
    """The first and the last day that a span touches."""
    return asked.since.astimezone(ZONE).date(), (asked.until - _LEAST).astimezone(ZONE).date()
