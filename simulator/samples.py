"""What the sensor measured in one step of time, and how steps are packed into telemetry messages.

Holds sums, so that steps can be joined without losing anything; refuses to know when a message is due and what a message is.
"""

from msgspec import Struct
from msgspec.structs import replace

BURNING_A = 15.0  # chip-protocol.md: pilot arcs are below 15 A
LONGEST_STEP_MS = 600_000  # the wire's limit for `step_ms`
SHORTEST_STEP_MS = 10  # and its lower one
MOST_SAMPLES = 120  # a message: far below the 16 KiB of the wire, also with long numbers
JOIN_QUIET_MS = 60_000  # a quiet stretch of this length needs no second by second


class Step(Struct, frozen=True):
    """The sums over [from_up, to_up). What is not in `known_ms` is unknown, which is not 0."""

    from_up: int
    to_up: int
    known_ms: int = 0
    amp_ms: float = 0.0
    peak_a: float | None = None
    volt_known_ms: int = 0
    volt_ms: float = 0.0
    arc_ms: int = 0
    watt_ms: float = 0.0

    @property
    def length_ms(self) -> int:
        return self.to_up - self.from_up

    @property
    def known(self) -> bool:
        """Half of it was seen, or something burned: a step that was hardly seen must not be told as a quiet one."""
        return self.arc_ms > 0 or 0 < self.length_ms <= 2 * self.known_ms

    @property
    def quiet(self) -> bool:
        return self.arc_ms == 0

    @property
    def current_a(self) -> float | None:
        return round(self.amp_ms / self.known_ms, 1) if self.known else None

    @property
    def voltage_v(self) -> float | None:
        return round(self.volt_ms / self.volt_known_ms, 1) if self.known and self.volt_known_ms else None

    def joined(self, later: "Step") -> "Step":
        """This step and the one right after it as one."""
        peaks = [peak for peak in (self.peak_a, later.peak_a) if peak is not None]
        return Step(
            self.from_up,
            later.to_up,
            self.known_ms + later.known_ms,
            self.amp_ms + later.amp_ms,
            max(peaks, default=None),
            self.volt_known_ms + later.volt_known_ms,
            self.volt_ms + later.volt_ms,
            self.arc_ms + later.arc_ms,
            self.watt_ms + later.watt_ms,
        )


class Batch(Struct, frozen=True):
    """Steps of one length without a hole: the samples of one telemetry message."""

    steps: tuple[Step, ...]

    @property
    def from_up(self) -> int:
        return self.steps[0].from_up

    @property
    def step_ms(self) -> int:
        return self.steps[0].length_ms


def pack(steps: tuple[Step, ...]) -> tuple[tuple[Batch, ...], tuple[Step, ...]]:
    """The batches that cover these steps completely, and what is too short to be told yet (it belongs to the next pack)."""
    rest: tuple[Step, ...] = ()
    joined = _lengthened(_quiet_joined(steps))
    if joined and joined[-1].length_ms < SHORTEST_STEP_MS:
        rest = (joined.pop(),)
    batches: list[list[Step]] = []
    for step in joined:
        last = batches[-1] if batches else []
        if last and last[0].length_ms == step.length_ms and len(last) < MOST_SAMPLES:
            last.append(step)
        else:
            batches.append([step])
    return tuple(Batch(tuple(batch)) for batch in batches), rest


def _quiet_joined(steps: tuple[Step, ...]) -> list[Step]:
    """Long stretches in which nothing burned as few long steps; shorter ones stay as they are."""
    joined: list[Step] = []
    stretch: list[Step] = []
    for step in steps:
        if stretch and not _alike(stretch[-1], step):
            joined += _one_if_long(stretch)
            stretch = []
        stretch.append(step)
    return joined + _one_if_long(stretch)


def _alike(one: Step, other: Step) -> bool:
    return one.quiet and other.quiet and one.known == other.known


def _one_if_long(stretch: list[Step]) -> list[Step]:
    if len(stretch) < 2 or not stretch[0].quiet or stretch[-1].to_up - stretch[0].from_up < JOIN_QUIET_MS:
        return stretch
    long = [stretch[0]]
    for step in stretch[1:]:
        if step.to_up - long[-1].from_up <= LONGEST_STEP_MS:
            long[-1] = long[-1].joined(step)
        else:
            long.append(step)
    return long


def _lengthened(steps: list[Step]) -> list[Step]:
    """Steps that are too short for the wire joined to a neighbour."""
    fit: list[Step] = []
    for step in steps:
        short = bool(fit) and min(step.length_ms, fit[-1].length_ms) < SHORTEST_STEP_MS
        if short and step.to_up - fit[-1].from_up <= LONGEST_STEP_MS:
            fit[-1] = fit[-1].joined(step)
        else:
            fit.append(step)
    return fit


def grown(step: Step, to_up: int, current_a: float | None, voltage_v: float | None) -> Step:
    """The step, longer by a stretch of one reading; None as current = nothing is known of that stretch."""
    if current_a is None:
        return replace(step, to_up=to_up)
    more_ms = to_up - step.to_up
    volts_ms = 0 if voltage_v is None else more_ms
    volts = voltage_v or 0.0
    return Step(
        step.from_up,
        to_up,
        step.known_ms + more_ms,
        step.amp_ms + current_a * more_ms,
        current_a if step.peak_a is None or current_a > step.peak_a else step.peak_a,
        step.volt_known_ms + volts_ms,
        step.volt_ms + volts * volts_ms,
        step.arc_ms + (more_ms if current_a >= BURNING_A else 0),
        step.watt_ms + current_a * volts * volts_ms,
    )
