"""Who wants to be woken when: one heap and one task for all devices of a process, on the clock that they share.

A device that is woken too early just looks again, so entries are never searched for: an outdated one is skipped.
"""

import asyncio
import heapq
from itertools import count
from typing import Protocol

from weld.kit.clock import Clock

TURN = 200  # wakes in a row before others of the event loop get their turn


class Sleeper(Protocol):
    """Somebody with an appointment; `wakes_at` belongs to the agenda."""

    wakes_at: float | None

    def wake(self) -> None:
        """It is time, or nearly."""


class Agenda:
    """`agenda.at(when, sleeper)`; `run()` is the one task."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._number = count()
        self._sooner = asyncio.Event()
        self._sleeps_until = float("inf")

    def at(self, when_s: float, sleeper: Sleeper) -> None:
        """Wake this sleeper at this monotonic time; an earlier appointment of its own is replaced."""
        if sleeper.wakes_at == when_s:
            return
        sleeper.wakes_at = when_s
        heapq.heappush(self._heap, (when_s, next(self._number), sleeper))
        if when_s < self._sleeps_until:
            self._sooner.set()

    async def run(self) -> None:
        """Wakes everybody in time, until cancelled. An error of a sleeper ends it: better loud than half a fleet."""
        while True:
            self._sooner.clear()
            self._sleeps_until = await self._wake_due()
            await self._rest()
            self._sleeps_until = float("-inf")

    async def _wake_due(self) -> float:
        """Wakes who is due; when the next one is."""
        woken = 0
        while self._heap:
            when_s, _, sleeper = self._heap[0]
            if sleeper.wakes_at != when_s:
                heapq.heappop(self._heap)
                continue
            if when_s > self._clock.monotonic():
                return when_s
            heapq.heappop(self._heap)
            sleeper.wakes_at = None
            sleeper.wake()
            woken += 1
            if woken % TURN == 0:
                await asyncio.sleep(0)
        return float("inf")

    async def _rest(self) -> None:
        """Until the next appointment, or until somebody makes a sooner one."""
        if self._sleeps_until == float("inf"):
            await self._sooner.wait()
            return
        sleep = asyncio.ensure_future(self._clock.sleep(self._sleeps_until - self._clock.monotonic()))
        sooner = asyncio.ensure_future(self._sooner.wait())
        try:
            await asyncio.wait((sleep, sooner), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (sleep, sooner):  # not awaited: that would swallow a cancellation of our own
                each.cancel()
