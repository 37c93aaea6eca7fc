"""`weldgate smoke` is a promise of its own: it must hold, print one JSON object last, and leave nothing behind."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(300)


def test_the_whole_story_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "weld.cli.main", "smoke"], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ok"] is True
    assert told["scan_to_click_ms"] > 0
    assert told["arc_to_webhook_ms"] > 0
    assert (told["sessions"], told["alerts"]) == (1, 2)
