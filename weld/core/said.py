"""What a chip said, in the words of the rules: the part of a message that sessions and detection need.

Times are UTC milliseconds (`at_ms`, the corrected time where there is one) beside the chip's own `up_ms`; durations within a
boot use `up_ms`, because a clock may be set in the middle of a session. Refuses wire shapes and rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Literal, NamedTuple, TypeVar
from uuid import UUID

Number = TypeVar("Number", int, float)
Contact = Literal["open", "closed"]

# Below this a current is a pilot arc or leakage, not welding (chip-protocol.md, facts for the reference chip).
ARC_A = 15.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a thing was said, by both clocks, and its place in the stream."""

    boot: int
    seq: int
    up_ms: int
    at_ms: int


def elapsed_ms(since: Moment, until: Moment) -> int:
    """Milliseconds between two moments: by the monotonic clock within a boot, otherwise by the wall clock; never negative."""
    if since.boot == until.boot:
        return max(0, until.up_ms - since.up_ms)
    return max(0, until.at_ms - since.at_ms)


@dataclass(frozen=True, slots=True)
class Closed:
    """The contact closed under a session."""

    when: Moment
    session: UUID
    ticket: UUID | None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The contact opened."""

    when: Moment
    session: UUID | None
    reason: str


@dataclass(frozen=True, slots=True)
class Booted:
    """The chip started anew; `session` survived in flash."""

    when: Moment
    session: UUID | None
    contact: Contact | None


class Sampled(NamedTuple):
    """A run of samples that ends at `when`: [from_ms, when), what of it is known, and the sums over it.

    `arc_from_ms` and `arc_to_ms` bound the arc as closely as steps tell (UTC ms); None where none burned.
    """

    when: Moment
    from_ms: int
    from_up: int
    covered_ms: int
    arc_ms: int
    energy_wh: float
    peak_a: float | None
    contact: Contact | None
    session: UUID | None
    ticket: UUID | None
    arc_from_ms: int | None = None
    arc_to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ArcBegan:
    """A burst began at `began_ms` (UTC ms), with the contact as read back then."""

    when: Moment
    began_ms: int
    contact: Contact | None
    session: UUID | None
    peak_a: float | None


@dataclass(frozen=True, slots=True)
class Bypassed:
    """The chip itself says: current flows although the contact reads open."""

    when: Moment
    began_ms: int
    peak_a: float | None


Said = Closed | Opened | Booted | Sampled | ArcBegan | Bypassed


class Steps(NamedTuple):
    """The samples of one message: four lists of one length, None = unknown."""

    current_a: Sequence[float | None]
    peak_a: Sequence[float | None]
    voltage_v: Sequence[float | None]
    arc_ms: Sequence[int | None]


def sampled(
    when: Moment,
    span: tuple[int, int],
    steps: Steps,
    contact: Contact | None,
    session: UUID | None,
    ticket: UUID | None,
) -> Sampled:
    """The sums over a run of steps. `span` = (from_up, step_ms); energy is U times I over the known steps, in Wh."""
    from_up, step_ms = span
    from_ms = when.at_ms - max(0, when.up_ms - from_up)
    arc_ms = _known(steps.arc_ms)
    arc_from_ms, arc_to_ms = _bounds(from_ms, step_ms, steps.arc_ms) if any(arc_ms) else (None, None)
    return Sampled(
        when,
        from_ms,
        from_up,
        covered_ms=len(arc_ms) * step_ms,
        arc_ms=sum(arc_ms),
        energy_wh=_power_w(steps.current_a, steps.voltage_v) * step_ms / 3_600_000,
        peak_a=max(_known(steps.peak_a), default=None),
        contact=contact,
        session=session,
        ticket=ticket,
        arc_from_ms=arc_from_ms,
        arc_to_ms=arc_to_ms,
    )


def _known(values: Sequence[Number | None]) -> Sequence[Number]:
    """Without what is unknown; nearly always that is nothing."""
    if None in values:
        return [value for value in values if value is not None]
    return values  # type: ignore[return-value]  # None was ruled out above


def _power_w(current_a: Sequence[float | None], voltage_v: Sequence[float | None]) -> float:
    """The sum of U times I over the known steps."""
    if None in current_a or None in voltage_v:
        pairs = zip(current_a, voltage_v, strict=True)
        return sum(abs(a * v) for a, v in pairs if a is not None and v is not None)
    power: map[float] = map(mul, current_a, voltage_v)
    return sum(map(abs, power))


def _bounds(from_ms: int, step_ms: int, arc_ms: Sequence[int | None]) -> tuple[int, int]:
    """When the arc began and ended: it ran on to the end of its first step and from the beginning of its last one."""
    first, last = 0, len(arc_ms) - 1
    while not arc_ms[first]:
        first += 1
    while not arc_ms[last]:
        last -= 1
    began = from_ms + (first + 1) * step_ms - (arc_ms[first] or 0)
    ended = from_ms + last * step_ms + (arc_ms[last] or 0)
    return began, max(began, ended)
