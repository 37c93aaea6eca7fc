"""`weldgate bench year`: a month in twenty seconds. That nothing stalls is for the hour; here the days come and go."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(180)
def test_a_month_makes_and_drops_its_days_while_messages_come() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
    words = ["bench", "year", "--json", "--minutes", "0.33", "--days", "30", "--rate", "400"]
    done = subprocess.run(
        [sys.executable, "-m", "weld.cli.main", *words], env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr  # 1: a commit took longer than a second, on a machine with other work
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["sent"] == told["stored"] == 30 * told["chips"] * 42
    assert told["in_store"]["quarantine"] == 0
    assert told["in_store"]["sessions"] > 0
    assert told["in_store"]["alerts"] == 0
    assert told["maintenance"]["telemetry_partitions_dropped"] == 29  # a day in each round but the first
    assert told["commit_ms"]["times"] >= 30
    assert 0 < told["commit_ms"]["p50"] <= told["commit_ms"]["p99"] <= told["commit_ms"]["max"]
    assert told["pieces"]["after"]["event"] > told["pieces"]["before"]["event"]
