"""The streaming sensor, by examples and against the plain definition (definition.py) on made-up recordings."""

import itertools
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import sensor as sensors
from simulator.recording import LAST_ROW_MS, BadRecording, Recording, parse_recording, read_recording
from simulator.samples import Step, pack
from simulator.seen import ArcEnded, ArcStarted, CutDone, Frozen, FrozenOver, Reading, Word
from simulator.sensor import Sensor
from tests.simulator.definition import define

Row = tuple[int, float | None, float | None]


def played(rows: list[Row], tail_ms: int = 5000) -> list[Word]:
    """What the sensor says to these rows and the standstill after them."""
    elapsed, readings = 0, []
    for i, (at, current, voltage) in enumerate(rows):
        elapsed += max(0, at - rows[i - 1][0]) if i else 0
        readings.append(Reading(elapsed, current, voltage))
    return heard(tuple(readings), tail_ms)


def heard(readings: tuple[Reading, ...], tail_ms: int = 5000) -> list[Word]:
    sensor, words = Sensor(), list[Word]()
    for reading in readings:
        sensor, more = sensors.read(sensor, reading)
        words += more
    end = readings[-1].up_ms + LAST_ROW_MS
    sensor, more = sensors.read(sensor, Reading(end, 0, 0, holds_ms=10**9))
    words += more
    sensor, more = sensors.advance(sensor, end + tail_ms)
    words += more
    sensor, more = sensors.cut(sensor, end + tail_ms)
    words += more
    return words


def row(count: int, current: float | None, voltage: float | None, from_ms: int = 0, step_ms: int = 24) -> list[Row]:
    return [(from_ms + i * step_ms, current, voltage) for i in range(count)]


def weld(count: int, from_ms: int = 0, step_ms: int = 24) -> list[Row]:
    return [(from_ms + i * step_ms, 180.0 + i % 2, 24.0) for i in range(count)]


def bursts(words: list[Word]) -> list[tuple[int, int, int]]:
    return [(word.from_up, word.to_up, word.arc_ms) for word in words if isinstance(word, ArcEnded)]


def steps(words: list[Word]) -> list[Step]:
    return [word for word in words if isinstance(word, Step)]


def test_a_row_burns_from_15_ampere() -> None:
    assert bursts(played([(0, 14.9, 20), (24, 15.0, 20), (48, 14.9, 20)])) == [(24, 48, 24)]


def test_a_row_stands_for_at_most_a_tenth_of_a_second() -> None:
    assert bursts(played([(0, 150, 20), (900, 0, 60)])) == [(0, 100, 100)]


def test_the_rest_of_a_longer_wait_is_unknown_and_not_zero() -> None:
    (first, *_) = steps(played([(0, 0, 60), (900, 0, 60), (1000, 0, 60)]))
    assert first.known_ms == 200
    assert first.current_a is None  # hardly a fifth of it was seen


def test_a_step_that_was_hardly_seen_still_tells_its_arc() -> None:
    (first, *_) = steps(played([(0, 150, 20), (950, 0, 60)]))
    assert (first.arc_ms, first.current_a) == (100, 100.0)  # 100 ms at 150 A, 50 ms at 0 A, the rest unknown


def test_the_last_row_counts_24_ms() -> None:
    assert bursts(played([(0, 0, 60), (24, 150, 20)])) == [(24, 48, 24)]


def test_a_doubled_row_takes_no_time_and_none_is_lost() -> None:
    assert bursts(played([(0, 150, 20), (24, 151, 20), (24, 151, 20), (48, 0, 60)])) == [(0, 48, 48)]


def test_a_clock_that_goes_back_loses_only_the_backward_step() -> None:
    assert bursts(played([(5000, 150, 20), (5024, 151, 20), (40, 150, 20), (64, 0, 60)])) == [(0, 48, 48)]


def test_a_pause_of_two_seconds_is_one_burst() -> None:
    rows = [*weld(10), (240, 0, 70), *row(76, 0, 70, 340, 25), *weld(10, 2240)]
    assert len(bursts(played(rows))) == 1


def test_a_pause_above_two_seconds_is_two_bursts() -> None:
    rows = [*weld(10), *row(84, 0, 70, 240, 24), *weld(10, 2256)]
    assert len(bursts(played(rows))) == 2


def test_a_pause_with_a_gap_in_it_is_still_one_burst() -> None:
    assert len(bursts(played([*weld(10), *weld(10, 2100)]))) == 1


def test_an_arc_ends_when_two_seconds_have_passed_although_nothing_is_read() -> None:
    sensor, _ = sensors.read(Sensor(), Reading(0, 150, 20))
    sensor, _ = sensors.read(sensor, Reading(24, 0, 60))
    sensor, before = sensors.advance(sensor, 2024)
    sensor, after = sensors.advance(sensor, 2025)
    assert bursts(list(before)) == []
    assert bursts(list(after)) == [(0, 24, 24)]


def test_a_register_frozen_for_more_than_a_second_is_a_fault_from_its_first_row() -> None:
    words = played([*row(4, 0, 60), *row(50, 180, 25, 96), *row(4, 0, 60, 1296)])
    assert [word for word in words if isinstance(word, (Frozen, FrozenOver))] == [Frozen(96, 180, 25), FrozenOver(1296)]
    assert bursts(words) == []


