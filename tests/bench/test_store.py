"""`weldgate bench store` and `bench engines` at a size that ends soon: their shape, and that nothing is left out unseen."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench import store, store_servers
from tests.database import Database
from weld.store import province, questions
from weld.store.province import Shape

SMALL = ["--machines", "300", "--rows", "30000", "--days", "31", "--times", "4"]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
    command = [sys.executable, "-m", "weld.cli.main", "bench", *words]
    return subprocess.run(command, env=kept, capture_output=True, text=True, check=False)


@pytest.mark.timeout(300)
def test_every_question_is_asked_timed_and_explained(tmp_path: Path) -> None:
    done = bench("store", *SMALL, "--engine", "postgresql", "--json", "--plans", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["machines"], told["rows"]) == (300, 30_000)
    found = told["engines"]["postgresql"]
    assert set(found["questions"]) == set(questions.NAMES)
    for name, one in found["questions"].items():
        assert 0 < one["p50_ms"] <= one["p99_ms"] <= one["most_ms"], name
        assert one["rows"] > 0 or name == "alert_queue", f"{name} was answered with nothing"
    assert {"telemetry", "session", "machine_day", "machine_hour", "division_day", "enterprise_day"} <= set(
        found["bytes"]
    )
    assert 150 < found["telemetry_sample_bytes"] < found["telemetry_row_bytes"] < 1000
    plans = (tmp_path / "store-plans.md").read_text()
    assert all(f"### {name} (postgresql)" in plans for name in questions.NAMES)
    assert "Buffers:" in plans


def test_an_engine_is_one_that_is_known() -> None:
    done = bench("store", *SMALL, "--engine", "oracle")
    assert done.returncode == 2
    assert "--engine is one of both, postgresql, timescaledb" in done.stderr


def test_an_engine_that_cannot_be_had_is_told_as_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    tool = tmp_path / "tools" / "timescale"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'no TimescaleDB here: only root can have one' >&2\nexit 77\n")
    tool.chmod(0o755)
    monkeypatch.setattr(store_servers, "CLONE", tmp_path)
    monkeypatch.delenv("WELDGATE_TIMESCALE_URL", raising=False)
    assert store.Bench(store.Asked(300, 30_000, days=31), quiet=False).measure("timescaledb") is None
    assert "timescaledb: no TimescaleDB here: only root can have one" in capsys.readouterr().err


def test_too_little_disk_is_said_before_anything_is_filled() -> None:
    done = bench("store", "--machines", "100", "--rows", "9000000000000", "--engine", "postgresql")
    assert done.returncode == 2
    assert "GB of disk are needed" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_default_size_stays_below_46_gigabytes() -> None:
    assert store.Asked().needs_bytes < 46e9


def test_the_made_year_has_as_many_rows_as_asked_and_rollups_that_are_its_sums(database: Database) -> None:
    shape = Shape(200, 12_345, 31, datetime.now(UTC).date())
    pieces = province.furnish(database.admin_url, database.url("owner"), shape)
    with psycopg.connect(database.admin_url, autocommit=True) as conn:
        province.ready(conn)
        rows = [province.fill(conn, shape, number, pieces) for number in range(shape.days)]
    province.settle(database.admin_url)
    assert sum(rows) == 12_345
    assert database.rows("SELECT count(*) FROM weld.telemetry") == [(12_345,)]
    first, last = database.rows("SELECT min(at)::date, max(at)::date FROM weld.telemetry")[0]
    assert (first, last) == (shape.until - timedelta(days=31), shape.until - timedelta(days=1))
    assert isinstance(first, date)
    sums = "sum(sessions), sum(messages), sum(arc_ms), sum(unknown_ms)"
    by_day = database.rows(f"SELECT count(*), {sums} FROM weld.machine_day")
    for table in ("division_day", "enterprise_day"):
        assert database.rows(f"SELECT sum(heard), {sums} FROM weld.{table}") == by_day
    made = database.rows("SELECT count(*), sum(arc_ms), sum(contact_ms - covered_ms) FROM weld.session")[0]
    assert made == (by_day[0][1], by_day[0][3], by_day[0][4])
    assert made[0] == shape.upto(31).sessions > 0
    assert database.rows("SELECT sum(sessions) FROM weld.machine_hour") == [(made[0],)]
    asked = province.some(database.admin_url, 10, shape.dense)
    assert 0 in {one.number for one in asked}, "the machine that talks all year is asked about"
