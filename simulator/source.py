"""What the current sensor of a machine sees: standstill, made-up welding with the traits of a real arc, or a recording.

Gives readings when asked until when; times are milliseconds of the machine. Seeded randomness, no clock. `live` = current can
reach the electrode; a recording is imposed on the sensor and asks nobody.
"""

import random
from typing import Protocol

from simulator.recording import LAST_ROW_MS, Recording
from simulator.samples import BURNING_A
from simulator.seen import Reading

FOR_EVER_MS = 10**12
OPEN_CIRCUIT_V = 63.0
POLL_MS = 100
STEP_MS = 24  # as the recorded power source does; at most 100, or what is between two readings is a gap


class Source(Protocol):
    """What a device takes its readings from."""

    def take(self, until_ms: int, *, live: bool) -> list[Reading]:
        """The readings up to this moment, in order."""

    def next_ms(self, now_ms: int) -> int | None:
        """When asking again is worth it; None = only when the contact moves."""

    @property
    def end_ms(self) -> int | None:
        """When nothing more will come: the machine stands still from then on."""


class Idle:
    """Nobody welds: one reading that stands until something changes."""

    def __init__(self, from_ms: int) -> None:
        self._at_ms = from_ms
        self._told: bool | None = None

    def take(self, until_ms: int, *, live: bool) -> list[Reading]:
        if live is self._told:
            return []
        at_ms = self._at_ms if self._told is None else until_ms
        self._told = live
        return [Reading(at_ms, 0.0, OPEN_CIRCUIT_V if live else 0.0, FOR_EVER_MS)]

    def next_ms(self, now_ms: int) -> int | None:
        return now_ms if self._told is None else None

    @property
    def end_ms(self) -> int | None:
        return None


class Weld:
    """An arc with an ignition spike, noise, short circuits and short losses; without power nothing flows."""

    def __init__(
        self, from_ms: int, for_ms: int, current_a: float, dice: random.Random, step_ms: int = STEP_MS
    ) -> None:
        self._at_ms = from_ms
        self.end_ms = from_ms + for_ms
        self._mean_a = current_a
        self._dice = dice
        self._step_ms = step_ms
        self._cold = True
        self._drift = 0.0
        self._lost = 0

    def take(self, until_ms: int, *, live: bool) -> list[Reading]:
        readings = []
        while self._at_ms < min(self.end_ms, until_ms + 1):
            current_a, voltage_v = self._pair() if live else (0.0, 0.0)
            self._cold = not live
            length_ms = min(self._step_ms, self.end_ms - self._at_ms)
            readings.append(Reading(self._at_ms, current_a, voltage_v, length_ms))
            self._at_ms += self._step_ms
        return readings

    def next_ms(self, now_ms: int) -> int | None:
        return min(self.end_ms, max(self._at_ms, now_ms + min(POLL_MS, self._step_ms * 4)))

    def _pair(self) -> tuple[float, float]:
        """One measurement of a live arc. Two in a row are practically never the same, as in the recordings."""
        dice = self._dice
        if self._cold:
            return round(self._mean_a * 1.8, 1), 12.0
        if self._lost:
            self._lost -= 1
            return 0.0, round(68 + 3 * dice.random(), 1)
        if dice.random() < 0.004:
            self._lost = dice.randrange(3)
        self._drift = 0.8 * self._drift + dice.gauss(0, 0.03)
        short = 1.5 if dice.random() < 0.03 else 1.0
        current_a = max(BURNING_A + 1, self._mean_a * (1 + self._drift) * short)
        return round(current_a, 1), round((14 + 0.05 * current_a) / short + dice.gauss(0, 0.5), 1)


class Playback:
    """A recording as the sensor, row by row."""

    def __init__(self, from_ms: int, recording: Recording) -> None:
        self._from_ms = from_ms
        self._rows = recording.readings
        self._next = 0
        self.end_ms = from_ms + recording.duration_ms

    def take(self, until_ms: int, *, live: bool) -> list[Reading]:  # noqa: ARG002  (the shape of all sources)
        readings = []
        while self._next < len(self._rows) and self._rows[self._next].up_ms + self._from_ms <= until_ms:
            row = self._rows[self._next]
            at_ms = self._from_ms + row.up_ms
            holds_ms = min(row.holds_ms, LAST_ROW_MS) if self._next == len(self._rows) - 1 else row.holds_ms
            readings.append(Reading(at_ms, row.current_a, row.voltage_v, holds_ms))
            self._next += 1
        return readings

    def next_ms(self, now_ms: int) -> int | None:
        if self._next == len(self._rows):
            return self.end_ms
        return max(now_ms + POLL_MS, self._rows[self._next].up_ms + self._from_ms)