def test_a_register_that_stands_for_a_second_and_then_moves_is_an_arc_from_its_first_row() -> None:
    words = played([*row(10, 180, 25, 0, 100), (1000, 0, 60)])
    assert bursts(words) == [(0, 1000, 1000)]


def test_a_gap_does_not_count_towards_the_freeze_second() -> None:
    words = played([*row(6, 180, 25, 0, 100), *row(4, 180, 25, 60_000, 100), (60_400, 0, 60)])
    assert bursts(words) == [(0, 600, 600), (60_000, 60_400, 400)]


def test_no_arc_is_told_before_the_pair_has_changed() -> None:
    sensor = Sensor()
    for reading in (Reading(0, 0, 60), Reading(24, 180, 25), Reading(48, 180, 25)):
        sensor, words = sensors.read(sensor, reading)
        assert not [word for word in words if isinstance(word, ArcStarted)]
    assert sensor.may_burn
    sensor, words = sensors.read(sensor, Reading(72, 181, 25))
    assert words == (ArcStarted(24, 180),)


def test_a_freeze_in_the_middle_ends_the_burst_before_it() -> None:
    words = played([*weld(100), *row(100, 180, 25, 2400), *weld(100, 4800)])
    assert bursts(words) == [(0, 2400, 2400), (4800, 7200, 2400)]


def test_a_burst_goes_on_after_a_short_freeze() -> None:
    words = played([*weld(100), *row(60, 180, 25, 2400), *weld(100, 3840)])
    assert bursts(words) == [(0, 6240, 4800)]


def test_an_open_circuit_at_0_ampere_is_no_fault() -> None:
    assert not [word for word in played(row(200, 0, 63)) if isinstance(word, Frozen)]


def test_nan_and_none_are_unknown() -> None:
    (first, *_) = steps(played([(i * 24, (None, math.nan, math.inf)[i % 3], 20) for i in range(60)]))
    assert (first.known_ms, first.current_a, first.peak_a) == (0, None, None)


def test_a_cut_ends_step_and_burst_at_once_when_all_is_decided() -> None:
    sensor, _ = sensors.read(Sensor(), Reading(0, 150, 20))
    sensor, _ = sensors.read(sensor, Reading(24, 0, 60))
    sensor, words = sensors.cut(sensor, 40)
    assert [type(word) for word in words] == [Step, ArcEnded, CutDone]
    assert (sensor.step.from_up, sensor.burst) == (40, None)


def test_a_cut_waits_for_what_is_undecided_and_splits_it() -> None:
    sensor, _ = sensors.read(Sensor(), Reading(0, 150, 20))
    sensor, words = sensors.cut(sensor, 40)
    assert words == ()
    sensor, words = sensors.read(sensor, Reading(60, 0, 60))
    assert [type(word) for word in words] == [ArcStarted, Step, ArcEnded, CutDone]
    assert words[2] == ArcEnded(0, 40, 40, 150)


def test_what_nobody_can_wait_for_is_told_as_unknown() -> None:
    sensor, _ = sensors.read(Sensor(), Reading(0, 150, 20))
    sensor, _ = sensors.cut(sensor, 40)
    sensor, words = sensors.give_up(sensor)
    assert [type(word) for word in words] == [Step, CutDone]
    assert steps(list(words))[0].known_ms == 0


def test_a_long_standstill_is_one_long_step() -> None:
    sensor, _ = sensors.read(Sensor(), Reading(0, 0, 0, holds_ms=10**9))
    sensor, words = sensors.advance(sensor, 300_400)
    assert words == (Step(0, 300_000, 300_000, 0.0, 0, 300_000),)


def test_short_and_uneven_steps_are_packed_without_a_hole() -> None:
    parts = (Step(0, 4), Step(4, 1004), Step(1004, 2004), Step(2004, 2300), Step(2300, 2309), Step(2309, 2312))
    batches, rest = pack(parts)
    assert [(batch.from_up, batch.step_ms, len(batch.steps)) for batch in batches] == [
        (0, 1004, 1),
        (1004, 1000, 1),
        (2004, 308, 1),
    ]
    assert rest == ()


def test_a_piece_too_short_for_the_wire_is_kept_for_the_next_pack() -> None:
    assert pack((Step(0, 7),)) == ((), (Step(0, 7),))


kinds = st.one_of(
    st.tuples(st.just("weld"), st.integers(1, 150)),
    st.tuples(st.just("still"), st.integers(1, 150)),
    st.tuples(st.just("frozen"), st.integers(1, 80)),
    st.tuples(st.just("loss"), st.integers(1, 40)),
    st.tuples(st.just("spike"), st.integers(1, 3)),
    st.tuples(st.just("unknown"), st.integers(1, 30)),
    st.tuples(st.just("gap"), st.integers(1, 4000)),
    st.tuples(st.just("double"), st.integers(1, 3)),
    st.tuples(st.just("back"), st.integers(1, 5000)),
)


