"""From readings of current and voltage to what the chip knows: steps of a second, arcs, and a register that stands still.

The definitions are those of shared/data/arc-recordings/README.md: a reading stands until the next one, at most 0.1 s (the
rest is a gap: unknown); it burns from 15 A; a burst is burning with pauses of at most 2 s, gaps included; one non-zero pair
for more than 1 s is a frozen register from its first reading on. So a stretch is told only once it is decided: when the
pair changes, or when it has stood for more than 1 s. Refuses to know contacts, sessions, tickets and any clock.
"""

import math

from msgspec import Struct
from msgspec.structs import replace

from simulator.samples import BURNING_A, JOIN_QUIET_MS, LONGEST_STEP_MS, Step, grown
from simulator.seen import ArcEnded, ArcStarted, CutDone, Frozen, FrozenOver, Reading, Word

FROZEN_MS = 1000
PAUSE_MS = 2000
MOST_A = 2000.0  # the wire's bound; an ignition spike beyond it is told as the bound, it burns all the same


class Burst(Struct, frozen=True):
    """Burning with pauses of at most 2 s."""

    from_up: int
    to_up: int
    arc_ms: int
    peak_a: float


class Stretch(Struct, frozen=True):
    """A piece of time in which one reading stood, or (current None) nothing is known."""

    from_up: int
    to_up: int
    current_a: float | None
    voltage_v: float | None


class Run(Struct, frozen=True):
    """Readings of one non-zero pair in a row: undecided (`waiting`) until the pair changes, or frozen."""

    from_up: int
    current_a: float
    voltage_v: float | None
    shown_ms: int = 0
    waiting: tuple[Stretch, ...] = ()
    frozen: bool = False


class Sensor(Struct, frozen=True):
    """All that is remembered between two readings."""

    now_up: int = 0
    step_ms: int = 1000
    held: Reading | None = None
    run: Run | None = None
    step: Step = Step(0, 0)
    burst: Burst | None = None
    burned_up: int | None = None
    cuts: tuple[int, ...] = ()
    blind_until: int = 0

    @property
    def frozen(self) -> bool:
        return self.run is not None and self.run.frozen

    @property
    def may_burn(self) -> bool:
        """A burst goes on, or something undecided could be one: what the relay has to respect."""
        run = self.run
        return self.burst is not None or (run is not None and not run.frozen and run.current_a >= BURNING_A)

    @property
    def due_up(self) -> int | None:
        """When the mere passing of time has something to tell: the end of a burst."""
        run = self.run
        if self.burst is None or (run is not None and not run.frozen):
            return None
        return max(self.now_up, self.burst.to_up + PAUSE_MS) + 1

    @property
    def waits_since(self) -> int | None:
        """Since when something is undecided."""
        return self.run.waiting[0].from_up if self.run is not None and self.run.waiting else None


def read(sensor: Sensor, reading: Reading) -> tuple[Sensor, tuple[Word, ...]]:
    """The sensor after one more reading. A reading not later than the one before leaves that one no time."""
    words: list[Word] = []
    up = max(reading.up_ms, sensor.now_up)
    sensor = _pass(sensor, up, words)
    current, voltage = _current(reading.current_a), _finite(reading.voltage_v)
    sensor = replace(sensor, held=Reading(up, current, voltage, reading.holds_ms))
    if current is not None:
        sensor = _compare(sensor, up, current, voltage, words)
    return sensor, tuple(words)


def advance(sensor: Sensor, up_ms: int) -> tuple[Sensor, tuple[Word, ...]]:
    """The sensor after time has passed without a reading."""
    if up_ms <= sensor.now_up:
        return sensor, ()
    words: list[Word] = []
    return _pass(sensor, up_ms, words), tuple(words)


def cut(sensor: Sensor, up_ms: int, blind_ms: int = 0) -> tuple[Sensor, tuple[Word, ...]]:
    """Ends step and burst at this moment (the contact moved), and forgets a reading that is older than the moment.

    CutDone follows once everything before it is decided. For `blind_ms` readings count as unknown: while a contact moves,
    the last of the old current is no current through the new position.
    """
    words: list[Word] = []
    sensor = _pass(sensor, max(up_ms, sensor.now_up), words)
    now = sensor.now_up
    sensor = replace(sensor, held=None, cuts=(*sensor.cuts, now), blind_until=now + blind_ms)
    return _cut_here(sensor, words), tuple(words)


def give_up(sensor: Sensor) -> tuple[Sensor, tuple[Word, ...]]:
    """Tells what is undecided as unknown, because nobody can wait for it any longer."""
    words: list[Word] = []
    run = sensor.run
    if run is not None and run.waiting:
        sensor = _tell(replace(sensor, run=replace(run, waiting=())), _unknown(run.waiting), words)
    return _cut_here(sensor, words), tuple(words)


def _pass(sensor: Sensor, up: int, words: list[Word]) -> Sensor:
    """Gives the time until `up` to the reading that stands, and what it cannot fill to nobody."""
    if up <= sensor.now_up:
        return sensor
    held, start, end = sensor.held, min(up, max(sensor.now_up, sensor.blind_until)), 0
    if held is not None and held.current_a is not None:
        end = min(up, held.up_ms + held.holds_ms)
    if held is None or held.current_a is None or end <= start:
        return replace(_gap(sensor, Stretch(sensor.now_up, up, None, None), words), now_up=up)
    sensor = _gap(sensor, Stretch(sensor.now_up, start, None, None), words)
    sensor = _stand(sensor, Stretch(start, end, held.current_a, held.voltage_v), words)
    return replace(_gap(sensor, Stretch(end, up, None, None), words), now_up=up)


