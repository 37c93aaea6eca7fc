"""The plan of the made-up day: what time it is there, who is at which machine, whose plug is pulled.

Runs `speed` times as fast as the real day and skips the dead of night. Only the plan does: tickets, deadlines and arcs keep
the real time. Pure, but for the clock that is handed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from weld.cli.demo.city import Crew, Shift
from weld.kit.clock import Clock

BEGINS_H = 7.5  # the plan's first moment
_FROM_H, _TO_H = 6.0, 23.0  # between two days nobody works, so nobody waits for it


@dataclass(frozen=True)
class Day:
    """The plan's clock, from the moment that it was made."""

    clock: Clock
    speed: float
    since_s: float

    @property
    def hour(self) -> float:
        """The time of day there, in hours."""
        passed_h = (self.clock.monotonic() - self.since_s) * self.speed / 3600
        return _FROM_H + (BEGINS_H - _FROM_H + passed_h) % (_TO_H - _FROM_H)

    @property
    def shown(self) -> str:
        """The time of day there, as a clock shows it."""
        minutes = int(self.hour * 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    def real_s(self, plan_minutes: float, least_s: float) -> float:
        """How long so many minutes of the plan take here; never less than a person needs."""
        return max(least_s, plan_minutes * 60 / self.speed)

    async def sleep(self, plan_minutes: float, least_s: float = 1.0) -> None:
        """Wait for so many minutes of the plan."""
        await self.clock.sleep(self.real_s(plan_minutes, least_s))


def on_shift(crew: Crew, hour: float) -> Shift | None:
    """Whose turn it is at a crew's machine."""
    return next((shift for shift in crew.shifts if shift.since_h <= hour < shift.until_h), None)


def is_unplugged(crew: Crew, hour: float) -> bool:
    """Whether the crew has pulled the plug: some do when they go for longer than a coffee."""
    soon = any(shift.since_h - 0.2 <= hour < shift.until_h + 0.2 for shift in crew.shifts)
    return crew.unplugs and not soon


def is_within(spans: Iterable[tuple[float, float]], hour: float) -> bool:
    """Whether the hour lies in one of these."""
    return any(since <= hour < until for since, until in spans)
