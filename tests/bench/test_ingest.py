"""`weldgate bench ingest --quick`: the shape of what it prints. Its numbers are too small to mean anything."""

import json
import os
import subprocess
import sys

import pytest

GOALS = {"G1": (0.45, 0.8), "G3": (10, 4), "G4": (2.5, 5), "G5": (500, 100), "G7": (300, 150)}


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WELDGATE_")}
    command = [sys.executable, "-m", "weld.cli.main", "bench", "ingest", *words]
    return subprocess.run(command, env=kept, capture_output=True, text=True, check=False)


@pytest.mark.timeout(300)
def test_every_goal_has_a_value_a_floor_and_an_aim() -> None:
    done = bench("--quick", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["versions"]["mosquitto"]
    for goal, (floor, aim) in GOALS.items():
        assert found[goal]["value"] > 0, goal
        assert (found[goal]["floor"], found[goal]["aim"]) == (floor, aim)
    assert set(found["G8"]["value"]) == {"mb_per_million", "growth_10k_to_1m"} == set(found["G8"]["floor"])
    assert found["G8"]["value"]["mb_per_million"] > 0
    assert found["G7"]["missing"] == 0
    assert found["G5"]["messages"] > 0


def test_an_unknown_goal_is_named() -> None:
    done = bench("--only", "G1,G9")
    assert done.returncode == 2
    assert "unknown: G9; known: G1, G3" in done.stderr
