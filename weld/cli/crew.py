"""Several processes of one command: started, started again when one dies, told to stop together.

Each is `weldgate NAME` once more, with a door of its own: on one port after the other from a number on, where one is given, so
that Prometheus finds them all; else on free ports. Whatever ends one leaves the others alone. They end with this process, however
it ends. Refuses to know their work: how they share it is theirs (for ingest, the leases).
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

from weld.kit.door import announce

log = structlog.get_logger()

_LOOK_EVERY_S = 0.1
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0

# Who has worked so long starts again at once, whatever happened to it before.
_SOUND_AFTER_S = 60.0

_LAST_PORT = 65_535

# From prctl(2).
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Member:
    """One place in the crew: its process, where that says its address, and when it may start again."""

    number: int
    address_file: Path
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    again_s: float = 0.0
    wait_s: float = _FIRST_WAIT_S
    address: str = ""


class Crew:
    """`Crew("ingest", 2, environment, folder).run()` returns when all have ended after a signal."""

    def __init__(
        self,
        name: str,
        number: int,
        environment: Mapping[str, str],
        folder: Path,
        address_file: Path | None = None,
        first_port: int = 0,
    ) -> None:
        if first_port + number - 1 > _LAST_PORT:
            raise ValueError(f"WELDGATE_DOOR_PORT: {number} doors from {first_port} on go beyond {_LAST_PORT}")
        self._name = name
        self._first_port = first_port
        self._environment = environment
        self._address_file = address_file
        self._members = [Member(n, folder / f"{name}-{n}.address") for n in range(1, number + 1)]
        self._stopping = 0

    def run(self) -> int:
        """0 when a signal ended all and each left in order; a second signal ends them at once."""
        before = {number: signal.signal(number, self._heard) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._stopping:
                for member in self._members:
                    self._look(member)
                time.sleep(_LOOK_EVERY_S)
            return self._stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping += 1

    def _stop(self) -> int:
        """Pass on each signal that we hear until all have left; 1 where one did not leave in order."""
        working, told = [member.process for member in self._members if member.process is not None], 0
        while any(process.poll() is None for process in working):
            if told < self._stopping:
                told += 1
                for process in working:
                    process.send_signal(signal.SIGTERM)
            time.sleep(_LOOK_EVERY_S)
        # one that was still starting knew no signal yet, and held nothing
        return int(any(process.returncode not in {0, -signal.SIGTERM} for process in working))

    def _look(self, member: Member) -> None:
        """Start a member whose time has come, note a death, say where a new one listens."""
        now_s = time.monotonic()
        if member.process is None:
            if now_s >= member.again_s:
                self._start(member)
        elif (code := member.process.poll()) is not None:
            self._ended(member, code)
        elif not member.address and member.address_file.exists():
            member.address = member.address_file.read_text()
            log.info("worker_started", worker=member.number, pid=member.process.pid, door=member.address)
            self._announce()

    def _ended(self, member: Member, code: int) -> None:
        now_s = time.monotonic()
        if now_s - member.started_s > _SOUND_AFTER_S:
            member.wait_s = _FIRST_WAIT_S
        member.process, member.again_s = None, now_s + member.wait_s
        log.warning("worker_ended", worker=member.number, code=code, again_in_s=member.wait_s)
        member.wait_s = min(member.wait_s * 2, _LONGEST_WAIT_S)

    def _start(self, member: Member) -> None:
        member.address_file.unlink(missing_ok=True)
        member.address, member.started_s = "", time.monotonic()
        port = self._first_port + member.number - 1 if self._first_port else 0
        mine = {"WELDGATE_ADDRESS_FILE": str(member.address_file), "WELDGATE_DOOR_PORT": str(port)}
        try:
            member.process = subprocess.Popen(
                [sys.executable, "-m", "weld.cli.main", self._name],
                env={**os.environ, **self._environment, **mine},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us: we pass it on once
                preexec_fn=_dies_with(os.getpid()),  # noqa: PLW1509 - we have no threads
            )
        except OSError as error:  # too many processes: the others work on
            self._ended(member, error.errno or 1)

    def _announce(self) -> None:
        """All doors in one line, once everybody has one."""
        addresses = [member.address for member in self._members]
        if self._address_file is not None and all(addresses):
            announce(self._address_file, " ".join(addresses))


def _dies_with(parent: int) -> Callable[[], None]:
    """What a child does first: ask for the signal to stop when its parent is gone, even by kill -9."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def ask() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask
