"""The ingest process as chaos runs it: the same as everywhere, on a clock that somebody else can move while it runs.

Started by a stack in the place of `weldgate ingest`. The clock is the machine's, plus what stands in the file that CHAOS_CLOCK
names (shared memory). Refuses to run without that file: nobody gets here by mistake.
"""

import mmap
import os
import struct
import sys
from datetime import datetime, timedelta
from pathlib import Path

from ingest.main import serve
from ingest.mqtt import Address
from ingest.settings import IngestSettings
from weld.cli.installation import signing_key
from weld.cli.stack import BrokerAddress
from weld.kit import log as logging
from weld.kit.clock import SystemClock
from weld.kit.run import run as run_until_stopped

CLOCK_FILE = "CHAOS_CLOCK"
_OFFSETS = struct.Struct("=dd")


class MovedClock:
    """The machine's time, moved by two numbers in a file: `jump_s` is for the time of day only, as when somebody sets it;
    `ahead_s` for all of time."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._shared = mmap.mmap(opened.fileno(), _OFFSETS.size, prot=mmap.PROT_READ)
        self._machine = SystemClock()

    def now(self) -> datetime:
        return self._machine.now() + timedelta(seconds=sum(_OFFSETS.unpack(self._shared[:])))

    def monotonic(self) -> float:
        ahead_s: float = _OFFSETS.unpack(self._shared[:])[1]
        return self._machine.monotonic() + ahead_s

    async def sleep(self, seconds: float) -> None:
        await self._machine.sleep(seconds)


def move_clock(file: Path, *, jump_s: float = 0.0, ahead_s: float = 0.0) -> None:
    """Write how far the clock is off. In place: the processes have the file's own page before them."""
    if not file.exists():
        file.write_bytes(_OFFSETS.pack(jump_s, ahead_s))
        return
    with file.open("r+b") as opened:
        opened.write(_OFFSETS.pack(jump_s, ahead_s))


def run() -> int:
    """Until told to stop."""
    logging.configure("ingest", json=False)
    there = BrokerAddress.parse(os.environ["WELDGATE_PROCESS_MQTT_URL"])
    broker = Address(there.host, there.port, there.username, (there.password or "").encode())
    key, url = signing_key(Path(os.environ["WELDGATE_KEY_FILE"])), os.environ["WELDGATE_PROCESS_DATABASE_URL"]
    clock, told = MovedClock(Path(os.environ[CLOCK_FILE])), Path(os.environ["WELDGATE_ADDRESS_FILE"])
    settings = IngestSettings()
    return run_until_stopped(lambda stop: serve(settings, url, broker, key, clock, stop, told))


if __name__ == "__main__":
    sys.exit(run())
