"""The clock that a replay speeds up."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from weld.kit.clock import Clock, ScaledClock, SteadyClock, SystemClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class Seconds:
    """A real time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_starts_where_it_is_told_and_runs_at_the_rate() -> None:
    real = Seconds()
    clock = ScaledClock(START, rate=60.0, real=real)
    real.now += 2
    assert clock.now() == START + timedelta(seconds=120)
    assert clock.monotonic() == 120


def test_a_change_of_the_rate_does_not_move_the_time() -> None:
    real = Seconds()
    clock = ScaledClock(START, rate=10.0, real=real)
    real.now += 3
    before = clock.now(), clock.monotonic()
    clock.set_rate(1000.0)
    assert (clock.now(), clock.monotonic()) == before
    real.now += 1
    assert clock.monotonic() == 30 + 1000


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_clock_neither_stands_still_nor_runs_backwards(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        ScaledClock(START, rate)
    with pytest.raises(ValueError, match="rate"):
        ScaledClock(START).set_rate(rate)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ScaledClock(datetime(2026, 1, 1))  # noqa: DTZ001 - this is the mistake


async def test_sleep_is_as_much_shorter_as_time_is_faster() -> None:
    clock = ScaledClock(START, rate=1000.0)
    began = time.monotonic()
    await clock.sleep(50)
    assert 0.05 <= time.monotonic() - began < 1
    assert clock.now() >= START + timedelta(seconds=50)


async def test_a_sleeper_notices_that_time_runs_faster_now() -> None:
    clock = ScaledClock(START, rate=1.0)
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0.01)
    clock.set_rate(1_000_000.0)
    async with asyncio.timeout(2):
        await sleeper
    assert clock.monotonic() >= 3600


async def test_a_sleeper_notices_that_time_runs_slower_now() -> None:
    clock = ScaledClock(START, rate=100.0)
    sleeper = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0.01)
    clock.set_rate(0.001)
    await asyncio.sleep(0.2)
    assert not sleeper.done()
    sleeper.cancel()


async def test_the_system_clock_is_aware_and_does_not_jump() -> None:
    clock: Clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() >= before + 0.01


def test_a_steady_clock_follows_no_jump_until_another_clock_agrees() -> None:
    machine, midnight = (
        ScaledClock(datetime(2026, 1, 1, tzinfo=UTC), real=lambda: 0.0),
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    steady, told = SteadyClock(machine, most_off_s=2.0), []
    machine._start += timedelta(minutes=5)
    for theirs in (midnight, midnight + timedelta(minutes=5, seconds=1)):
        steady.compare(theirs)
        told.append((steady.off_s, steady.now()))
    assert told == [(300.0, midnight), (None, midnight + timedelta(minutes=5))]
