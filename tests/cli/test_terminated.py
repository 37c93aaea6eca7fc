"""A throw-away stack goes with whoever made it, also when that is told to end (SIGTERM)."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    return {
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    }


def is_ingest(pid: int) -> bool:
    """Whether it is an ingest process that runs."""
    try:
        return b"weld.cli.main\0ingest" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return False


def until(true: Callable[[], bool], seconds: float) -> None:
    """Wait until it is true."""
    until_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.1)


def test_a_load_that_is_terminated_leaves_no_process_behind() -> None:
    words = [sys.executable, "-m", "weld.cli.main", "load", "--chips", "10", "--rate", "10", "--seconds", "300"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
        until(lambda: any(is_ingest(child) for child in children(load.pid)), 60)
        left = children(load.pid)
        load.send_signal(signal.SIGTERM)
        assert load.wait(60) != 0
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in left), 30)
