"""Whole outages: when chips go offline by the hundred at once, that is one thing that happened, not hundreds of things.

Judged over the chips that were online, each group of shards against its own past, so that a group that nobody watches for
a moment counts neither then nor now. Refuses to know why they are gone: a carrier, a grid, a border line; people find out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

# O01: the number of chips online falls by more than this part in this time (domain.md section 8) ...
FALL = 0.3
WINDOW_MS = 10 * 60_000
# ... and it is no handful: a site that packs up at noon is not an outage.
LEAST_LOST = 30

# It is over when this part of the former share is back. Not all: some went home meanwhile.
BACK = 0.85


@dataclass(frozen=True, slots=True)
class Count:
    """The chips of a group of shards and how many were online.

    Counts of different eras are not compared: between them nobody watched.
    """

    chips: int
    online: int
    era: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What all watched groups counted at one moment (UTC ms)."""

    at_ms: int
    counts: Mapping[str, Count]

    def total(self, groups: Collection[str]) -> Count:
        """These groups together."""
        counts = [self.counts[group] for group in groups]
        return Count(sum(one.chips for one in counts), sum(one.online for one in counts))


@dataclass(frozen=True, slots=True)
class Fall:
    """When it was still well (UTC ms), what was online then, and what is left."""

    since_ms: int
    before: Count
    now: Count


def fallen(past: Collection[Sample], now: Sample) -> Fall | None:
    """The deepest fall within the window, where it is an outage; of equal ones the latest moment before it."""
    found = [_compared(then, now) for then in past if 0 < now.at_ms - then.at_ms <= WINDOW_MS]
    deep = [fall for fall in found if _is_outage(fall.before.online, fall.now.online)]
    return min(deep, key=lambda fall: (fall.now.online / fall.before.online, -fall.since_ms), default=None)


def is_back(before: Count, now: Sample) -> bool:
    """Whether the share is what it was, as far as most chips are watched again."""
    total = now.total(now.counts)
    return 2 * total.chips >= before.chips and total.online * before.chips >= BACK * before.online * total.chips


def remember(past: Collection[Sample], now: Sample) -> tuple[Sample, ...]:
    """The samples that may still matter, the oldest first."""
    return (*(then for then in past if 0 < now.at_ms - then.at_ms <= WINDOW_MS), now)


def _compared(then: Sample, now: Sample) -> Fall:
    groups = [name for name, count in now.counts.items() if (old := then.counts.get(name)) and old.era == count.era]
    return Fall(then.at_ms, then.total(groups), now.total(groups))


def _is_outage(before: int, now: int) -> bool:
    return before - now >= LEAST_LOST and now < (1 - FALL) * before
