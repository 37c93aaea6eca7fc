"""`weldgate replay`: recordings through the whole stack, compared with the plain definition of what they hold."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.definition import Told, define
from tests.system.recordings import Recorder, frozen, unsteady

pytestmark = pytest.mark.timeout(240)


def replay(file: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "weld.cli.main", "replay", str(file), "--json", "--speed", "20", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def compare(told: dict[str, Any], wanted: Told, *, licensed: bool) -> None:
    assert abs(told["arc_seconds"] - wanted.arc_ms / 1000) <= 1
    assert told["weld_bursts"] == len(wanted.bursts)
    assert told["sensor_faults"] == len(wanted.frozen)
    assert told["sessions"] == (1 if licensed else 0)
    if licensed:
        assert told["alerts"] == []
    elif wanted.bursts:
        assert [alert["code"] for alert in told["alerts"]] == ["D01"]
        assert 0 <= told["alerts"][0]["at_s"] - wanted.bursts[0][0] / 1000 < 1


@pytest.mark.parametrize("licensed", [False, True], ids=["unlicensed", "licensed"])
@pytest.mark.parametrize("made", [unsteady(1), frozen(2)], ids=["unsteady", "frozen"])
def test_a_recording_comes_out_as_it_is_defined(made: Recorder, licensed: bool, tmp_path: Path) -> None:
    told = replay(made.write(tmp_path / "r.csv"), *(["--licensed"] if licensed else []))
    compare(told, define(made.definition_rows()), licensed=licensed)


def _real() -> list[Path]:
    given = os.environ.get("WELDGATE_RECORDINGS")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "data" / "arc-recordings"
    return sorted(folder.glob("*.csv")) if folder.exists() else []


@pytest.mark.parametrize("file", _real(), ids=lambda file: file.stem)
def test_a_real_recording_comes_out_as_it_is_defined(file: Path) -> None:
    cells = [line.split(",") for line in file.read_text().splitlines()[1:] if line]
    rows = [(round(float(t) * 1000), float(a), float(v)) for t, a, v in cells]
    for licensed in (False, True):
        compare(replay(file, *(["--licensed"] if licensed else [])), define(rows), licensed=licensed)  # type: ignore[arg-type]


def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("time,amps\n1,2\n")
    command = [sys.executable, "-m", "weld.cli.main", "replay", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "line 1" in done.stderr
