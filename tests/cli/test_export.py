"""`weldgate export`: a whole file or none, by name and to stdout, with progress; and a million rows in little memory."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.database import Database
from weld.cli.exporting import moment
from weld.store.vault import Vault

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
SPAN = ("--since", f"{DAY - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}", "--until", f"{DAY:%Y-%m-%dT%H:%M:%SZ}")
# 5,000 machines, an hour of each in 9 days: a million and some.
MACHINES, HOURS, ROWS = 5_000, 216, 1_080_000


@pytest.fixture
def told(database: Database, tmp_path: Path) -> dict[str, str]:
    Vault.create(tmp_path / "vault")
    words = {"WELDGATE_PROCESS_DATABASE_URL": database.url("api"), "WELDGATE_VAULT": str(tmp_path / "vault")}
    return dict(os.environ) | words


def machines(database: Database, count: int) -> None:
    database.rows("INSERT INTO weld.division (code, name_zh, name_en, path) VALUES ('41', '河南省', 'Henan', '41')")
    database.rows(
        "INSERT INTO weld.machine (plate, division, maker, model, serial, rated_a)"
        " SELECT '410502A' || lpad(n::text, 9, '0') || '0', '41', 'x', 'x', 'x', 300 FROM generate_series(1, %s) n",
        count,
    )


def hours(database: Database, count: int) -> None:
    database.rows(
        "INSERT INTO weld.machine_hour (plate, hour, arc_ms, energy_wh, messages) SELECT m.plate, h, 7, 0.5, 360"
        " FROM generate_series(%s::timestamptz, %s::timestamptz - interval '1 hour', '1 hour') h, weld.machine m",
        *(DAY - timedelta(hours=count), DAY),
    )


def run(told: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "weld.cli.main", "export", *words]
    return subprocess.run(command, env=told, capture_output=True, check=False, timeout=100)


def left(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.name != "vault")


def test_a_file_has_its_name_when_it_is_whole_and_is_ours_alone(
    database: Database, told: dict[str, str], tmp_path: Path
) -> None:
    machines(database, 2)
    hours(database, 3)
    file = tmp_path / "hours.parquet"
    done = run(told, "machine_hour", *SPAN, "--division", "41", "--to", str(file))
    assert done.returncode == 0, done.stderr
    words = json.loads(done.stdout)
    assert words == {"what": "machine_hour", "rows": 6, "bytes": file.stat().st_size, "file": str(file)}
    rows = parquet.read_table(file).to_pylist()
    assert (len(rows), rows[0]["hour"], rows[0]["messages"]) == (6, DAY - timedelta(hours=3), 360)
    assert file.stat().st_mode & 0o077 == 0
    assert left(tmp_path) == ["hours.parquet"]
    trail: list[Any] = database.rows("SELECT actor, action, detail FROM weld.audit ORDER BY seq")
    assert [(actor, action) for actor, action, _ in trail] == [
        ("command:export", "export.begun"),
        ("command:export", "export.ended"),
    ]
    assert trail[0][2]["division"] == "41"
    assert trail[1][2] == {"rows": 6, "complete": True}


def test_stdout_has_the_table_and_nothing_else(database: Database, told: dict[str, str]) -> None:
    machines(database, 1)
    hours(database, 2)
    done = run(told, "machine_hour", *SPAN, "--to", "-")
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert [row["arc_ms"] for row in rows] == ["7", "7"]
    assert b"2 rows" in done.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("sessions", "--since", "yesterday", "--to", "x.csv"), "neither a day"),
        (("sessions", "--since", "2026-02-01", "--until", "2026-01-01", "--to", "x.csv"), "in order"),
        (("division_day", "--since", "2026-01-01", "--plate", "x", "--to", "x.csv"), "plate"),
        (("sessions", "--since", "2026-01-01", "--format", "parquet", "--to", "-"), "--to FILE"),
        (("sessions", "--since", "2026-01-01", "--to", "nowhere/x.csv"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    told = told | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), told.get("PYTHONPATH", "")])}
    done = run(told, *words)
    assert (done.returncode, done.stdout) == (1, b"")
    assert why in done.stderr.decode()
    assert left(tmp_path) == []


def test_a_day_begins_at_the_midnight_of_the_screens_and_a_moment_has_its_zone() -> None:
    assert moment("2026-01-01") == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert moment("2026-01-01T00:00:00") == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert moment("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)


def memory_kb(pid: int) -> int:
    """The most that a process had; what wait4 tells counts the tests' own memory, from before the child became its program."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def test_a_million_rows_stay_in_little_memory_and_one_that_is_stopped_leaves_no_file(
    database: Database, told: dict[str, str], tmp_path: Path
) -> None:
    machines(database, MACHINES)
    hours(database, HOURS)
    database.rows("ANALYZE weld.machine, weld.machine_hour")
    file = tmp_path / "hours.parquet"
    command = [sys.executable, "-m", "weld.cli.main", "export", "machine_hour", *SPAN, "--to", str(file)]
    most_kb = 0
    with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        while writer.poll() is None:
            most_kb = max(most_kb, memory_kb(writer.pid))
            time.sleep(0.02)
        assert writer.stdout is not None
        said = writer.stdout.read()
    assert writer.returncode == 0
    assert json.loads(said)["rows"] == ROWS
    found = parquet.ParquetFile(file).metadata
    assert (found.num_rows, found.num_row_groups) == (ROWS, 11)
    assert 0 < most_kb < 400 * 1024
    with subprocess.Popen([*command[:-1], str(tmp_path / "other.csv")], env=told, stderr=subprocess.DEVNULL) as stopped:
        deadline = time.monotonic() + 60
        while not any(one.stat().st_size > 100_000 for one in tmp_path.glob(".other.csv.*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(30) == 130
    assert left(tmp_path) == ["hours.parquet"]
    assert database.rows("SELECT detail ->> 'complete' FROM weld.audit ORDER BY seq DESC LIMIT 1") == [("false",)]
