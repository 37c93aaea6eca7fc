"""What a chip believes the wall time to be: its monotonic clock and an offset, and how good that offset is (P16).

Set by the platform's signed words only. Refuses times of which the wire has no word.
"""

from msgspec import Struct

from schemas.chip import Clock

FRESH_MS = 24 * 3600 * 1000  # a cheap crystal drifts about 2 s a day: after a day the offset is no longer called synced
LATEST_MS = 4_102_444_800_000  # schemas.chip.WallMs


class WallClock(Struct, frozen=True):
    """`offset_ms` is the wall time at which `up` was 0; `set_up` is when the platform last confirmed it in this boot."""

    offset_ms: int | None = None
    set_up: int | None = None

    def at(self, up_ms: int) -> int | None:
        """Wall time at this `up`; None while the clock is unset or shows what cannot be."""
        if self.offset_ms is None or not 0 <= self.offset_ms + up_ms <= LATEST_MS:
            return None
        return self.offset_ms + up_ms

    def quality(self, up_ms: int) -> Clock:
        """How far `at` may be trusted."""
        if self.at(up_ms) is None:
            return "unset"
        return "synced" if self.set_up is not None and up_ms - self.set_up <= FRESH_MS else "drifting"

    def stale_up(self, up_ms: int) -> int:
        """When the offset is no longer fresh; now, where it never was."""
        return up_ms if self.set_up is None else self.set_up + FRESH_MS + 1

    def set(self, offset_ms: int, up_ms: int) -> tuple["WallClock", int | None]:
        """The clock set by the platform, and by how much it jumped (None = it knew nothing before)."""
        jump_ms = None if self.offset_ms is None else offset_ms - self.offset_ms
        return WallClock(offset_ms, up_ms), jump_ms

    def disturbed(self, by_ms: int) -> "WallClock":
        """The clock after a fault of its hardware: it does not know that it is wrong."""
        return self if self.offset_ms is None else WallClock(self.offset_ms + by_ms, self.set_up)
