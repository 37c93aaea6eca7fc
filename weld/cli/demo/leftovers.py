"""Processes of a demo that was killed: they stand in the way of the next one, which ends them.

Each process is noted when it starts. Refuses to end anything that does not say itself that it belongs to this folder: numbers
of processes are used again.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from weld.cli.stack import Child

_WITHIN_S = 12.0


def note(folder: Path, child: Child) -> None:
    """Remember a process."""
    (folder / "run" / f"{child.name}.pid").write_text(str(child.process.pid))


def end(folder: Path) -> None:
    """End what is still alive of those that were noted."""
    files = list((folder / "run").glob("*.pid"))
    pids = [pid for file in files if (pid := _ours(file, folder)) is not None]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until_s = time.monotonic() + _WITHIN_S
    while any(_ours(file, folder) is not None for file in files) and time.monotonic() < until_s:
        time.sleep(0.05)
    for file in files:
        file.unlink()


def _ours(file: Path, folder: Path) -> int | None:
    """The process, if it is alive and its environment names this folder."""
    try:
        pid = int(file.read_text())
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if f"WELDGATE_ADDRESS_FILE={folder / 'run' / file.stem}.address".encode() in environment else None
