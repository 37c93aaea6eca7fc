"""What a sensor is given (readings) and what it says (steps, and facts about arcs and its own health).

Holds shapes only; refuses to decide anything.
"""

from dataclasses import dataclass

from simulator.samples import Step

HOLDS_MS = 100  # how long a reading stands when no other follows: arc-recordings/README.md


@dataclass(frozen=True, slots=True)
class Reading:
    """What the registers showed at `up_ms`; it stands until the next reading, at most `holds_ms`. None = unknown."""

    up_ms: int
    current_a: float | None
    voltage_v: float | None
    holds_ms: int = HOLDS_MS


@dataclass(frozen=True, slots=True)
class ArcStarted:
    """Something burns, for the first time in over 2 s."""

    from_up: int
    peak_a: float


@dataclass(frozen=True, slots=True)
class ArcEnded:
    """The burst that began at `from_up` burned last at `to_up`, `arc_ms` in all."""

    from_up: int
    to_up: int
    arc_ms: int
    peak_a: float


@dataclass(frozen=True, slots=True)
class Frozen:
    """The registers stand still since `from_up`."""

    from_up: int
    current_a: float
    voltage_v: float | None


@dataclass(frozen=True, slots=True)
class FrozenOver:
    """The registers move again."""

    up_ms: int


@dataclass(frozen=True, slots=True)
class CutDone:
    """Everything before `up_ms` has been told."""

    up_ms: int


Word = Step | ArcStarted | ArcEnded | Frozen | FrozenOver | CutDone
