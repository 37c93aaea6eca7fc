"""From what a machine's current is drawn: samples, hours or days, by how long the span is. Refuses to read a clock or a store.

A year of a busy machine is some hundred thousand messages; whoever looks at a year sees a few hundred points. So long spans are
drawn from the rollups, which keep the largest sample of each hour and day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

Source = Literal["samples", "hours", "days"]

# The longest spans that are drawn from samples, and from hours.
SAMPLES = timedelta(days=3)
HOURS = timedelta(days=100)
# A machine's life as far as rollups of days are answered at once.
LONGEST = timedelta(days=800)


@dataclass(frozen=True, slots=True)
class Zoom:
    """From what a span is drawn. `together` hours or days make one point; samples are put together where they are read."""

    source: Source
    together: int


def zoom(since: datetime, until: datetime, points: int) -> Zoom:
    """The finest source that is read at once, in at most about so many points."""
    span = until - since
    if span <= SAMPLES:
        return Zoom("samples", 1)
    source: Source = "hours" if span <= HOURS else "days"
    step = timedelta(hours=1) if source == "hours" else timedelta(days=1)
    return Zoom(source, max(1, ceil(span / step / points)))


@dataclass(frozen=True, slots=True)
class Silence:
    """A span in which no message tells anything: neither a violation nor fine."""

    since: datetime
    until: datetime


def silences(told: list[tuple[datetime, datetime]], since: datetime, until: datetime) -> list[Silence]:
    """What is left of a span between what is told of, in order; `told` is in order of time."""
    found, reached = [], since
    for begins, ends in told:
        if reached < min(begins, until):
            found.append(Silence(reached, min(begins, until)))
        reached = max(reached, ends)
    if reached < until:
        found.append(Silence(reached, until))
    return found
