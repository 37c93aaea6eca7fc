"""The largest sample of hours and days, through real ingest: no zoom of a machine's current loses a peak, however it arrived."""

import asyncio
from datetime import date, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import chip as wire
from tests.database import Database
from tests.ingest.conftest import BOOT
from tests.ingest.desk import desk
from tests.ingest.test_rollups import CHIPS, NOW, plate_of, registers, shard_of
from weld.store import recount
from weld.store.connect import pool, scoped
from weld.store.curves import Curve, current_curve
from weld.store.recount import Asked

CHIP = CHIPS[0]
START = NOW - timedelta(days=9)
DAYS = 9
# When (in seconds since START) a chip says what its largest samples were; a day has 86,400.
SAID = st.lists(
    st.tuples(
        st.integers(10, DAYS * 86_400),
        st.lists(st.none() | st.integers(0, 400).map(float), min_size=1, max_size=5),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda one: one[0] // 10,
)


def words(said: list[tuple[int, list[float | None], bool]]) -> list[tuple[str, str, wire.Message]]:
    found: list[tuple[str, str, wire.Message]] = [(shard_of(CHIP), CHIP, _message(0, 1, wire.BootUp, **BOOT))]
    for seq, (up_s, peaks, late) in enumerate(sorted(said), 2):
        some: list[Any] = [None] * len(peaks)
        content = {
            "from_up": up_s * 1000 - len(peaks) * 1000, "step_ms": 1000, "current_a": some, "peak_a": peaks, "voltage_v": some,
            "arc_ms": [None if peak is None else 0 for peak in peaks], "state": "locked", "contact": "open", "energy_wh": None,
            "mains": True, "session": None,
        }  # fmt: skip
        found.append((shard_of(CHIP), CHIP, _message(up_s * 1000, seq, wire.Telemetry, late=late, **content)))
    return found


def _message(up: int, seq: int, kind: type[Any], *, late: bool = False, **content: Any) -> wire.Message:
    at = int(START.timestamp() * 1000) + up
    found: wire.Message = kind(boot=1, seq=seq, at=at, up=up, clock="synced", late=late, **content)
    return found


async def store(database: Database, batch: list[tuple[str, str, wire.Message]], size: int) -> None:
    async with desk(database, NOW) as worker:
        for first in range(0, len(batch), size):
            await worker.take(batch[first : first + size])
        await worker.close_quarters([(shard_of(CHIP), CHIP)])


async def curves(database: Database) -> list[Curve]:
    """The same days drawn from hours and, as part of a year, from days."""
    async with pool(database.url("api"), "test peaks", 1) as people, scoped(people, "platform") as conn:
        until = START + timedelta(days=DAYS + 1)
        found = [
            await current_curve(conn, plate_of(CHIP), until - timedelta(days=long), until, points)
            for long in (DAYS + 1, 90, 365)
            for points in (10, 1000)
        ]
    return [curve for curve in found if curve is not None]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAID, st.randoms(use_true_random=False), st.integers(1, 8))
def test_a_peak_of_one_sample_is_in_every_zoom_in_whatever_order_it_came(
    database: Database, said: list[tuple[int, list[float | None], bool]], dice: Any, size: int
) -> None:
    registers(database)
    batch = words(said)
    dice.shuffle(batch)
    asyncio.run(store(database, batch, size))
    _hold(database, said)
    database.rows("UPDATE weld.machine_hour SET peak_a = NULL")
    database.rows("UPDATE weld.machine_day SET peak_a = 1 WHERE peak_a > 1")
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        asked = Asked((START - timedelta(days=1)).date(), (NOW + timedelta(days=2)).date())
        assert [
            one for step in recount.compare(conn, asked, date(2020, 1, 1), mend=True) for one in step.differences
        ] == []
    _hold(database, said)


def _hold(database: Database, said: list[tuple[int, list[float | None], bool]]) -> None:
    found = asyncio.run(curves(database))
    assert [curve.source for curve in found] == ["hours"] * 4 + ["days"] * 2
    for curve in found:
        for up_s, peaks, _ in said:
            highest = max((peak for peak in peaks if peak is not None), default=None)
            at = START + timedelta(seconds=up_s - len(peaks))
            over = [point for point in curve.points if point.since <= at < point.until]
            assert len(over) == 1
            assert highest is None or (over[0].peak_a or 0.0) >= highest
        known = [peak for _, peaks, _ in said for peak in peaks if peak is not None]
        told = [point.peak_a for point in curve.points if point.peak_a is not None]
        assert max(told, default=None) == max(known, default=None)