@st.composite
def recordings(draw: st.DrawFn) -> list[Row]:
    step_ms = draw(st.sampled_from([24, 25, 99, 100, 101]))
    rows: list[Row] = []
    now = 10_000
    for kind, amount in draw(st.lists(kinds, min_size=1, max_size=25)):
        match kind:
            case "gap":
                now += amount
            case "back":
                now -= amount
            case "double" if rows:
                rows += [rows[-1]] * amount
            case _:
                stuck = draw(st.sampled_from([(180.0, 25.0), (15.0, 20.0), (14.0, 20.0), (0.0, 63.0)]))
                for _ in range(amount):
                    rows.append((now, *_values(kind, len(rows), stuck)))
                    now += step_ms
    return rows or [(0, 0.0, 0.0)]


def _values(kind: str, i: int, stuck: tuple[float, float]) -> tuple[float | None, float | None]:
    match kind:
        case "weld":
            return 150.0 + i * 7 % 50, 20.0 + i % 3
        case "frozen":
            return stuck
        case "loss":
            return 0.0, 70.0 + i % 2
        case "spike":
            return 450.0, 10.0
        case "unknown":
            return None, 20.0
        case _:
            return 0.0, 0.0


@given(recordings())
def test_the_sensor_says_what_the_definition_says(rows: list[Row]) -> None:
    words, told = played(rows), define(rows)
    assert bursts(words) == told.bursts
    assert sum(step.arc_ms for step in steps(words)) == told.arc_ms
    assert [word.from_up for word in words if isinstance(word, Frozen)] == told.frozen
    assert sum(step.length_ms - step.known_ms for step in steps(words)) == told.unknown_ms


@given(recordings())
def test_steps_cover_all_time_and_every_arc_that_starts_ends(rows: list[Row]) -> None:
    words = played(rows)
    covered = steps(words)
    assert covered[0].from_up == 0
    assert all(before.to_up == after.from_up for before, after in itertools.pairwise(covered))
    starts = [word.from_up for word in words if isinstance(word, ArcStarted)]
    assert starts == [from_up for from_up, _, _ in bursts(words)]


@given(recordings(), st.lists(st.integers(0, 20_000), max_size=8))
def test_looking_at_the_sensor_in_between_changes_nothing(rows: list[Row], looks: list[int]) -> None:
    sensor, words, looks = Sensor(), list[Word](), sorted(looks)
    elapsed = 0
    for i, (at, current, voltage) in enumerate(rows):
        elapsed += max(0, at - rows[i - 1][0]) if i else 0
        while looks and looks[0] <= elapsed:
            sensor, more = sensors.advance(sensor, looks.pop(0))
            words += more
        sensor, more = sensors.read(sensor, Reading(elapsed, current, voltage))
        words += more
    before = [word for word in played(rows, 0) if not isinstance(word, (Step, CutDone))]
    after = [word for word in words if not isinstance(word, Step)]
    assert after == before[: len(after)]


@given(recordings())
def test_packing_keeps_every_arc_and_leaves_no_hole(rows: list[Row]) -> None:
    covered = tuple(steps(played(rows)))
    batches, rest = pack(covered)
    told = [step for batch in batches for step in batch.steps]
    assert sum(step.arc_ms for step in told) + sum(step.arc_ms for step in rest) == sum(step.arc_ms for step in covered)
    assert all(before.to_up == after.from_up for before, after in itertools.pairwise(told))
    assert all(10 <= batch.step_ms <= 600_000 and len(batch.steps) <= 600 for batch in batches)


def real_recordings() -> list[Path]:
    folder = Path(os.environ.get("WELDGATE_RECORDINGS", Path(__file__).parents[3] / "shared/data/arc-recordings"))
    return sorted(folder.glob("*.csv")) if folder.is_dir() else []


@pytest.mark.parametrize("path", real_recordings(), ids=lambda path: path.name)
def test_a_real_recording_is_heard_as_defined(path: Path) -> None:
    recording = read_recording(path)
    told = define([(reading.up_ms, reading.current_a, reading.voltage_v) for reading in recording.readings])
    words = heard(recording.readings)
    assert bursts(words) == told.bursts
    assert sum(step.arc_ms for step in steps(words)) == told.arc_ms > 0


def test_a_recording_is_read_with_its_flaws() -> None:
    text = (
        "\ufefft_s, current_a,voltage_v\r\n\r\n0.000,0,60\r\n0.024,180\n\n0.048,oops,25\n,1,1\n0.072,NaN,25\n0.096,-,\n"
    )
    recording = parse_recording(text)
    assert recording == Recording(
        (
            Reading(0, 0, 60),
            Reading(24, 180, None),
            Reading(48, None, 25),
            Reading(72, None, 25),
            Reading(96, None, None),
        ),
        placeless=1,
    )
    assert recording.duration_ms == 120


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "line 1"),
        ("\n\n", "line 1"),
        ("\n0.0,1,2\n", "line 2"),
        ("time,amps\n", "line 1"),
        ("t_s,current_a,voltage_v\n", "line 1"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(text: str, line: str) -> None:
    with pytest.raises(BadRecording, match=line):
        parse_recording(text)
