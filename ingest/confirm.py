"""What chips are told about their own stream: `stored` (P13) and `resend` (P14), and when.

A book of due times in memory; nothing is lost with it, because chips repeat what nobody confirmed. Refuses signing, sending
and clocks.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from weld.core import intake
from weld.core.intake import Progress

MOST_RESENDS = 3
# A backlog is confirmed at once, but not before its burst is over.
_BURST_S = 0.2


class Gap(NamedTuple):
    """A hole in a chip's stream."""

    chip: str
    boot: int
    low: int
    high: int


@dataclass(slots=True)
class _Asked:
    times: int
    next_s: float
    heard_s: float


class Confirmations:
    """When each chip gets its next `stored`, and for which boots."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._due: list[tuple[float, str]] = []
        self._boots: dict[str, set[int]] = {}
        self._last: dict[str, float] = {}

    def heard(self, chip: str, boots: Iterable[int], now_s: float) -> None:
        """Messages of these boots were stored: confirm soon, at most once in `every_s`."""
        waiting = self._boots.setdefault(chip, set())
        if not waiting:
            last_s = self._last.get(chip, float("-inf"))
            heapq.heappush(self._due, (max(now_s + _BURST_S, last_s + self._every_s), chip))
        waiting.update(boots)

    def due(self, now_s: float) -> list[tuple[str, set[int]]]:
        """The chips to confirm now, each with its boots."""
        ready = []
        while self._due and self._due[0][0] <= now_s:
            _, chip = heapq.heappop(self._due)
            self._last[chip] = now_s
            ready.append((chip, self._boots.pop(chip, set())))
        return ready


class Resends:
    """Which gaps are asked for, and which are given up after three times."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._gaps: dict[Gap, _Asked] = {}
        self._of: dict[str, set[Gap]] = {}

    def heard(self, chip: str, progress: Progress, now_s: float) -> None:
        """The gaps of a chip after a batch: new ones wait for `after_s`, filled ones are forgotten."""
        gaps = {Gap(chip, *hole) for hole in intake.missing(progress)}
        for gap in self._of.get(chip, set()) - gaps:
            self._gaps.pop(gap, None)
        for gap in gaps:
            asked = self._gaps.setdefault(gap, _Asked(0, now_s + self._after_s, now_s))
            asked.heard_s = now_s
        if gaps:
            self._of[chip] = gaps
        else:
            self._of.pop(chip, None)

    def due(self, now_s: float, most: int = 200) -> tuple[list[Gap], list[Gap]]:
        """(gaps to ask for now, gaps to give up). Only chips that were heard since the last question count as having failed."""
        ask: list[Gap] = []
        give_up: list[Gap] = []
        for gap, asked in self._gaps.items():
            if asked.next_s > now_s or len(ask) >= most:
                continue
            if asked.times and asked.heard_s <= asked.next_s - self._wait_s(asked.times):
                asked.next_s = now_s + self._after_s
            elif asked.times >= MOST_RESENDS:
                give_up.append(gap)
            else:
                ask.append(gap)
                asked.times += 1
                asked.next_s = now_s + self._wait_s(asked.times)
        return ask, give_up

    def forget(self, chips: Iterable[str]) -> None:
        """These chips are another worker's now."""
        for chip in chips:
            for gap in self._of.pop(chip, set()):
                self._gaps.pop(gap, None)

    def _wait_s(self, times: int) -> float:
        return self._after_s * 2.0**times
