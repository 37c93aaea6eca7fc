"""By when an alert should have been taken up, and by when settled: counted from the moment it was raised, by its level.

Findings of the past and alerts that are settled have none, nor has level 4, which is a notice. Refuses to escalate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

State = Literal["open", "acknowledged", "closed"]

SIGN_WITHIN: Mapping[int, timedelta | None] = {
    1: timedelta(minutes=15),
    2: timedelta(hours=2),
    3: timedelta(hours=24),
    4: None,
}
CLOSE_WITHIN: Mapping[int, timedelta | None] = {
    1: timedelta(hours=2),
    2: timedelta(hours=24),
    3: timedelta(hours=72),
    4: None,
}
# Sorts behind every deadline.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """None: there is no such deadline."""

    sign_by: datetime | None
    close_by: datetime | None


def deadlines(*, level: int, raised_at: datetime, state: str, historical: bool) -> Deadlines:
    """Both deadlines of one alert."""
    if historical or state == "closed":
        return Deadlines(None, None)
    sign, close = SIGN_WITHIN[level], CLOSE_WITHIN[level]
    return Deadlines(raised_at + sign if sign else None, raised_at + close if close else None)


def following(found: Deadlines, state: str) -> datetime:
    """What has to happen next, and by when: signing, then settling; NEVER where nothing has to."""
    return (found.sign_by if state == "open" else found.close_by) or NEVER
