"""What a sensor is given (readings) and what it says (steps, and facts about arcs and its own health).

Holds shapes only; refuses to decide anything.
"""

from msgspec import Struct

from simulator.samples import Step

HOLDS_MS = 100  # how long a reading stands when no other follows: arc-recordings/README.md


class Reading(Struct, frozen=True):
    """What the registers showed at `up_ms`; it stands until the next reading, at most `holds_ms`. None = unknown."""

    up_ms: int
    current_a: float | None
    voltage_v: float | None
    holds_ms: int = HOLDS_MS


class ArcStarted(Struct, frozen=True):
    """Something burns, for the first time in over 2 s."""

    from_up: int
    peak_a: float


class ArcEnded(Struct, frozen=True):
    """The burst that began at `from_up` burned last at `to_up`, `arc_ms` in all."""

    from_up: int
    to_up: int
    arc_ms: int
    peak_a: float


class Frozen(Struct, frozen=True):
    """The registers stand still since `from_up`."""

    from_up: int
    current_a: float
    voltage_v: float | None


class FrozenOver(Struct, frozen=True):
    """The registers move again."""

    up_ms: int


class CutDone(Struct, frozen=True):
    """Everything before `up_ms` has been told."""

    up_ms: int


Word = Step | ArcStarted | ArcEnded | Frozen | FrozenOver | CutDone
