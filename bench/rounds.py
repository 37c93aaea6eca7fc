"""One round: load against a contender for some seconds, and what came of it.

The loop is closed at the far end: the publisher may be so many messages ahead of what the contender has *committed*, so that
neither can win by filling the broker's queue. Refuses to know the contenders.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench import usage
from bench.feeder import Feeder

# How far the publisher may be ahead: the inbox, the largest batch while the last one commits, and a queue beyond. With half of
# it the product was a fifth slower.
AHEAD = 60_000
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round measured. `cpu_us` is CPU microseconds a message, by process."""

    rate: float
    messages: int
    seconds: float
    cpu_us: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Course:
    """A feeder against a contender. `total` is what that has finished of all feeders; only one of them runs at a time."""

    feeder: Feeder
    total: Callable[[], int]
    processes: Mapping[str, int]
    ahead: int = AHEAD
    _others: int = 0

    def run(self, warm_s: float, seconds: float) -> Outcome:
        """As fast as it goes; ends with everything sent also done."""
        self._begin()
        self._push(warm_s)
        began_s, before, used = time.monotonic(), self.done(), usage.cpu_of(self.processes)
        outcome = self._outcome(began_s, before, used, self._push(seconds))
        self.drain()
        return outcome

    def reach(self, count: int) -> Outcome:
        """As fast as it goes until so many are done in all."""
        self._begin()
        began_s, before, used = time.monotonic(), self.done(), usage.cpu_of(self.processes)
        while self.done() < count:
            self.feeder.allow(min(count, self.done() + self.ahead))
            time.sleep(_LOOK_S)
        return self._outcome(began_s, before, used, self.done())

    def paced(self, rate: float, seconds: float) -> Outcome:
        """So many messages a second; ends with everything sent also done."""
        self._begin()
        began_s, before, used = time.monotonic(), self.done(), usage.cpu_of(self.processes)
        self.feeder.pace(rate)
        time.sleep(seconds)
        self.drain()
        return self._outcome(began_s, before, used, self.done())

    def done(self) -> int:
        """Messages of this feeder that are finished."""
        return self.total() - self._others

    def drain(self, within_s: float = 120) -> None:
        """No more is sent; wait until all that was is done."""
        self.feeder.pace(0)
        until_s = time.monotonic() + within_s
        while (sent := self.feeder.report()["sent"]) != (done := self.done()):
            if time.monotonic() > until_s:
                raise RuntimeError(f"{sent} messages were sent, {done} are done after {within_s:.0f} s")
            time.sleep(0.05)

    def _begin(self) -> None:
        self._others = self.total() - self.feeder.report()["sent"]

    def _push(self, seconds: float) -> int:
        until_s, done = time.monotonic() + seconds, self.done()
        while time.monotonic() < until_s:
            self.feeder.allow(done + self.ahead)
            time.sleep(_LOOK_S)
            done = self.done()
        return done

    def _outcome(self, began_s: float, before: int, used: Mapping[str, float], after: int) -> Outcome:
        lasted_s, spent, messages = time.monotonic() - began_s, usage.cpu_of(self.processes), after - before
        cpu_us = {name: round((spent[name] - used[name]) * 1e6 / max(1, messages), 2) for name in used}
        return Outcome(round(messages / lasted_s, 1), messages, round(lasted_s, 2), cpu_us)
