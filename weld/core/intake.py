"""Order and coverage of one chip's stream: what is next, what is late, what is missing, what may be confirmed.

The key of a message is (boot, seq). For each of the newest boots it keeps the highest sequence number seen and the ranges
below it that are missing. Refuses to know contents or times: only keys.
"""

from enum import Enum
from typing import NamedTuple

# More boots than this are a boot loop; older ones are then looked up in the store.
TRACKED_BOOTS = 8
# More holes than this in one boot are merged: a merged range may hold stored messages, which the store recognises.
MOST_GAPS = 64

Range = tuple[int, int]


class Place(Enum):
    """Where a message stands in its chip's stream."""

    NEXT = "next"  # above everything seen: certainly new, folds live
    LATE = "late"  # in a known hole, or in the unseen tail of an earlier boot: new unless the store has it
    SEEN = "seen"  # at or below the high-water mark and in no hole: a repetition, or a conflict
    UNTRACKED = "untracked"  # of a boot too old to be remembered: only the store knows


class Track(NamedTuple):
    """One boot: the highest seq seen (0 = none) and the missing ranges below it, ascending, both ends included."""

    boot: int
    seq: int = 0
    gaps: tuple[Range, ...] = ()


class Progress(NamedTuple):
    """The newest boot (0 = never heard) with its coverage, and the boots before it, ascending."""

    boot: int = 0
    seq: int = 0
    gaps: tuple[Range, ...] = ()
    older: tuple[Track, ...] = ()


def place(progress: Progress, boot: int, seq: int) -> Place:
    """Where (boot, seq) stands."""
    if boot == progress.boot:
        return Place.NEXT if seq > progress.seq else _within(progress.gaps, seq)
    if boot > progress.boot:
        return Place.NEXT
    track = _track(progress, boot)
    if track is None:
        return Place.UNTRACKED
    return Place.LATE if seq > track.seq else _within(track.gaps, seq)


def cover(progress: Progress, boot: int, seq: int) -> Progress:
    """Progress after (boot, seq) was stored or put in quarantine; what it jumps over becomes missing."""
    if seq == progress.seq + 1 and boot == progress.boot:
        return Progress(boot, seq, progress.gaps, progress.older)
    if boot > progress.boot:
        progress = _new_boot(progress, boot)
    track = _track(progress, boot)
    if track is None:
        return progress
    if seq > track.seq:
        gaps = track.gaps if seq == track.seq + 1 else _bounded((*track.gaps, (track.seq + 1, seq - 1)))
        return _with(progress, Track(boot, seq, gaps))
    return _with(progress, track._replace(gaps=_cut(track.gaps, seq, seq)))


def forgo(progress: Progress, boot: int, low: int, high: int) -> Progress:
    """Progress after a range was declared lost or unreadable: nobody waits for it any more."""
    track = _track(progress, boot)
    if track is None:
        return progress
    if high > track.seq:  # a loss reported before anything behind it was seen
        progress = cover(progress, boot, high)
        track = _track(progress, boot)
        assert track is not None  # noqa: S101  (cover never removes a boot that it was given)
    return _with(progress, track._replace(gaps=_cut(track.gaps, low, high)))


def confirmed(progress: Progress, boot: int) -> int:
    """Every seq up to this one is stored, in quarantine or declared lost (P13); 0 where nothing is."""
    track = _track(progress, boot)
    if track is None:
        return 0
    return track.gaps[0][0] - 1 if track.gaps else track.seq


def is_tracked(progress: Progress, boot: int) -> bool:
    """Whether the coverage of this boot is known without the store."""
    return _track(progress, boot) is not None


def missing(progress: Progress) -> list[tuple[int, int, int]]:
    """All holes as (boot, from_seq, to_seq)."""
    tracks = (*progress.older, _newest(progress))
    return [(track.boot, low, high) for track in tracks for low, high in track.gaps]


def missing_messages(progress: Progress) -> int:
    """How many messages the holes hold, as far as 32 bits tell."""
    return min(2**31 - 1, sum(high - low + 1 for _, low, high in missing(progress)))


def _within(gaps: tuple[Range, ...], seq: int) -> Place:
    return Place.LATE if any(low <= seq <= high for low, high in gaps) else Place.SEEN


def _newest(progress: Progress) -> Track:
    return Track(progress.boot, progress.seq, progress.gaps)


def _track(progress: Progress, boot: int) -> Track | None:
    if boot == progress.boot:
        return _newest(progress) if boot else None
    return next((track for track in reversed(progress.older) if track.boot == boot), None)


def _with(progress: Progress, changed: Track) -> Progress:
    if changed.boot == progress.boot:
        return Progress(changed.boot, changed.seq, changed.gaps, progress.older)
    older = tuple(changed if track.boot == changed.boot else track for track in progress.older)
    return progress._replace(older=older)


def _new_boot(progress: Progress, boot: int) -> Progress:
    """Boots that were skipped get an empty track: whatever they said is still to come."""
    if not progress.boot:
        return Progress(boot)
    first = max(progress.boot + 1, boot - TRACKED_BOOTS + 1)
    older = (*progress.older, _newest(progress), *(Track(number) for number in range(first, boot)))
    return Progress(boot, 0, (), older[-(TRACKED_BOOTS - 1) :])


def _cut(gaps: tuple[Range, ...], low: int, high: int) -> tuple[Range, ...]:
    kept: list[Range] = []
    for start, end in gaps:
        if end < low or start > high:
            kept.append((start, end))
            continue
        if start < low:
            kept.append((start, low - 1))
        if end > high:
            kept.append((high + 1, end))
    return _bounded(tuple(kept))


def _bounded(gaps: tuple[Range, ...]) -> tuple[Range, ...]:
    """At most MOST_GAPS ranges: the two closest neighbours become one."""
    while len(gaps) > MOST_GAPS:
        near = min(range(len(gaps) - 1), key=lambda i: gaps[i + 1][0] - gaps[i][1])
        gaps = (*gaps[:near], (gaps[near][0], gaps[near + 1][1]), *gaps[near + 2 :])
    return gaps
