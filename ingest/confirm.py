"""What chips are told about their own stream: `stored` (P13) and `resend` (P14), and when.

A book of due times in memory; nothing is lost with it, because chips repeat what nobody confirmed. Refuses signing, sending
and clocks.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import NamedTuple

from weld.core import intake
from weld.core.intake import Progress

MOST_RESENDS = 3
# A backlog is confirmed at once, but not before its burst is over.
_BURST_S = 0.2
# Turns come in steps of this.
_TICK_S = 0.1


class Gap(NamedTuple):
    """A hole in a chip's stream."""

    chip: str
    boot: int
    low: int
    high: int


class Due(NamedTuple):
    """A chip whose turn it is, where it is heard, and which boots it spoke of."""

    shard: str
    chip: str
    boots: tuple[int, ...]


@dataclass(slots=True)
class _Asked:
    shard: str
    times: int
    next_s: float
    heard_s: float


class Confirmations:
    """When each chip gets its next `stored`, and for which boots: at most once in `every_s`, who waits longest first.

    Each costs a signature. After an outage all chips have something to be told at once; no more than `most_a_s` leave in a
    second, so that telling never takes the time that storing needs. A chip that waits meanwhile is told once, about everything.
    """

    def __init__(self, every_s: float, most_a_s: int) -> None:
        self._every_s = every_s
        self._most_a_s = most_a_s
        self._waiting: dict[str, dict[str, tuple[int, ...]]] = {}  # by shard: the boots that each chip spoke of
        self._wheel: dict[int, dict[str, list[str]]] = {}  # whose turn comes in which tick, by shard
        self._turn: deque[tuple[float, str, list[str]]] = deque()  # whose turn has come: since when, and their shard
        self._tick: int | None = None  # the next one to look at
        self._told: dict[str, float] = {}
        self._order: deque[tuple[float, str]] = deque()  # of those told, the oldest first: forgotten after `every_s`
        self._allowance = 0.0
        self._looked_s: float | None = None

    def __len__(self) -> int:
        return sum(len(chips) for chips in self._waiting.values())

    def heard(self, shard: str, chip: str, boots: Collection[int], now_s: float) -> None:
        """Messages of these boots were stored: confirm soon."""
        waiting = self._waiting.setdefault(shard, {})
        known = waiting.get(chip)
        if known is None:
            told_s = self._told.get(chip)
            soon_s = now_s + _BURST_S
            due_s = soon_s if told_s is None else max(soon_s, told_s + self._every_s)
            tick = max(ceil(due_s / _TICK_S), self._tick or 0)
            self._wheel.setdefault(tick, {}).setdefault(shard, []).append(chip)
            waiting[chip] = _common(tuple(boots))
        elif known != boots:
            waiting[chip] = _common(tuple({*known, *boots}))

    def due(self, now_s: float) -> list[Due]:
        """The chips to confirm now."""
        self._forget(now_s)
        self._advance(now_s)
        passed_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        self._looked_s = now_s
        self._allowance = min(self._most_a_s, self._allowance + passed_s * self._most_a_s)
        ready = []
        while self._turn and self._allowance >= 1:
            _, shard, chips = self._turn[0]
            chip = chips.pop()
            if not chips:
                self._turn.popleft()
            boots = self._waiting.get(shard, {}).pop(chip, None)
            if boots is None:  # its shard was another worker's in between
                continue
            self._allowance -= 1
            self._told[chip] = now_s
            self._order.append((now_s, chip))
            ready.append(Due(shard, chip, boots))
        return ready

    def age_s(self, now_s: float) -> float:
        """How long the chip has waited that is next: 0 where nobody waits beyond the time."""
        return max(0.0, now_s - self._turn[0][0]) if self._turn else 0.0

    def forget(self, shard: str) -> None:
        """The chips of this shard are another worker's now."""
        self._waiting.pop(shard, None)

    def _advance(self, now_s: float) -> None:
        """Let the turn come of all whose tick is over."""
        now = int(now_s / _TICK_S)
        for tick in sorted(tick for tick in self._wheel if tick <= now):
            self._turn.extend((tick * _TICK_S, shard, chips) for shard, chips in self._wheel.pop(tick).items())
        self._tick = now + 1

    def _forget(self, now_s: float) -> None:
        while self._order and self._order[0][0] + self._every_s <= now_s:
            told_s, chip = self._order.popleft()
            if self._told.get(chip) == told_s:
                del self._told[chip]


@lru_cache(maxsize=4096)
def _common(boots: tuple[int, ...]) -> tuple[int, ...]:
    """One tuple for all chips that spoke of the same boots: most of a million speak of one with a low number."""
    return boots


class Resends:
    """Which gaps are asked for, and which are given up after three times."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._gaps: dict[Gap, _Asked] = {}
        self._of: dict[str, set[Gap]] = {}

    def __len__(self) -> int:
        return len(self._gaps)

    def __contains__(self, chip: str) -> bool:
        return chip in self._of

    def heard(self, shard: str, chip: str, progress: Progress, now_s: float) -> None:
        """The gaps of a chip after a batch: new ones wait for `after_s`, filled ones are forgotten."""
        gaps = {Gap(chip, *hole) for hole in intake.missing(progress)}
        for gap in self._of.get(chip, set()) - gaps:
            self._gaps.pop(gap, None)
        for gap in gaps:
            asked = self._gaps.setdefault(gap, _Asked(shard, 0, now_s + self._after_s, now_s))
            asked.heard_s = now_s
        if gaps:
            self._of[chip] = gaps
        else:
            self._of.pop(chip, None)

    def due(self, now_s: float, most: int = 200) -> tuple[list[tuple[str, Gap]], list[tuple[str, Gap]]]:
        """(gaps to ask for now, gaps to give up), each with its shard. A chip that was not heard since has not failed."""
        ask: list[tuple[str, Gap]] = []
        give_up: list[tuple[str, Gap]] = []
        for gap, asked in self._gaps.items():
            if asked.next_s > now_s or len(ask) >= most:
                continue
            if asked.times and asked.heard_s <= asked.next_s - self._wait_s(asked.times):
                asked.next_s = now_s + self._after_s
            elif asked.times >= MOST_RESENDS:
                give_up.append((asked.shard, gap))
            else:
                ask.append((asked.shard, gap))
                asked.times += 1
                asked.next_s = now_s + self._wait_s(asked.times)
        return ask, give_up

    def forget(self, shard: str) -> None:
        """The chips of this shard are another worker's now."""
        for gap in [gap for gap, asked in self._gaps.items() if asked.shard == shard]:
            self._of.pop(gap.chip, None)
            del self._gaps[gap]

    def _wait_s(self, times: int) -> float:
        return self._after_s * 2.0**times
