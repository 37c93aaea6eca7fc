"""Order and coverage of one chip's stream: what is next, what is late, what is missing, what may be confirmed.

The key of a message is (boot, seq). For each of the newest boots a Track keeps the highest sequence number seen and the
ranges below it that are missing. Refuses to know contents or times: only keys.
"""

from dataclasses import dataclass, replace
from enum import Enum

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


@dataclass(frozen=True, slots=True)
class Track:
    """One boot: the highest seq seen (0 = none) and the missing ranges below it, ascending, both ends included."""

    boot: int
    top: int = 0
    gaps: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """All tracked boots, ascending. Empty for a chip that was never heard."""

    tracks: tuple[Track, ...] = ()

    @property
    def boot(self) -> int:
        """The newest boot, 0 for none."""
        return self.tracks[-1].boot if self.tracks else 0

    @property
    def seq(self) -> int:
        """The high-water mark of the newest boot, 0 for none."""
        return self.tracks[-1].top if self.tracks else 0


def place(progress: Progress, boot: int, seq: int) -> Place:
    """Where (boot, seq) stands."""
    if boot > progress.boot:
        return Place.NEXT
    track = _track(progress, boot)
    if track is None:
        return Place.UNTRACKED
    if seq > track.top:
        return Place.NEXT if boot == progress.boot else Place.LATE
    return Place.LATE if any(low <= seq <= high for low, high in track.gaps) else Place.SEEN


def cover(progress: Progress, boot: int, seq: int) -> Progress:
    """Progress after (boot, seq) was stored or put in quarantine; what it jumps over becomes missing."""
    if boot > progress.boot:
        progress = _new_boot(progress, boot)
    track = _track(progress, boot)
    if track is None:
        return progress
    if seq > track.top:
        gaps = track.gaps if seq == track.top + 1 else _bounded((*track.gaps, (track.top + 1, seq - 1)))
        return _with(progress, replace(track, top=seq, gaps=gaps))
    return _with(progress, replace(track, gaps=_cut(track.gaps, seq, seq)))


def forgo(progress: Progress, boot: int, low: int, high: int) -> Progress:
    """Progress after a range was declared lost or unreadable: nobody waits for it any more."""
    track = _track(progress, boot)
    if track is None:
        return progress
    if high > track.top:  # a loss reported before anything behind it was seen
        progress = cover(progress, boot, high)
        track = _track(progress, boot)
        assert track is not None  # noqa: S101  (cover never removes a boot that it was given)
    return _with(progress, replace(track, gaps=_cut(track.gaps, low, high)))


def confirmed(progress: Progress, boot: int) -> int:
    """Every seq up to this one is stored, in quarantine or declared lost (P13); 0 where nothing is."""
    track = _track(progress, boot)
    if track is None:
        return 0
    return track.gaps[0][0] - 1 if track.gaps else track.top


def missing(progress: Progress) -> list[tuple[int, int, int]]:
    """All holes as (boot, from_seq, to_seq)."""
    return [(track.boot, low, high) for track in progress.tracks for low, high in track.gaps]


def _track(progress: Progress, boot: int) -> Track | None:
    for track in reversed(progress.tracks):
        if track.boot == boot:
            return track
    return None


def _with(progress: Progress, changed: Track) -> Progress:
    return Progress(tuple(changed if track.boot == changed.boot else track for track in progress.tracks))


def _new_boot(progress: Progress, boot: int) -> Progress:
    """Boots that were skipped get an empty track: whatever they said is still to come."""
    first = max(progress.boot + 1, boot - TRACKED_BOOTS + 1) if progress.tracks else boot
    tracks = (*progress.tracks, *(Track(number) for number in range(first, boot + 1)))
    return Progress(tracks[-TRACKED_BOOTS:])


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
