"""What a chip's sensor measures: a quiet machine, made-up welding with the noise of a real one, or a recording.

Made of seeded randomness, never of a clock: the device says until when readings are wanted. Refuses to know contacts: whether
current can flow is the device's business.
"""

import random
from dataclasses import dataclass, field

from simulator.recording import Recording
from simulator.samples import BURNING_A
from simulator.seen import Reading

# a quiet register need not be read often: each reading stands until the next, and current changes it at once
_QUIET_EVERY_MS = 10_000
_WELD_EVERY_MS = 100


@dataclass(slots=True)
class Source:
    """The readings of one machine, in order. `burned_ms` is how long current of at least 15 A was given out."""

    dice: random.Random
    given_up: int = 0
    burned_ms: int = 0
    _welds: list[tuple[int, int, float]] = field(default_factory=list)
    _played: list[Reading] = field(default_factory=list)

    def weld(self, from_up: int, for_ms: int, current_a: float) -> None:
        """Current for a while."""
        self._welds.append((from_up, from_up + for_ms, current_a))

    def play(self, recording: Recording, from_up: int) -> None:
        """A recording, its first row at `from_up`."""
        self._played = [
            Reading(from_up + reading.up_ms, reading.current_a, reading.voltage_v, reading.holds_ms)
            for reading in recording.readings
        ]

    @property
    def playing(self) -> bool:
        """Whether a recording still has rows to give."""
        return bool(self._played)

    def next_up(self, now_up: int) -> int:
        """When the next reading is worth taking."""
        if self._played:
            return max(now_up + 1, min(now_up + _WELD_EVERY_MS, self._played[0].up_ms))
        busy = any(start - _QUIET_EVERY_MS <= now_up < end for start, end, _ in self._welds)
        return now_up + (_WELD_EVERY_MS if busy else _QUIET_EVERY_MS)

    def until(self, up_ms: int, *, flows: bool) -> tuple[Reading, ...]:
        """The readings up to now; `flows`: current can reach the arc (contact closed, or bypassed)."""
        if self._played:
            return self._rows(up_ms)
        self._welds = [weld for weld in self._welds if weld[1] > self.given_up]
        readings = []
        while self.given_up + _WELD_EVERY_MS <= up_ms:
            at = self.given_up
            weld = next((w for w in self._welds if w[0] <= at < w[1]), None)
            current_a = weld[2] if weld is not None and flows else 0.0
            readings.append(self._reading(at, current_a))
            self.given_up += _WELD_EVERY_MS if self._welds else min(_QUIET_EVERY_MS, max(_WELD_EVERY_MS, up_ms - at))
        return tuple(readings)

    def _reading(self, at: int, current_a: float) -> Reading:
        if current_a == 0:
            quiet = _WELD_EVERY_MS if self._welds else _QUIET_EVERY_MS
            return Reading(at, 0.0, 0.0, quiet)
        noisy = max(BURNING_A + 1, self.dice.gauss(current_a, current_a * 0.06))
        self.burned_ms += _WELD_EVERY_MS
        return Reading(at, round(noisy, 1), round(self.dice.gauss(24.0, 1.0), 1), _WELD_EVERY_MS)

    def _rows(self, up_ms: int) -> tuple[Reading, ...]:
        count = sum(1 for reading in self._played if reading.up_ms <= up_ms)
        rows, self._played = tuple(self._played[:count]), self._played[count:]
        self.given_up = max(self.given_up, up_ms)
        return rows
