"""The time, handed to whoever needs it, so that a replay can make it run faster for a whole stack.

Holds the real clock and a scaled one. Refuses naive datetimes, and to run backwards or to stand still.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a process may know of time."""

    def now(self) -> datetime:
        """The time of day: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from some start; never jumps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that long on this clock."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScaledClock:
    """A time that starts where it is told to and runs `rate` seconds in one real second.

    One event loop uses it: a change of the rate wakes the sleepers of that loop, so that none sleeps at the old rate.
    """

    def __init__(
        self, start: datetime | None = None, rate: float = 1.0, real: Callable[[], float] = time.monotonic
    ) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the start of a clock must be an aware datetime")
        self._real = real
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._passed = 0.0  # stack seconds at the last change of the rate
        self._since = real()
        self._rate = _checked(rate)
        self._sleepers: set[asyncio.Event] = set()

    def set_rate(self, rate: float) -> None:
        """From this moment on `rate` seconds pass here in a real second; the time itself does not jump."""
        new = _checked(rate)
        self._passed, self._since = self.monotonic(), self._real()
        self._rate = new
        for sleeper in self._sleepers:
            sleeper.set()

    @property
    def rate(self) -> float:
        return self._rate

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._passed + (self._real() - self._since) * self._rate

    async def sleep(self, seconds: float) -> None:
        wake_at = self.monotonic() + seconds
        changed = asyncio.Event()
        self._sleepers.add(changed)
        try:
            while (left := wake_at - self.monotonic()) > 0:
                await _wait(changed, left / self._rate)
            if seconds <= 0:
                await asyncio.sleep(0)
        finally:
            self._sleepers.discard(changed)


class SteadyClock:
    """A clock that no jump of the machine's time of day moves: it goes on by monotonic time from where others agreed last."""

    def __init__(self, machine: Clock, most_off_s: float) -> None:
        self.off_s: float | None = None  # how far the machine's time of day is off, where that is too much
        self._machine = machine
        self._most_off_s = most_off_s
        self._wall, self._since = machine.now(), machine.monotonic()

    def compare(self, theirs: datetime) -> None:
        """Somebody whom everybody goes by says what time it is: the machine's word counts only where it agrees."""
        off_s = (self._machine.now() - theirs).total_seconds()
        self.off_s = None if abs(off_s) <= self._most_off_s else off_s
        if self.off_s is None:
            self._wall, self._since = self._machine.now(), self._machine.monotonic()

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=self._machine.monotonic() - self._since)

    def monotonic(self) -> float:
        return self._machine.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._machine.sleep(seconds)


async def _wait(changed: asyncio.Event, real_seconds: float) -> None:
    """Until the time is over or the rate changed, whichever is first."""
    try:
        async with asyncio.timeout(real_seconds):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()


def _checked(rate: float) -> float:
    if not 0 < rate < float("inf"):
        raise ValueError(f"the rate of a clock must be above 0, not {rate}")
    return rate
