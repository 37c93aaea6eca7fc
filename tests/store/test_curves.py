"""The current of a machine: no peak is lost at any zoom, nothing is told of what nobody knows, nobody sees another's machine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database import Database
from weld.store import history
from weld.store.connect import Pool, pool, scoped
from weld.store.curves import Curve, PointRow, current_curve

PLATE, CHIP = "P0000000000000001", "CHIP0001"
BASE = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=5)
SECOND = timedelta(seconds=1)


class Message(NamedTuple):
    """A pause, then samples of so many milliseconds: current and peak each."""

    pause_ms: int
    step_ms: int
    samples: list[tuple[float | None, float | None]]


class Sample(NamedTuple):
    """Where a sample lies, in milliseconds since BASE, and of which message it is."""

    message: int
    since: int
    until: int
    current_a: float | None
    peak_a: float | None


AMPERES = st.none() | st.integers(0, 400).map(float)
MESSAGES = st.lists(
    st.builds(
        Message,
        st.sampled_from([0, 0, 0, 500, 15_000, 900_000, 20_000_000]),
        st.sampled_from([10, 1000, 10_000, 600_000]),
        st.lists(st.tuples(AMPERES, AMPERES), min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=25,
)


@pytest.fixture
async def people(database: Database) -> AsyncIterator[Pool]:
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        conn.execute("INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('41', '河南', 'Henan', '41')")
        conn.execute("INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('37', '山东', 'Shandong', '37')")
        conn.execute("INSERT INTO weld.chip (chip, shard, model) VALUES (%s, '00', 'm')", (CHIP,))
        conn.execute(
            "INSERT INTO weld.machine (plate, chip, division, maker, model, serial) VALUES (%s, %s, '41', 'a', 'b', '1')",
            (PLATE, CHIP),
        )
        conn.execute("INSERT INTO weld.binding (chip, plate, since) VALUES (%s, %s, '2020-01-01')", (CHIP, PLATE))
    async with pool(database.url("api"), "test curves", 2) as connections:
        yield connections


def told(database: Database, messages: list[Message]) -> list[Sample]:
    """Store these and nothing else; where their samples lie."""
    samples, up = [], 0
    with psycopg.connect(database.admin_url) as conn:
        conn.execute("DELETE FROM weld.telemetry")
        for seq, message in enumerate(messages):
            start = up + message.pause_ms
            up = start + len(message.samples) * message.step_ms
            for index, (current, peak) in enumerate(message.samples):
                since = start + index * message.step_ms
                samples.append(Sample(seq, since, since + message.step_ms, current, peak))
            conn.execute(
                "INSERT INTO weld.telemetry (chip_no, at, boot, seq, received_at, clock, late, hash, up_ms, from_up, step_ms,"
                " current_a, peak_a, voltage_v, arc_ms, state) SELECT chip_no, %s, 1, %s, now(), 'synced', 'live', 0, %s, %s, %s,"
                " %s::real[], %s::real[], %s::real[], %s::int[], 'locked' FROM weld.chip",
                (
                    *(BASE + timedelta(milliseconds=up), seq, up, start, message.step_ms),
                    *([one for one, _ in message.samples], [one for _, one in message.samples]),
                    *([None] * len(message.samples), [0] * len(message.samples)),
                ),
            )
    return samples


def ms(at: datetime) -> int:
    return round((at - BASE) / timedelta(milliseconds=1))


async def curve(people: Pool, since_ms: int, until_ms: int, points: int, scope: str = "platform") -> Curve | None:
    since, until = BASE + timedelta(milliseconds=since_ms), BASE + timedelta(milliseconds=until_ms)
    async with scoped(people, scope) as conn:
        return await current_curve(conn, PLATE, since, until, points)


def _holds(point: PointRow, sample: Sample) -> bool:
    """Whether a point tells of a sample: it lies over it, and is not lower."""
    over = ms(point.since) <= sample.since and sample.until <= ms(point.until)
    peak = sample.peak_a is None or (point.peak_a is not None and point.peak_a >= sample.peak_a)
    high = sample.current_a is None or (
        point.min_a is not None
        and point.max_a is not None
        and point.min_a <= sample.current_a <= point.max_a
        and point.last_a is not None
    )
    return over and peak and high


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MESSAGES, st.integers(10, 400), st.floats(0, 1), st.floats(0, 1))
async def test_no_sample_is_lost_at_any_zoom_and_nothing_is_told_beside_them(
    database: Database, people: Pool, messages: list[Message], points: int, a: float, b: float
) -> None:
    samples = told(database, messages)
    end = samples[-1].until
    for since, until in {(0, end), (int(min(a, b) * end), int(max(a, b) * end) + 1)}:
        found = await curve(people, since, until, points)
        assert found is not None
        assert found.source == "samples"
        inside = [one for one in samples if one.until > since and one.since < until]
        lost = [one for one in inside if not any(_holds(point, one) for point in found.points)]
        assert not lost
        known = sum(one.until - one.since for one in inside if (one.current_a, one.peak_a) != (None, None))
        assert sum(point.covered_ms for point in found.points) == known
        read = [one for one in samples if one.message in {part.message for part in inside}]  # messages are read whole
        if len(read) <= points:
            assert len(found.points) == len(inside)
        assert len(found.points) <= points + 1
        highest = max((one.peak_a for one in inside if one.peak_a is not None), default=None)
        assert max((point.peak_a for point in found.points if point.peak_a is not None), default=None) == highest


async def test_one_sample_among_eighty_thousand_stands_out_at_every_zoom(database: Database, people: Pool) -> None:
    quiet: list[tuple[float | None, float | None]] = [(100.0, 110.0)] * 100
    spike: list[tuple[float | None, float | None]] = [*quiet[:57], (100.0, 399.0), *quiet[58:]]
    told(database, [Message(0, 1000, spike if n == 500 else quiet) for n in range(800)])
    for points in (10, 100, 1000, 4000):
        for around_s in (60, 3600, 20_000, 60_000):
            centre = (500 * 100 + 57) * 1000
            found = await curve(people, centre - around_s * 300, centre + around_s * 300, points)
            assert found is not None
            assert max(point.peak_a or 0 for point in found.points) == 399.0, (points, around_s)


async def test_a_gap_stays_a_gap(database: Database, people: Pool) -> None:
    told(database, [Message(0, 1000, [(5.0, 6.0)] * 10), Message(3_600_000, 1000, [(5.0, 6.0)] * 10)])
    for points in (10, 1000):
        found = await curve(people, 0, 4_000_000, points)
        assert found is not None
        assert sum((point.until - point.since for point in found.points), timedelta(0)) == 20 * SECOND


async def test_nobody_sees_the_current_of_a_machine_out_of_his_scope(database: Database, people: Pool) -> None:
    told(database, [Message(0, 1000, [(5.0, 6.0)] * 10)])
    assert await curve(people, 0, 10_000, 10, "division:37") is None
    assert await curve(people, 0, 10_000, 10, "nobody") is None
    async with scoped(people, "division:37") as conn:
        since, until = BASE - SECOND, BASE + timedelta(days=1)
        assert await history.telemetry_page(conn, PLATE, since, until) == []
        for name in ("machine_samples(%s, %s, %s)", "machine_lost(%s, %s, %s, 9)"):
            cursor = await conn.execute(f"SELECT * FROM {name}".encode(), (PLATE, since, until))
            assert await cursor.fetchall() == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MESSAGES, st.integers(1, 9))
async def test_pages_of_telemetry_together_are_the_whole(
    database: Database, people: Pool, messages: list[Message], limit: int
) -> None:
    told(database, messages)
    span = (BASE - SECOND, BASE + timedelta(days=14))
    async with scoped(people, "division:41") as conn:
        whole = await history.telemetry_page(conn, PLATE, *span, limit=1000)
        pages, after = [], None
        while page := await history.telemetry_page(conn, PLATE, *span, after=after, limit=limit):
            assert len(page) <= limit
            pages += page
            after = page[-1][1]
    assert [row.seq for row, _ in whole] == list(range(len(messages)))
    assert pages == whole