def _stand(sensor: Sensor, stretch: Stretch, words: list[Word]) -> Sensor:
    run = sensor.run
    if run is None:
        return _tell(sensor, (stretch,), words)
    if run.frozen:
        return _tell(sensor, _unknown((stretch,)), words)
    shown_ms = run.shown_ms + stretch.to_up - stretch.from_up
    run = replace(run, shown_ms=shown_ms, waiting=_added(run.waiting, stretch))
    sensor = replace(sensor, run=run)
    return _freeze(sensor, run, words) if shown_ms > FROZEN_MS else sensor


def _gap(sensor: Sensor, stretch: Stretch, words: list[Word]) -> Sensor:
    if stretch.from_up >= stretch.to_up:
        return sensor
    run = sensor.run
    if run is not None and not run.frozen:  # it must not overtake what waits before it
        return replace(sensor, run=replace(run, waiting=_added(run.waiting, stretch)))
    return _tell(sensor, (stretch,), words)


def _added(waiting: tuple[Stretch, ...], stretch: Stretch) -> tuple[Stretch, ...]:
    last = waiting[-1] if waiting else None
    if last is not None and last.current_a == stretch.current_a:
        return (*waiting[:-1], replace(last, to_up=stretch.to_up))
    return (*waiting, stretch)


def _freeze(sensor: Sensor, run: Run, words: list[Word]) -> Sensor:
    sensor = replace(sensor, run=replace(run, waiting=(), frozen=True))
    words.append(Frozen(run.from_up, run.current_a, run.voltage_v))
    return _cut_here(_tell(sensor, _unknown(run.waiting), words), words)


def _compare(sensor: Sensor, up: int, current: float, voltage: float | None, words: list[Word]) -> Sensor:
    """Ends the run when the pair changes: what waited in it was real. 0 A is standstill and never waits."""
    run = sensor.run
    if run is not None and (run.current_a, run.voltage_v) == (current, voltage):
        return sensor
    if run is not None and run.frozen:
        words.append(FrozenOver(up))
    elif run is not None:
        sensor = _cut_here(_tell(replace(sensor, run=None), run.waiting, words), words)
    return replace(sensor, run=Run(up, current, voltage) if current else None)


def _unknown(stretches: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    return tuple(Stretch(stretch.from_up, stretch.to_up, None, None) for stretch in stretches)


def _tell(sensor: Sensor, stretches: tuple[Stretch, ...], words: list[Word]) -> Sensor:
    """Decided time, in order; stretches are split where a cut lies within them."""
    for stretch in stretches:
        rest = stretch
        while sensor.cuts and sensor.cuts[0] < rest.to_up:
            if sensor.cuts[0] > rest.from_up:
                sensor = _tell_one(sensor, replace(rest, to_up=sensor.cuts[0]), words)
                rest = replace(rest, from_up=sensor.cuts[0])
            sensor = _cut_one(sensor, words)
        sensor = _tell_one(sensor, rest, words)
    return sensor


def _tell_one(sensor: Sensor, stretch: Stretch, words: list[Word]) -> Sensor:
    burst = _burning(sensor.burst, stretch, words)
    burned_up = sensor.burned_up if burst is None else burst.to_up
    return replace(sensor, step=_stepped(sensor, stretch, words), burst=burst, burned_up=burned_up)


def _burning(burst: Burst | None, stretch: Stretch, words: list[Word]) -> Burst | None:
    burns = stretch.current_a is not None and stretch.current_a >= BURNING_A
    if burst is not None and (stretch.from_up if burns else stretch.to_up) - burst.to_up > PAUSE_MS:
        words.append(ArcEnded(burst.from_up, burst.to_up, burst.arc_ms, burst.peak_a))
        burst = None
    if not burns or stretch.current_a is None:
        return burst
    length_ms = stretch.to_up - stretch.from_up
    if burst is None:
        words.append(ArcStarted(stretch.from_up, stretch.current_a))
        return Burst(stretch.from_up, stretch.to_up, length_ms, stretch.current_a)
    return Burst(burst.from_up, stretch.to_up, burst.arc_ms + length_ms, max(burst.peak_a, stretch.current_a))


def _stepped(sensor: Sensor, stretch: Stretch, words: list[Word]) -> Step:
    """The open step after this stretch; full ones are handed out, a long quiet stretch as one long step."""
    step, quiet = sensor.step, stretch.current_a is None or stretch.current_a < BURNING_A
    while step.to_up < stretch.to_up:
        end = step.from_up + sensor.step_ms
        most_ms = min(stretch.to_up - step.from_up, LONGEST_STEP_MS)
        if quiet and step.to_up == step.from_up and most_ms >= JOIN_QUIET_MS:
            end = step.from_up + most_ms // sensor.step_ms * sensor.step_ms
        step = grown(step, min(end, stretch.to_up), stretch.current_a, stretch.voltage_v)
        if step.to_up == end:
            words.append(step)
            step = Step(end, end)
    return step


def _cut_here(sensor: Sensor, words: list[Word]) -> Sensor:
    while sensor.cuts and sensor.cuts[0] <= sensor.step.to_up:
        sensor = _cut_one(sensor, words)
    return sensor


def _cut_one(sensor: Sensor, words: list[Word]) -> Sensor:
    step, burst = sensor.step, sensor.burst
    if step.length_ms:
        words.append(step)
    if burst is not None:
        words.append(ArcEnded(burst.from_up, burst.to_up, burst.arc_ms, burst.peak_a))
    words.append(CutDone(sensor.cuts[0]))
    return replace(sensor, step=Step(step.to_up, step.to_up), burst=None, cuts=sensor.cuts[1:])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _current(value: float | None) -> float | None:
    known = _finite(value)
    return None if known is None else max(-MOST_A, min(MOST_A, known))
